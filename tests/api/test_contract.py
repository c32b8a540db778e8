"""The API keeps its own description: every operation is called with its example, and with hostile input."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregates.commands import COMMANDS
from api import examples
from api.commands import DOORS, NOT_TAKEN
from api.openapi import described, description
from api.reference import reference
from tests.api.conftest import House
from tests.api.shapes import misshapen

DOCS = Path(__file__).parent.parent.parent / "docs"
DESCRIPTION = orjson.loads(described())
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, item in DESCRIPTION["paths"].items()
    for method, operation in item.items()
}
COMMAND_IDS = [identifier for identifier, (method, _, _) in OPERATIONS.items() if method == "post"]
READING_IDS = [
    identifier
    for identifier, (method, path, _) in OPERATIONS.items()
    if method == "get" and path != "/v1/stream"  # it does not end by itself: test_stream.py
]


class Stage:
    """What must stand in the ledger before an example can be sent: names for the address, words for the body."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.number = 0
        house.cycle("2027-q1")
        house.objective("now")
        house.post("/v1/people", {"name": "Tom Okafor", "email": examples.OTHER_PERSON})
        self.team = house.post("/v1/teams", {"name": "Company"})["identifiers"]["team"]
        self.decision = self.decide("ada")

    def day(self, number: int) -> str:
        return (self.house.today + timedelta(days=number)).isoformat()

    def decide(self, decider: str) -> str:
        body = {"text": "So be it.", "decided_by": decider}
        return str(self.house.post("/v1/decisions", body)["identifiers"]["decision"])

    def fresh(self, kind: str) -> str:
        self.number += 1
        return f"{kind}{self.number}"

    def body(self, example: Any) -> Any:
        text = orjson.dumps(example).decode()
        return orjson.loads(text.replace(examples.TEAM, self.team).replace(examples.DECISION, self.decision))

    def set(self, identifier: str) -> tuple[dict[str, str], dict[str, Any], str]:
        """Return the names of the address, what the body says differently, and who sends it."""
        method, path, _ = OPERATIONS[identifier]
        if method == "get":
            return self._to_read(path), {}, "ada"
        names: dict[str, str] = {}
        for name, make in self._makers().items():
            if f"{{{name}}}" in path:
                names.update(make(identifier))
        other: dict[str, Callable[[], dict[str, Any]]] = {
            "plan_cycle": lambda: {
                "cycle": self.fresh("c"), "starts_on": self.day(1), "commit_by": self.day(2), "ends_on": self.day(91),
            },
            "move_commit_by": lambda: {"commit_by": self.day(20)},
            "carry_objective": lambda: {"key_results": [self.house_key_result]},
            "answer_findings": self._open_findings,
            "redate_key_result": lambda: {"ends_on": self.day(30)},
        }  # fmt: skip
        by = "ines" if identifier == "confirm_decision" else "ada"
        return names, other.get(identifier, dict)(), by

    def _to_read(self, path: str) -> dict[str, str]:
        names = {
            "cycle": "now", "objective": "OBJ-1", "key_result": "KR-1", "person": "ines", "team": self.team,
            "decision": self.decision, "position": "1", "code": "key_result_is_dropped",
        }  # fmt: skip
        return {name: value for name, value in names.items() if f"{{{name}}}" in path}

    def _makers(self) -> dict[str, Callable[[str], dict[str, str]]]:
        return {
            "objective": self._objective,
            "key_result": self._key_result,
            "cycle": self._cycle,
            "person": self._person,
            "service": self._service,
            "team": self._team,
            "decision": lambda _: {"decision": self.decide("ines")},
            "rule": self._finding,
            "position": self._position,
        }

    def _objective(self, identifier: str) -> dict[str, str]:
        committed = identifier not in ("commit_objective", "declare_local", "objective_recorded_in_error")
        objective, self.house_key_result = self.house.objective("now", committed=committed)
        if identifier == "commit_objective":
            self.house.post(f"/v1/objectives/{objective}/local-declarations", {"because": "So it is."})
        return {"objective": objective}

    def _key_result(self, _: str) -> dict[str, str]:
        return {"key_result": self.house.objective("now")[1]}

    def _cycle(self, identifier: str) -> dict[str, str]:
        key = self.house.cycle(self.fresh("c"), opened=identifier != "open_cycle")
        if identifier == "reopen_cycle":
            self.house.post(f"/v1/cycles/{key}/closings")
        return {"cycle": key}

    def _person(self, identifier: str) -> dict[str, str]:
        handle = self.fresh("p")
        self.house.join(handle, *(["facilitator"] if identifier == "revoke_role" else []))
        if identifier == "end_leave":
            self.house.post(f"/v1/people/{handle}/leaves", {"acting_owner": "ines"})
        if identifier == "revoke_delegation":
            self.house.post(f"/v1/people/{handle}/delegations", {"principal": examples.OTHER_PERSON})
        return {"person": handle}

    def _service(self, identifier: str) -> dict[str, str]:
        service = self.house.post("/v1/services", {"name": "figures"})["identifiers"]["service"]
        if identifier == "revoke_role_of_service":
            self.house.post(f"/v1/services/{service}/roles", {"role": "owner"})
        if identifier == "revoke_delegation_of_service":
            self.house.post(f"/v1/services/{service}/delegations", {"principal": examples.OTHER_PERSON})
        return {"service": service}

    def _open_findings(self) -> dict[str, Any]:
        self._finding("answer_findings")
        return {"selection": {"cycle": "now", "standing": "open", "rule": "change_without_decision"}}

    def _team(self, identifier: str) -> dict[str, str]:
        team = self.house.post("/v1/teams", {"name": "T"})["identifiers"]["team"]
        if identifier == "remove_member":
            self.house.post(f"/v1/teams/{team}/members", {"person": "ines"})
        return {"team": team}

    def _finding(self, _: str) -> dict[str, str]:
        _, key_result = self.house.objective("now")
        body = {"target": {"kind": "point", "at": "40"}, "reason": {"kind": "scope", "text": "Less."}}
        changed = self.house.post(f"/v1/key-results/{key_result}/target-changes", body)
        return {"rule": "change_without_decision", "position": str(changed["position"])}

    def _position(self, identifier: str) -> dict[str, str]:
        if identifier == "answer_finding":
            return {}
        _, key_result = self.house.objective("now")
        return {
            "position": str(
                self.house.post(f"/v1/key-results/{key_result}/values", {"value": "70"})["position"]
            )
        }


@pytest.fixture(scope="module")
def stage(house: House) -> Stage:
    """Everything that the examples name."""
    return Stage(house)


def address(path: str, names: dict[str, str]) -> str:
    """Return an address with its names in place."""
    return path.format(**{name: quote(value, safe="") for name, value in names.items()})


def keeps(answer: httpx.Response, operation: dict[str, Any]) -> None:
    """Check an answer against the description of its operation: status, kind, shape, problem."""
    responses = operation["responses"]
    assert str(answer.status_code) in responses, (answer.status_code, answer.text)
    response = responses[str(answer.status_code)]
    if answer.status_code == 304:
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in response["content"], (media_type, answer.text)
    if media_type == "text/plain":
        return
    body = orjson.loads(answer.content)
    assert list(misshapen(body, response["content"][media_type]["schema"], DESCRIPTION)) == [], answer.text[
        :2_000
    ]
    if media_type == "application/problem+json":
        assert body["type"].rpartition("/")[2] in response["x-problems"], answer.text
        assert body["status"] == answer.status_code


@cache
def strange_values() -> Any:
    """Values that no field is waiting for."""
    texts = st.sampled_from(
        ["", " ", "\x00", "a\x00b", "\u202e", "x" * 5_000, "NaN", "1e999", "-0", "2026-02-30", "9999-12-31",
         "0001-01-01", "OBJ-0", "OBJ-999999999", "KR-1", "$", "$x", "person:x", "service:" + "0" * 36, "' or 1=1 --",
         "../..", "ada", "now"]
    )  # fmt: skip
    numbers = st.sampled_from([0, -1, 1, 2**31, 2**63, 2**64, 10**30, 1.5, 1e300, -0.0])
    plain = st.one_of(texts, numbers, st.none(), st.booleans(), st.text(max_size=30))
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    )


def test_every_command_has_a_door_or_a_reason() -> None:
    assert {door.command for door in DOORS} | set(NOT_TAKEN) == set(COMMANDS)
    assert len({door.operation_id for door in DOORS}) == len({door.path for door in DOORS}) == len(DOORS)


def test_the_committed_description_is_the_present_one() -> None:
    assert (DOCS / "openapi.json").read_bytes() == described(), "run `python -m api.openapi`"


def test_the_committed_reference_is_the_present_one() -> None:
    assert (DOCS / "http.md").read_text(encoding="utf-8") == reference(description()), (
        "run `python -m api.openapi`"
    )


def test_the_description_is_complete(house: House) -> None:
    assert house["nobody"].get("/v1/openapi.json").json() == DESCRIPTION
    assert len(OPERATIONS) == sum(len(item) for item in DESCRIPTION["paths"].values())
    for method, path, operation in OPERATIONS.values():
        assert operation["summary"], path
        assert {"401", "500"} <= set(operation["responses"]) or operation.get("security") == [], path
        if method == "post":
            assert operation["requestBody"]["content"]["application/json"]["examples"], path


@pytest.mark.parametrize("identifier", COMMAND_IDS)
def test_a_command_is_taken_as_its_example_says(stage: Stage, identifier: str) -> None:
    method, path, operation = OPERATIONS[identifier]
    example = operation["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]
    names, different, by = stage.set(identifier)
    body = {**stage.body(example), **different}
    client = stage.house[by]
    dry = client.request(method, address(path, names), json=body, params={"dry_run": "true"})
    keeps(dry, operation)
    assert dry.status_code == 200, dry.text
    answer = client.request(method, address(path, names), json=body, headers={"Idempotency-Key": identifier})
    keeps(answer, operation)
    assert answer.status_code == 201, answer.text
    assert [event["name"] for event in dry.json()["events"]] == answer.json()["events"]
    again = client.request(method, address(path, names), json=body, headers={"Idempotency-Key": identifier})
    assert again.content == answer.content
    if "location" in answer.headers:
        found = stage.house["ada"].get(answer.headers["location"])
        assert found.status_code == 200, found.text


@pytest.mark.parametrize("identifier", READING_IDS)
def test_an_answer_has_its_described_shape(stage: Stage, identifier: str) -> None:
    method, path, operation = OPERATIONS[identifier]
    names, _, by = stage.set(identifier)
    answer = stage.house[by].request(method, address(path, names))
    keeps(answer, operation)
    assert answer.status_code == 200, answer.text
    if "304" in operation["responses"]:
        same = stage.house[by].get(address(path, names), headers={"If-None-Match": answer.headers["etag"]})
        assert same.status_code == 304
    keeps(stage.house[by].get(address(path, names), params={"unheard_of": "1"}), operation)
    if operation.get("security") != []:
        keeps(stage.house["nobody"].get(address(path, names)), operation)


HOSTILE = settings(
    max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


@HOSTILE
@given(data=st.data())
def test_a_hostile_body_is_refused_and_never_an_accident(stage: Stage, data: st.DataObject) -> None:
    identifier = data.draw(st.sampled_from(COMMAND_IDS))
    method, path, operation = OPERATIONS[identifier]
    media = operation["requestBody"]["content"]["application/json"]
    body = copy.deepcopy(media["examples"]["example"]["value"])
    schema = DESCRIPTION["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
    names = st.sampled_from([*schema["properties"], "unheard_of"])
    for name in data.draw(st.lists(names, min_size=1, max_size=3)):
        body[name] = data.draw(strange_values())
    strange = st.sampled_from(
        ["OBJ-1", "KR-1", "now", "ines", "1", "0", "99999999999999999999", "%", "x" * 300, "\x00", "é"]
    )
    target = address(path, {one: data.draw(strange) for one in names_in(path)})
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS, default=str) if fits(body) else json_of(body)
    headers = {"Content-Type": "application/json"}
    keeps(
        stage.house["ada"].request(method, target + "?dry_run=true", content=content, headers=headers),
        operation,
    )


@HOSTILE
@given(
    content=st.binary(max_size=200),
    kind=st.sampled_from(["application/json", "text/plain", "", "application/xml"]),
)
def test_bytes_that_are_no_body_are_refused(stage: Stage, content: bytes, kind: str) -> None:
    answer = stage.house["ada"].post(
        "/v1/teams?dry_run=true", content=content, headers={"Content-Type": kind}
    )
    assert 400 <= answer.status_code < 500 or not content.strip()
    keeps(answer, OPERATIONS["form_team"][2])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"[" * 60_000, "body_is_not_json"),
        (b'{"name": "\xff"}', "body_is_not_json"),
        (b'{"name": "\\ud800"}', "body_is_not_json"),
        (b'{"name": ' + b"1" * 1_000 + b"}", "body_is_invalid"),
        (b"null", "body_is_invalid"),
        (b"[]", "body_is_invalid"),
        (b'"name"', "body_is_invalid"),
        (b'{"name": NaN}', "body_is_invalid"),
        (b'{"name": "A", "name2": "B"}', "body_is_invalid"),
        (b"x" * 65_537, "body_is_too_large"),
    ],
)
def test_a_body_that_is_none_has_its_own_code(stage: Stage, content: bytes, code: str) -> None:
    answer = stage.house["ada"].post(
        "/v1/teams", content=content, headers={"Content-Type": "application/json"}
    )
    keeps(answer, OPERATIONS["form_team"][2])
    assert answer.json()["type"] == f"/v1/problems/{code}", answer.text


def test_a_body_in_pieces_is_bounded_too(stage: Stage) -> None:
    pieces = (b" " * 10_000 for _ in range(10))
    answer = stage.house["ada"].post(
        "/v1/teams", content=pieces, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


def names_in(path: str) -> list[str]:
    """Return the names in an address."""
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def fits(body: Any) -> bool:
    """Return whether orjson can write the body: no whole number beyond 64 bits."""
    try:
        orjson.dumps(body)
    except (orjson.JSONEncodeError, TypeError):
        return False
    return True


def json_of(body: Any) -> bytes:
    """Return the body as the standard library writes it."""
    import json

    return json.dumps(body).encode()
