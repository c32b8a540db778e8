"""Values that are made by the million are as frozen as any, and are made as any."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, InitVar, field, fields, replace
from typing import Any

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


@dataclass(frozen=True, slots=True)
class ToldBy(Told):
    """What somebody tells."""

    name: str = "nobody"
    by: str = "Ada"


def test_a_value_is_copied_kept_and_inherited_as_any() -> None:
    for one in (Told("a", 8, ["b"]), ToldBy("a"), ToldBy()):
        assert pickle.loads(pickle.dumps(one)) == copy.copy(one) == copy.deepcopy(one) == replace(one) == one
    match ToldBy():
        case ToldBy(name, number, [], by):
            assert (name, number, by) == ("nobody", 7, "Ada")
        case _:
            raise AssertionError


class Checked:
    name: str

    def __post_init__(self) -> None:
        raise ValueError(self.name)


class Written:
    name: str

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "name", name.upper())


class Partly:
    name: str
    number: int = field(init=False, default=7)


class ByName:
    name: str
    number: int = field(kw_only=True)


class Along:
    name: str
    number: InitVar[int]


@pytest.mark.parametrize("made", [Checked, Written, Partly, ByName, Along])
def test_a_class_that_does_more_than_fill_its_slots_is_refused(made: Any) -> None:
    """Given a class whose own check would be left out, or whose values are made otherwise, then it is not made."""
    with pytest.raises(TypeError, match="in a way of its own"):
        dataclass(frozen=True, slots=True)(made)
