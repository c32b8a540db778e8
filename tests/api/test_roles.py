"""Roles, the scopes of a token and delegation over HTTP: each lets somebody as far as the table of rights says."""

from __future__ import annotations

import re
from typing import Any

import httpx
import orjson
import pytest

from tests.api.conftest import House
from tests.api.hiding import REASON, Told, addresses, told

__all__ = ["told"]


def test_an_operator_reads_figures_and_never_the_record(house: House, told: Told) -> None:
    for path in addresses(told):
        answer = house["olaf"].get(path)
        is_open = path in ("/v1/health", "/v1/ready", "/v1/metrics", "/v1/security-log") or "problems" in path
        assert answer.status_code in ((200, 404) if is_open else (403,)), path
    house.post("/v1/cycles/now/openings", by="olaf", status=403)
    house.get("/v1/entries", by="olaf", status=403)
    with house["olaf"].stream("GET", "/v1/stream") as answer:
        assert answer.status_code == 403


def test_a_token_is_used_only_for_its_scopes(house: House, told: Told) -> None:
    ines = f"person:{house.people['ines']}"
    (key_result,) = [
        row["reference"] for row in house.get(f"/v1/objectives/{told.visible}")["key_results"].values()
    ]
    for scope in ("read", "write", "check_in", "export", "operate"):
        house.tokens[scope] = house.ledger.tokens.issue(ines, scope, scopes=[scope])
    allowed = {}
    for scope in ("read", "write", "check_in", "export", "operate"):
        read = house[scope].get("/v1/cycles/now/board")
        checked = house[scope].post(f"/v1/key-results/{key_result}/values?dry_run=true", json={"value": "60"})
        words = {"title": f"Everybody knows this {scope}", "reason": REASON}
        worded = house[scope].post(f"/v1/objectives/{told.visible}/wordings?dry_run=true", json=words)
        allowed[scope] = (read.status_code, checked.status_code, worded.status_code)
    assert allowed == {
        "read": (200, 403, 403),
        "write": (403, 200, 200),
        "check_in": (403, 200, 403),
        "export": (403, 403, 403),
        "operate": (403, 403, 403),
    }


def test_an_expired_token_is_refused_in_a_sentence(house: House) -> None:
    house.tokens["late"] = house.ledger.tokens.issue(f"person:{house.people['tom']}", "late")
    with house.ledger.pool.connection() as connection:
        connection.execute("update tokens set expires_at = now() where label = 'late'")
    answer = house["late"].get("/v1/cycles")
    assert answer.status_code == 401
    assert answer.json()["type"] == "/v1/problems/token_has_expired"
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


def test_somebody_acts_for_another_with_a_delegation_and_both_are_named(house: House, told: Told) -> None:
    hidden = told.hidden[0].reference
    words = {"title": "Nightfall people", "reason": REASON}
    for_ines = {"On-Behalf-Of": "ines"}
    refused = house["rita"].post(f"/v1/objectives/{hidden}/wordings", json=words, headers=for_ines)
    nowhere = house["rita"].post("/v1/objectives/OBJ-9999/wordings", json=words, headers=for_ines)
    assert refused.status_code == nowhere.status_code == 403
    assert refused.json()["errors"][0]["pointer"] == "/header/On-Behalf-Of"
    house.post("/v1/people/rita/delegations", {"principal": "ines"}, by="ines")
    words = {"title": "Nightfall people and Rita", "reason": REASON}
    receipt = house.post(f"/v1/objectives/{hidden}/wordings", words, by="rita", headers=for_ines)
    house.get(f"/v1/objectives/{hidden}", by="rita", status=404)  # she reads by her own rights
    entry = house.get(f"/v1/entries/{receipt['position']}")["data"]
    assert (entry["by"], entry["on_behalf_of"]) == tuple(
        f"person:{house.people[name]}" for name in ("rita", "ines")
    )
    house.post("/v1/people/rita/delegation-revocations", {"principal": "ines"}, by="ines")
    house.post(f"/v1/objectives/{hidden}/wordings", words, by="rita", headers=for_ines, status=403)


@pytest.mark.parametrize("role", ["reader", "owner", "facilitator", "steward", "auditor", "operator"])
def test_every_command_is_allowed_or_refused_over_http_as_the_table_says(
    house: House, told: Told, role: str
) -> None:
    """Given a token of one role, then each door lets it as far as its rules, or answers 403, as the table says; and
    what is hidden from the role is refused as what is not there, whatever the role may do."""
    from aggregates.access import Actor, lets
    from api.commands import DOORS

    name = f"only-{role}"
    if name not in house.tokens:
        house.join(name, role)
    actor = Actor(f"person:{house.people[name]}", frozenset({role}))  # type: ignore[arg-type]
    sees = role in ("steward", "auditor")
    names = _there(house, told)
    for door in DOORS:
        body = _with_names(door.example, names)
        path = door.path.format(**names)
        answer = house[name].post(f"{path}?dry_run=true", json=body)
        nothing = role == "owner" and answer.text == '{"dry_run":true,"events":[]}'  # none of it is their own
        assert nothing or _is_refused(answer) != lets(actor, door.command), (door.command, answer.text)
        # and on what is hidden: as on what is there where this role sees it, else as on what is not there
        if "{objective}" not in door.path and "{key_result}" not in door.path:
            continue
        for hidden in told.hidden:
            there, nowhere = (
                house[name].post(f"{door.path.format(**{**names, **other})}?dry_run=true", json=body)
                for other in (
                    {"objective": hidden.reference, "key_result": hidden.key_result},
                    {"objective": "OBJ-9999", "key_result": "KR-9999"},
                )
            )
            if sees:
                assert _is_refused(there) != lets(actor, door.command), (door.command, there.text)
                assert there.status_code != 404, (door.command, there.text)
            else:
                assert there.status_code == nowhere.status_code in (403, 404), (door.command, there.text)


def _is_refused(answer: httpx.Response) -> bool:
    return answer.status_code == 403 and str(answer.json()["type"]).endswith("/action_is_not_allowed")


def _there(house: House, told: Told) -> dict[str, str]:
    """Return the name of something of each kind that everybody sees."""
    team = house.post("/v1/teams", {"name": f"Counter {house.ledger.new_id()}"})["identifiers"]["team"]
    service = house.post("/v1/services", {"name": f"Till {house.ledger.new_id()}"})["identifiers"]["service"]
    decided = {"text": "We do it.", "decided_by": "ines", "touches": [told.visible]}
    decision = house.post("/v1/decisions", decided)["identifiers"]["decision"]
    key_results = house.get(f"/v1/objectives/{told.visible}")["key_results"]
    return {
        "cycle": "now", "objective": told.visible, "key_result": next(iter(key_results)), "person": "tom",
        "team": team, "service": service, "decision": decision, "rule": "change_without_decision", "position": "1",
    }  # fmt: skip


def _with_names(example: Any, names: dict[str, str]) -> Any:
    """Return an example with names of what is there in it."""
    text = orjson.dumps(example).decode()
    for kind in ("team", "decision", "service"):
        text = re.sub(rf'"{kind}":"[^"]*"', f'"{kind}":"{names[kind]}"', text)
    text = re.sub(r"[a-z.]+@example.org", "tom", text)
    return orjson.loads(text.replace("2027-q1", "now"))
