"""The check of what happened, many times over: do these bodies have the form of their event?

In a ledger the same few values come again and again in the same places: the key result that is checked in on every
week, the word that is said of it, its confidence. A value that its place has held before needs no second look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pydantic_core import SchemaValidator

from aggregates.entry import Event

REMEMBERED = 10_000
"""Values that are remembered of one event, over all its members; with one more, all are forgotten."""
LONGEST_REMEMBERED = 40
"""Characters of a value that is remembered: identifiers, keys, days, numbers, words; no text."""
_TEXTS = {str}


class BodyCheck:
    """Checks bodies of one event, as its model reads them."""

    def __init__(self, event: type[Event]) -> None:
        self.read = cast("SchemaValidator", event.__pydantic_validator__).validate_python
        """Read one body, whatever was read before. Raises pydantic's ValidationError."""
        told = event.__pydantic_decorators__
        self._alone = not (told.model_validators or told.field_validators or told.root_validators)
        """Whether each member is judged by its own value, whatever the others are."""
        self._needed = {name for name, field in event.model_fields.items() if field.is_required()}
        self._samples: dict[tuple[str, ...], dict[str, Any]] = {}
        """For each set of members that occurred, a body that was read."""
        self._known: dict[str, set[str]] = {}
        self._remembered = 0

    def read_all(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Read bodies. Raises pydantic's ValidationError where one of them cannot be read, and does not say which."""
        if not self._alone:
            for body in bodies:
                self.read(body)
            return
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for body in bodies:
            members = tuple(body)
            if members in groups:
                groups[members].append(body)
            else:
                groups[members] = [body]
        for members, group in groups.items():
            self._read_alike(members, group)

    def _read_alike(self, members: tuple[str, ...], group: list[dict[str, Any]]) -> None:
        """Read bodies with the same members: a body that was read, with the values in it that are new."""
        sample = self._samples.get(members)
        if sample is None:
            sample = group[0]
            self.read(sample)
            self._samples[members] = sample
        fresh = {}
        for member in members:
            if values := self._fresh(member, [body[member] for body in group]):
                fresh[member] = values
        base = {name: value for name, value in sample.items() if name in self._needed or name in fresh}
        for number in range(max(map(len, fresh.values()), default=0)):
            self.read(base | {name: values[number] for name, values in fresh.items() if number < len(values)})
        for member, values in fresh.items():
            self._remember(member, values)

    def _fresh(self, member: str, values: list[Any]) -> list[Any]:
        """Return the values that this member has not held before: what is no text is always new."""
        if set(map(type, values)) != _TEXTS:
            return values
        return list(set(values).difference(self._known.get(member, ())))

    def _remember(self, member: str, values: list[Any]) -> None:
        short = {value for value in values if type(value) is str and len(value) <= LONGEST_REMEMBERED}
        if self._remembered + len(short) > REMEMBERED:
            self._known.clear()
            self._remembered = 0
        self._known.setdefault(member, set()).update(short)
        self._remembered += len(short)
