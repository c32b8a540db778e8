"""The log of attempts and of readings by office: who stands in it, about what, and who is told."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from api.attempts import MOST_LOOKED_UP
from tests.api.conftest import House
from tests.api.hiding import REASON, Told, betrays, told

__all__ = ["told"]


def test_an_auditor_writes_nothing_and_their_readings_by_office_are_logged(house: House, told: Told) -> None:
    for by in ("ada", "uta", "rita"):
        house.get("/v1/cycles/now/board", by=by)
    house.post(f"/v1/objectives/{told.visible}/wordings", {"title": "x"}, by="uta", status=403)
    lines = _log(house)
    uta = f"person:{house.people['uta']}"
    read = [line for line in lines if line["actor"] == uta and line["outcome"] == "read_by_office"]
    assert "/v1/cycles/now/board" in {line["subject"] for line in read}
    assert any(line["actor"] == uta and line["action"] == "reword_objective" for line in lines)
    by_office = {line["actor"] for line in lines if line["outcome"] == "read_by_office"}
    assert by_office == {f"person:{person}" for person in (house.people["uta"], house.steward)}


def test_attempts_are_logged_and_an_operator_is_not_told_about_what(house: House, told: Told) -> None:
    house.get(f"/v1/objectives/{told.hidden[0].reference}/history", by="rita", status=404)
    house.post(f"/v1/objectives/{told.hidden[0].reference}/wordings", {"title": "x"}, by="fay", status=404)
    house.get("/v1/people", by="nora", status=403)
    assert house["nobody"].get("/v1/cycles", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    lines = _log(house)
    seen = {(line["actor"] and line["actor"][-12:], line["action"], line["outcome"]) for line in lines}
    for name, action, outcome in (
        ("rita", "read", "refused"), ("fay", "reword_objective", "refused"), ("nora", "read", "refused"),
    ):  # fmt: skip
        assert (house.people[name][-12:], action, outcome) in seen
    assert (None, "token_is_not_valid", "failed") in seen
    operators = house["olaf"].get("/v1/security-log", params={"limit": 1000})
    assert {line["subject"] for line in operators.json()["lines"]} == {None}
    for hidden in told.hidden:
        assert betrays(operators.content, hidden) == set()
    house.get("/v1/security-log", by="rita", status=403)
    house.get("/v1/security-log", by="fay", status=403)


@pytest.mark.parametrize("spelled", ["{0}", "obj{1}", " Obj {1}", "OBJ-00{1}", "OBJ-{1:0>32}"])
def test_an_attempt_is_logged_however_what_is_hidden_was_spelled(
    house: House, told: Told, spelled: str
) -> None:
    """Given a body that names something hidden in a spelling that is taken, then the attempt is in the log."""
    hidden = told.hidden[0]
    parent = spelled.format(hidden.reference, hidden.reference.partition("-")[2])
    before = len(_log(house))
    body = {"parent": parent, "reason": REASON}
    house.refused(f"/v1/objectives/{told.visible}/alignments", body, "objective_is_unknown", by="fay")
    logged = {(line["action"], line["subject"]) for line in _log(house)[before:]}
    assert ("align_objective", f"objective:{hidden.objective}") in logged


def test_an_attempt_is_logged_behind_many_names_that_mean_nothing(house: House, told: Told) -> None:
    """Given a body with a hundred identifiers of nothing, then the one of something hidden is still in the log."""
    hidden = told.hidden[0]
    before = len(_log(house))
    decoys = [str(UUID(int=number)) for number in range(MOST_LOOKED_UP * 2)]
    body = {"text": "So much.", "decided_by": "fay", "touches": [*decoys, str(hidden.objective)]}
    assert house["fay"].post("/v1/decisions", json=body).status_code in (404, 409, 422)
    assert f"objective:{hidden.objective}" in {line["subject"] for line in _log(house)[before:]}


def test_an_attempt_is_logged_however_the_body_escapes_its_letters(house: House, told: Told) -> None:
    hidden = told.hidden[0]
    before = len(_log(house))
    content = json.dumps({"parent": hidden.reference, "reason": REASON}).replace("OBJ-", "\\u004fBJ\\u002d")
    path = f"/v1/objectives/{told.visible}/alignments"
    answer = house["fay"].post(path, content=content, headers={"Content-Type": "application/json"})
    assert answer.json()["type"].endswith("objective_is_unknown")
    assert f"objective:{hidden.objective}" in {line["subject"] for line in _log(house)[before:]}


def _log(house: House) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    after = 0
    while page := house.get("/v1/security-log", by="uta", after=after, limit=100)["lines"]:
        lines += page
        after = page[-1]["number"]
    return lines
