"""Values that are made by the million are as frozen as any, and are made as any."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, field, fields, replace

import pytest

from aggregates.frozen import dataclass
from aggregates.timeline import Fact


@dataclass(frozen=True, slots=True)
class Told:
    """What a test tells."""

    name: str
    number: int = 7
    members: list[str] = field(default_factory=list)


def test_a_value_is_made_with_its_defaults_and_compares_by_what_it_says() -> None:
    assert Told("a") == Told(name="a", number=7, members=[])
    assert Told("a").members is not Told("a").members
    assert repr(replace(Told("a"), number=8)) == "Told(name='a', number=8, members=[])"
    assert [one.name for one in fields(Told)] == ["name", "number", "members"]
    assert hash(Fact(1, 2, "x")) == hash(Fact(1, 2, "x"))  # type: ignore[arg-type]


def test_nobody_changes_a_value_nor_makes_half_of_one() -> None:
    told = Told("a")
    with pytest.raises(FrozenInstanceError):
        told.name = "b"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Told()  # type: ignore[call-arg]
    assert not hasattr(told, "__dict__")
