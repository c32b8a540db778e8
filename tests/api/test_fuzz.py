"""Every operation with valid, invalid and hostile input: no accident, and every answer as the description says.

Schemathesis makes the input from the description, as strategies of Hypothesis. The quick profile runs with every test
run, the long one is marked slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.openapi import described
from tests.api.conftest import House

DESCRIPTION = orjson.loads(described())
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
ENDLESS = frozenset({"/v1/stream"})
"""What does not end by itself: tests/api/test_stream.py sends it bad input."""
OPERATIONS = {
    f"{one.method.upper()} {one.path}": one
    for one in (found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok))
    if one.path not in ENDLESS
}
assert len(OPERATIONS) == sum(len(item) for item in DESCRIPTION["paths"].values()) - len(ENDLESS)
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
KNOWN: dict[str, list[str]] = {
    "cycle": ["now", "none"],
    "objective": ["OBJ-1", "OBJ-2", "OBJ-99"],
    "key_result": ["KR-1", "KR-2", "OBJ-1"],
    "person": ["ines", "tom", "nobody"],
    "position": ["1", "20", "0", "9999999999999999999"],
    "rule": ["change_without_decision", "late_line"],
}
"""Names that mean something, or almost: what is made up finds nothing."""


def profile(examples: int) -> Any:
    """Return the settings of a run: so many examples of each operation, the same ones each time."""
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@pytest.fixture(scope="module")
def ground(house: House) -> Iterator[House]:
    """A ledger in which some of the names that are sent mean something."""
    house.objective("now")
    house.objective("now", owner="tom", committed=False)
    yield house
    # whatever was sent: everything is still level, and nothing stopped
    assert house["nobody"].get("/v1/ready").json()["status"] == "ready"


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection that is kept open."""
    with requests.Session() as kept:
        yield kept


def sent(house: House, session: requests.Session, case: Any, names: dict[str, str]) -> None:
    """Send a generated request and hold its answer against the description."""
    for name in case.path_parameters or {}:
        if name in names:
            case.path_parameters[name] = names[name]
    answer = case.call(
        base_url=house.address, session=session, headers={"Authorization": f"Bearer {house.tokens['ada']}"}
    )
    assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"
    case.validate_response(answer, checks=CHECKS)


def names_in_place() -> Any:
    """Names that mean something for some of the places in an address; the others keep what was made up."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(known) for name, known in KNOWN.items()})


def fuzz(ground: House, session: requests.Session, name: str, mode: GenerationMode, examples: int) -> None:
    """Send an operation so many generated requests."""

    @profile(examples)
    @given(case=OPERATIONS[name].as_strategy(generation_mode=mode), names=names_in_place())
    def send(case: Any, names: dict[str, str]) -> None:
        sent(ground, session, case, names)

    with suppress(Unsatisfiable):  # an operation that takes nothing cannot be asked wrongly
        send()


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_input_is_an_accident(ground: House, session: requests.Session, name: str) -> None:
    fuzz(ground, session, name, GenerationMode.POSITIVE, 3)
    fuzz(ground, session, name, GenerationMode.NEGATIVE, 3)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_input_is_an_accident_at_length(
    ground: House, session: requests.Session, name: str, mode: GenerationMode
) -> None:
    fuzz(ground, session, name, mode, 60)
