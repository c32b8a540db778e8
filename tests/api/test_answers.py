"""Real answers have the shape that the description gives them, member by member: a change of contract is seen here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import orjson
import pytest

from api.openapi import described
from api.shapes import READINGS
from ledger.store import Ledger
from replay.asked import (
    BoardOf,
    CommitmentsOf,
    CyclesList,
    DecisionsOf,
    DriftOf,
    FindingsOf,
    HistoryOf,
    PeopleList,
    PolicyOf,
    Question,
    TeamsList,
)
from replay.engine import Engine
from replay.questions import Reader
from tests.api.conftest import House

DESCRIPTION = orjson.loads(described())
PATHS = {item["get"]["operationId"]: path for path, item in DESCRIPTION["paths"].items() if "get" in item}
NAMED = {
    "cycles": "CyclesAnswer", "board": "BoardAnswer", "commitments": "CommitmentsAnswer", "drift": "DriftAnswer",
    "history": "HistoryAnswer", "decisions": "DecisionsAnswer", "findings": "FindingsAnswer", "people": "PeopleAnswer",
    "teams": "TeamsAnswer", "policy": "PolicyAnswer",
}  # fmt: skip


@cache
def shape(name: str) -> Any:
    """Return the check of a named shape."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]}
    return jsonschema_rs.validator_for({"$schema": DESCRIPTION["jsonSchemaDialect"], **schema})


def keeps(body: Any, name: str) -> None:
    """Check that an answer has its shape; the first sentence says which member differs."""
    found = [
        f"{name}/{'/'.join(map(str, one.instance_path))}: {one.message}"
        for one in shape(name).iter_errors(body)
    ]
    assert found == [], f"{found[0]}\n(the shapes are in api/answer_schemas.py)"


def asked(reader: Reader, question: Question, **basis: Any) -> dict[str, Any]:
    """Return an answer as it is sent, which has its shape."""
    body = orjson.loads(orjson.dumps(reader.ask(question, **basis).body))
    keeps(body, NAMED[question.name])
    return body


def questions(reader: Reader, **basis: Any) -> Iterator[Question]:
    """Give every question that a ledger answers at a basis."""
    yield from (PeopleList(), TeamsList(), PolicyOf(), DecisionsOf(None, None), FindingsOf(None, None))
    for cycle in asked(reader, CyclesList(), **basis)["cycles"]:
        key = cycle["key"]
        yield from (
            BoardOf(key),
            CommitmentsOf(key),
            DriftOf(key, None),
            DecisionsOf(key, None),
            FindingsOf(key, None),
        )
        for objective in asked(reader, BoardOf(key), **basis)["objectives"][::10]:
            yield from (HistoryOf(objective["reference"]), DriftOf(None, objective["reference"]))
            for key_result in objective["key_results"][:1]:
                yield HistoryOf(key_result["reference"])


@pytest.fixture
def demonstration(new_settings: Callable[[], Any]) -> Iterator[Ledger]:
    """The demonstration: three quarters of an invented company."""
    from api.demonstration import loading

    settings = new_settings()
    loading.load(settings)
    with Ledger.open(settings) as ledger:
        yield ledger


def test_the_answers_of_the_demonstration_have_their_shapes(demonstration: Ledger) -> None:
    engine = Engine(demonstration)
    engine.catch_up()
    reader = Reader(demonstration, engine)
    head = demonstration.head().position
    for basis in ({}, {"as_of": str(head - 500), "effective_at": "2026-01-01"}):
        if "effective_at" in basis:
            entry = demonstration.entry(head // 2)
            assert entry is not None
            basis["effective_at"] = entry.recorded_at.date().isoformat()
        for question in questions(reader, **basis):
            asked(reader, question, **basis)
    for kind, items in bares(reader).items():
        for item in items:
            keeps(orjson.loads(orjson.dumps(reader.bare(f"{kind}:{item}"))), f"Bare{kind.capitalize()}")


def bares(reader: Reader) -> dict[str, list[str]]:
    """Return some aggregates of each kind."""
    cycles = [cycle["key"] for cycle in reader.ask(CyclesList()).body["cycles"]]
    board = reader.ask(BoardOf(cycles[-1])).body
    return {
        "cycle": cycles,
        "objective": [row["id"] for row in board["objectives"]],
        "person": list(reader.ask(PeopleList()).body["people"]),
        "team": list(board["teams"]),
        "decision": [row["decision"] for row in reader.ask(DecisionsOf(None, None)).body["decisions"]],
    }


def test_a_private_objective_leaves_every_shape_whole(house: House) -> None:
    # given an objective that is shown to two people only, with a change, a finding and a decision
    objective, key_result = house.objective("now", title="Only for some")
    child, _ = house.objective("now", title="For everybody")
    reason = {"kind": "scope", "text": "It serves the other one."}
    house.post(f"/v1/objectives/{child}/alignments", {"parent": objective, "reason": reason})
    body = {"target": {"kind": "point", "at": "40"}, "reason": {"kind": "scope", "text": "Less."}}
    house.post(f"/v1/key-results/{key_result}/target-changes", body)
    house.post("/v1/decisions", {"text": "So be it.", "decided_by": "ada", "touches": [objective, child]})
    hidden = {"visibility": "people", "people": ["ines"]}
    house.post(f"/v1/objectives/{objective}/visibilities", hidden)
    # when Rita and Ada read, then every answer has its shape, and only what is hidden or needs an office is refused
    refused: dict[str, dict[str, int]] = {"rita": {}, "ada": {}}
    for by in refused:
        for identifier, reading in READINGS.items():
            path = PATHS[identifier]
            if reading.media_type != "application/json":
                continue
            names = {
                "cycle": "now",
                "objective": child,
                "key_result": "KR-1",
                "person": "ines",
                "position": "1",
            }
            if any(name not in names for name in re.findall(r"{(\w+)}", path)):
                continue
            answer = house[by].get(path.format(**names))
            if answer.status_code == 200:
                keeps(answer.json(), reading.schema)
            else:
                refused[by][identifier] = answer.status_code
    about_it = {"read_history_of_key_result": 404, "read_drift_of_key_result": 404}
    assert refused == {"rita": {**about_it, "read_security_log": 403}, "ada": {}}


def test_rows_are_closed() -> None:
    """A member that no shape names is found."""
    body = {"basis": {"ledger": "x", "position": 1}, "cycles": [], "people": {}}
    keeps(body, "CyclesAnswer")
    with pytest.raises(AssertionError, match="unheard_of"):
        keeps({**body, "unheard_of": 1}, "CyclesAnswer")
