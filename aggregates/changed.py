"""A changed copy of a frozen state, an order of magnitude faster than `dataclasses.replace`."""

from __future__ import annotations

from typing import Any, TypeVar

S = TypeVar("S")


def changed(state: S, **attributes: Any) -> S:
    """Return a copy of a frozen dataclass without slots, with these attributes set to other values."""
    copy = object.__new__(type(state))
    copy.__dict__.update(state.__dict__, **attributes)
    return copy
