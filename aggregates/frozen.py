"""Frozen dataclasses that are made by the million: entries, facts, rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses

    def dataclass(*, frozen, slots):
        """Return what makes a class as `dataclasses.dataclass` does, but fills its slots in half the time.

        A frozen dataclass fills each attribute through `object.__setattr__`, which looks the slot up every time; here
        each slot is filled through its own descriptor. All else is the same: nobody can change a value. Raises
        TypeError for a class that does more when a value is made than fill its slots.
        """

        def made(cls):
            own = "__init__" in cls.__dict__ or hasattr(cls, "__post_init__")
            whole = dataclasses.dataclass(frozen=frozen, slots=slots)(cls)
            code, names = whole.__init__.__code__, tuple(one.name for one in dataclasses.fields(whole))
            if own or code.co_varnames[1 : code.co_argcount] != names:
                raise TypeError(
                    f"{cls.__qualname__} is made in a way of its own; make it with dataclasses.dataclass."
                )
            whole.__init__ = _filling(whole)
            return whole

        return made

    def _filling(cls):
        given, asked, body = {"_absent": object()}, [], []
        for one in dataclasses.fields(cls):
            name = one.name
            given[f"_set_{name}"] = getattr(cls, name).__set__
            if one.default is not dataclasses.MISSING:
                given[f"_default_{name}"] = one.default
                asked.append(f"{name}=_default_{name}")
            elif one.default_factory is not dataclasses.MISSING:
                given[f"_factory_{name}"] = one.default_factory
                asked.append(f"{name}=_absent")
                body.append(f"    if {name} is _absent: {name} = _factory_{name}()")
            else:
                asked.append(name)
            body.append(f"    _set_{name}(self, {name})")
        exec("\n".join([f"def __init__(self, {', '.join(asked)}):", *body]), given)  # noqa: S102 (as dataclasses do)
        init = given["__init__"]
        init.__qualname__, init.__annotations__ = f"{cls.__qualname__}.__init__", cls.__init__.__annotations__
        return init
