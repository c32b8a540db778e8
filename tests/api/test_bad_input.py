"""Every row of bad input that comes through this door: a sentence, a stable code, the field, and nothing recorded."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from aggregates.policy import DEFAULT_POLICY
from api.commands import DOORS, Door
from api.mistakes import A_VALUE, found_in
from tests.api.conftest import House

POINT = {"kind": "point", "at": "40"}
REASON = {"kind": "scope", "text": "Less is more."}


def draft(**other: Any) -> dict[str, Any]:
    """Return a body that drafts an objective, with something else in it."""
    return {"cycle": "now", "title": "Fresh coffee", "owner": "ines", **other}


def key_result(**other: Any) -> dict[str, Any]:
    """Return a body that adds a key result, with something else in it."""
    body = {
        "title": "Bags",
        "owner": "ines",
        "measure": {"kind": "increase"},
        "baseline": "0",
        "target": POINT,
    }
    return {**body, **other}


@pytest.mark.parametrize(
    "owner",
    ["nobody", "nobody@example.org", "00000000-0000-7000-8000-000000000000", "person:x", "' or 1=1 --"],
)
def test_an_unknown_owner(house: House, owner: str) -> None:
    house.refused("/v1/objectives", draft(owner=owner), "person_is_unknown", "/owner")


def test_an_owner_who_was_not_here(house: House) -> None:
    house.join("gone")
    house.post("/v1/people/gone/departures")
    house.refused("/v1/objectives", draft(owner="gone"), "person_was_not_here", "/owner")


def test_a_team_as_owner(house: House) -> None:
    team = house.post("/v1/teams", {"name": "Roasting"})["identifiers"]["team"]
    for owner in (team, "Roasting", "roasting"):
        house.refused("/v1/objectives", draft(owner=owner), "owner_is_a_team", "/owner")
    objective, of = house.objective("now", committed=False)
    house.refused(f"/v1/objectives/{objective}/owners", {"owner": team}, "owner_is_a_team", "/owner")
    house.refused(f"/v1/key-results/{of}/owners", {"owner": "Roasting"}, "owner_is_a_team", "/owner")


def test_a_target_equal_to_its_baseline(house: House) -> None:
    objective, of = house.objective("now", committed=False)
    body = key_result(baseline="40")
    house.refused(f"/v1/objectives/{objective}/key-results", body, "target_equals_baseline", "/target")
    body = {"target": {"kind": "point", "at": "90"}}
    house.refused(f"/v1/key-results/{of}/target-changes", body, "target_equals_baseline", "/target")


@pytest.mark.parametrize(
    "number",
    ["1e15", "1000000000000000", "0.0000001", "NaN", "Infinity", "-inf", "much", "", True, None, [], {}],
)
def test_a_number_that_is_none_or_out_of_range(house: House, number: Any) -> None:
    objective, _ = house.objective("now", committed=False)
    body = key_result(target={"kind": "point", "at": number})
    house.refused(f"/v1/objectives/{objective}/key-results", body, "body_is_invalid", "/target/at")


@pytest.mark.parametrize("confidence", ["1.1", "-0.1", "0.55", "high", 2])
def test_a_confidence_that_is_no_probability(house: House, confidence: Any) -> None:
    _, of = house.objective("now")
    house.refused(
        f"/v1/key-results/{of}/check-ins", {"confidence": confidence}, "body_is_invalid", "/confidence"
    )


@pytest.mark.parametrize("title", ["a\x00b", "a\x07b", "a\u2028b", "x" * 201, "", "   ", "\n", 7, None])
def test_a_text_with_a_control_character_or_over_its_limit(house: House, title: Any) -> None:
    house.refused("/v1/objectives", draft(title=title), "body_is_invalid", "/title")


@pytest.mark.parametrize("title", ["\u200b", "\ufeff\u00ad", "\u3164", "\u2800"])
def test_a_text_of_which_nothing_is_seen(house: House, title: str) -> None:
    told = house.refused("/v1/objectives", draft(title=title), "body_is_invalid", "/title")
    assert told["errors"][0]["code"] == "text_is_invisible"
    assert "nothing that can be seen" in told["errors"][0]["detail"]
    _, of = house.objective("now")
    body = {"confidence": "0.7", "what_changed": title}
    told = house.refused(f"/v1/key-results/{of}/check-ins", body, "body_is_invalid", "/what_changed")
    assert told["errors"][0]["code"] == "text_is_invisible"
    house.refused("/v1/people", {"name": title, "handle": "unseen"}, "body_is_invalid", "/name")


def test_every_text_of_a_body_is_bounded(house: House) -> None:
    objective, of = house.objective("now")
    long = "x" * 4_001
    house.refused("/v1/objectives", draft(description=long), "body_is_invalid", "/description")
    house.refused(
        f"/v1/key-results/{of}/check-ins",
        {"confidence": "0.7", "what_changed": long},
        "body_is_invalid",
        "/what_changed",
    )
    body = {"reason": {"kind": "scope", "text": "a\x00b"}}
    house.refused(f"/v1/objectives/{objective}/withdrawals", body, "body_is_invalid", "/reason/text")


def test_anything_in_the_future(house: House) -> None:
    _, of = house.objective("now")
    tomorrow = (house.today + timedelta(days=1)).isoformat()
    house.refused(
        f"/v1/key-results/{of}/values",
        {"value": "60", "measured_on": tomorrow},
        "lies_in_the_future",
        "/measured_on",
    )
    body = {"effective_at": f"{tomorrow}T23:00:00Z"}
    house.refused("/v1/people/tom/departures", body, "lies_in_the_future", "/effective_at")
    house.refused("/v1/objectives", draft(**body), "lies_in_the_future", "/effective_at")


def test_a_back_dated_act(house: House) -> None:
    objective, of = house.objective("now")
    yesterday = {"effective_at": f"{house.today - timedelta(days=1)}T12:00:00Z"}
    house.refused("/v1/objectives", draft(**yesterday), "act_is_back_dated", "/effective_at")
    body = {"target": POINT, "reason": REASON, **yesterday}
    house.refused(f"/v1/key-results/{of}/target-changes", body, "act_is_back_dated", "/effective_at")
    house.refused(
        f"/v1/objectives/{objective}/withdrawals",
        {"reason": REASON, **yesterday},
        "act_is_back_dated",
        "/effective_at",
    )


def test_a_value_outside_its_cycle(house: House) -> None:
    _, of = house.objective("now")
    before = (house.today - timedelta(days=31)).isoformat()
    house.refused(
        f"/v1/key-results/{of}/values",
        {"value": "60", "measured_on": before},
        "value_is_outside_the_cycle",
        "/measured_on",
    )


def test_a_check_in_on_a_dropped_key_result(house: House) -> None:
    _, of = house.objective("now")
    house.post(f"/v1/key-results/{of}/drops", {"reason": REASON})
    house.refused(f"/v1/key-results/{of}/check-ins", {"confidence": "0.7"}, "key_result_is_dropped")


def test_a_check_in_in_a_closed_cycle(house: House) -> None:
    house.cycle("over")
    _, of = house.objective("over")
    house.post("/v1/cycles/over/closings")
    problem = house.refused(f"/v1/key-results/{of}/check-ins", {"confidence": "0.7"}, "cycle_is_closed")
    assert problem["status"] == 409


def test_a_change_after_the_line_without_a_reason(house: House) -> None:
    objective, of = house.objective("now")
    house.refused(f"/v1/key-results/{of}/target-changes", {"target": POINT}, "reason_is_missing", "/reason")
    house.refused(f"/v1/objectives/{objective}/owners", {"owner": "tom"}, "reason_is_missing", "/reason")
    body = {"target": POINT, "reason": {"kind": "mood", "text": "So."}}
    house.refused(f"/v1/key-results/{of}/target-changes", body, "body_is_invalid", "/reason/kind")


def test_a_second_opening(house: House) -> None:
    house.refused("/v1/cycles/now/openings", {}, "cycle_is_already_open", "/path/cycle")


def test_an_alignment_loop(house: House) -> None:
    first, _ = house.objective("now", committed=False)
    second, _ = house.objective("now", committed=False)
    third, _ = house.objective("now", committed=False)
    house.post(f"/v1/objectives/{first}/alignments", {"parent": second})
    house.post(f"/v1/objectives/{second}/alignments", {"parent": third})
    house.refused(f"/v1/objectives/{third}/alignments", {"parent": first}, "alignment_loop", "/parent")
    house.refused(f"/v1/objectives/{third}/alignments", {"parent": third}, "alignment_loop", "/parent")
    house.refused(
        f"/v1/objectives/{third}/alignments", {"parent": "OBJ-99999"}, "objective_is_unknown", "/parent"
    )


def test_a_command_over_its_limit(house: House) -> None:
    _, of = house.objective("now")
    change = {"command": "change_target", "key_result": of, "target": POINT}
    body = {"text": "x", "decided_by": "ines", "changes": [change] * 201}
    house.refused("/v1/decisions", body, "body_is_invalid", "/changes")
    body = {"text": "x", "decided_by": "ines", "touches": ["OBJ-1"] * 1_001}
    house.refused("/v1/decisions", body, "body_is_invalid", "/touches")
    stages = [{"name": f"S{number}", "weight": "0.01"} for number in range(21)]
    staged: dict[str, Any] = {
        "measure": {"kind": "milestones"},
        "target": {"kind": "stages", "stages": stages},
        "reason": REASON,
    }
    house.refused(f"/v1/key-results/{of}/measure-changes", staged, "body_is_invalid", "/target/stages")


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_an_idempotency_key_that_is_none(house: House, key: str) -> None:
    house.refused(
        "/v1/teams",
        {"name": "x"},
        "parameter_is_invalid",
        "/header/Idempotency-Key",
        headers={"Idempotency-Key": key},
    )


@pytest.mark.parametrize("query", ["dry_run=perhaps", "dry_run=true&dry_run=false", "dryrun=true"])
def test_a_parameter_of_a_command(house: House, query: str) -> None:
    answer = house["ada"].post(f"/v1/teams?{query}", json={"name": "x"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/query/")


def test_a_member_that_no_command_knows(house: House) -> None:
    house.refused("/v1/objectives", draft(color="red"), "body_is_invalid", "/color")
    house.refused("/v1/objectives", draft(source={"name": "x", "version": "y"}), "body_is_invalid", "/source")
    house.refused("/v1/objectives", draft(reference="OBJ-1"), "body_is_invalid", "/reference")
    house.refused("/v1/objectives", {}, "body_is_invalid", "/cycle")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/cycles/never/openings", "cycle_is_unknown"),
        ("/v1/cycles/NOT%20A%20KEY/openings", "cycle_is_unknown"),
        ("/v1/objectives/OBJ-99999/withdrawals", "objective_is_unknown"),
        ("/v1/objectives/00000000-0000-7000-8000-000000000000/withdrawals", "objective_is_unknown"),
        ("/v1/objectives/KR-1/withdrawals", "objective_is_unknown"),
        ("/v1/key-results/OBJ-1/drops", "key_result_is_unknown"),
        ("/v1/people/nobody/departures", "person_is_unknown"),
        ("/v1/teams/none/closings", "team_is_unknown"),
        ("/v1/decisions/none/confirmations", "decision_is_unknown"),
        ("/v1/entries/99999999/retractions", "entry_is_unknown"),
        ("/v1/entries/0/retractions", "entry_is_unknown"),
        ("/v1/entries/99999999999999999999/retractions", "entry_is_unknown"),
    ],
)
def test_an_address_that_names_nothing(house: House, path: str, code: str) -> None:
    problem = house.refused(path, {}, code)
    assert problem["status"] == 404
    assert problem["errors"][0]["pointer"].startswith("/path/")


def test_a_finding_that_is_none(house: House) -> None:
    body = {"answer": "explained", "text": "It is not there."}
    for path in ("/v1/findings/change_without_decision/1/answers", "/v1/findings/no_rule/1/answers"):
        problem = house.refused(path, body, "finding_is_unknown")
        assert problem["status"] == 404


def test_what_a_header_says_wrong_is_pointed_at(house: House) -> None:
    """Given a key that was used, an old version and no good token, then each refusal names its header."""
    objective, _ = house.objective("now")
    house.post("/v1/teams", {"name": "Kitchen"}, headers={"Idempotency-Key": "pointed-at"})
    used, old = {"Idempotency-Key": "pointed-at"}, {"If-Match": '"1"'}
    house.refused(
        "/v1/teams", {"name": "Hall"}, "idempotency_key_reused", "/header/Idempotency-Key", headers=used
    )
    stale = house.refused(
        f"/v1/objectives/{objective}/closings", {}, "stale_version", "/header/If-Match", headers=old
    )
    assert stale["errors"][0]["detail"] == stale["detail"]
    house.refused("/v1/teams", {"name": "Hall"}, "token_is_missing", "/header/Authorization", by="nobody")
    foreign = {"Authorization": "Bearer strategy_ledger_p_of_nobody"}
    house.refused(
        "/v1/teams", {"name": "Hall"}, "token_is_not_valid", "/header/Authorization", headers=foreign
    )


def test_a_body_of_another_kind(house: House) -> None:
    answer = house["ada"].post(
        "/v1/teams", content=b"name=x", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 415
    assert answer.json()["type"] == "/v1/problems/media_type_is_not_taken"


LIBRARYS_OWN = re.compile(
    "Input should|Field required|Extra inputs|String should|Tuple should|List should|Unable to|Value error|valid "
)
NOT_KNOWN = "Nothing of this name is known here; take it out, or look at its spelling."
JUNK: list[Any] = [5, -1, "x", "", True, None, [], ["x"], {}, {"kind": "x"}, "9" * 300]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: str(door.command))
def test_a_mistake_is_told_in_sentences_and_not_in_words_of_a_library(door: Door) -> None:
    """Each member of each body is given what does not fit; what is said reads as if somebody had written it."""
    bodies: list[Any] = [{}, {"colour": "red"}, []]
    bodies += [{name: junk} for name in door.body.model_fields for junk in JUNK]
    if "changes" in door.body.model_fields:
        bodies += [{"changes": [{"command": name, "x": 1}]} for name in ("nothing", "change_target")]
    told = []
    for body in bodies:
        try:
            door.body.model_validate_json(orjson.dumps(body), strict=True)
        except ValidationError as error:
            told += found_in(error)
    assert ("/colour", NOT_KNOWN, "extra_forbidden") in told
    for place, sentence, code in told:
        assert re.fullmatch("[a-z_]+", code)
        assert not LIBRARYS_OWN.search(sentence), (place, sentence)
        assert re.fullmatch(r"['A-Z].*\.", sentence), (place, sentence)


def test_one_mistake_is_the_detail_with_its_place(house: House) -> None:
    told = house.refused("/v1/objectives", draft(owner=5), "body_is_invalid", "/owner")
    assert told["detail"] == "This must be a text, between quotation marks. (at /owner)"
    told = house.refused("/v1/objectives", draft(owner=5, title=5), "body_is_invalid", "/title")
    assert told["detail"].endswith("each mistake is listed with its place.")


def test_a_value_of_no_form_is_told_what_a_value_is(house: House) -> None:
    _, key_result = house.objective("now")
    for value in ("much", {}, {"kind": "done"}):
        told = house.refused(
            f"/v1/key-results/{key_result}/check-ins", {"value": value}, "body_is_invalid", "/value"
        )
        assert [one["detail"] for one in told["errors"]] == [A_VALUE]
    comma = {"value": "11,5"}
    told = house.refused(f"/v1/key-results/{key_result}/check-ins", comma, "body_is_invalid", "/value")
    assert [one["detail"] for one in told["errors"]] == [
        "This is not a number; its decimal sign is a point, as in 11.5."
    ]
    thousand = {"value": "1,000"}
    told = house.refused(f"/v1/key-results/{key_result}/check-ins", thousand, "body_is_invalid", "/value")
    assert [one["detail"] for one in told["errors"]] == [
        "This is not a number; its decimal sign is a point, and nothing stands between thousands, as in 1000."
    ]
    too_long = {"value": "1" * 16}
    told = house.refused(f"/v1/key-results/{key_result}/check-ins", too_long, "body_is_invalid", "/value")
    assert told["errors"] == [
        {
            "pointer": "/value",
            "detail": "This number needs more than 15 digits before the point.",
            "code": "number_is_out_of_range",
        }
    ]


@pytest.mark.parametrize(
    ("body", "place", "near"),
    [
        (draft(ownr="ines"), "/ownr", "near is owner."),
        (draft(localBecause="It is ours."), "/localBecause", None),
        (key_result(target={"kind": "point", "att": "40"}), "/target/att", "near is at."),
        (key_result(target={"kind": "pont", "at": "40"}), "/target", "near is point."),
        (key_result(measure={"kind": "increse"}), "/measure/kind", "near are increase, decrease."),
        (key_result(measure={"knd": "increase"}), "/measure/knd", "near is kind."),
    ],
)
def test_a_misspelt_member_or_word_is_answered_with_what_is_near(
    house: House, body: dict[str, Any], place: str, near: str | None
) -> None:
    path = "/v1/objectives" if "cycle" in body else f"/v1/objectives/{house.objective('now')[0]}/key-results"
    told = house.refused(path, body, "body_is_invalid", place)["errors"][0]["detail"]
    assert told.endswith(near) if near is not None else told == NOT_KNOWN


def test_a_misspelt_member_of_a_change_is_answered_with_those_of_its_command(house: House) -> None:
    objective, _ = house.objective("now")
    change = {"command": "reown_objective", "objective": objective, "ownr": "ines"}
    body = {"text": "Ines takes it over.", "decided_by": "ada", "changes": [change]}
    told = house.refused("/v1/decisions", body, "body_is_invalid", "/changes/0/ownr")["errors"][0]
    assert told["detail"] == "Nothing of this name is known here; near is owner."


def test_a_misspelt_parameter_or_its_word_is_answered_with_what_is_near(house: House) -> None:
    for path, place, near in (
        ("/v1/findings?standng=open", "/query/standng", "near is standing."),
        ("/v1/findings?asOf=1", "/query/asOf", "near is as_of."),
        ("/v1/findings?standing=opn", "/query/standing", "near is open."),
        ("/v1/cycles/now/board?format=xls", "/query/format", "near is xlsx."),
        ("/v1/entries?format=jsn", "/query/format", "near are json, ndjson."),
    ):
        answer = house["ada"].get(path)
        (told,) = answer.json()["errors"]
        assert (answer.status_code, told["pointer"]) == (422, place)
        assert told["detail"].endswith(near), told


def test_people_and_teams_are_named_in_a_body_as_they_are_called(house: House) -> None:
    house.post("/v1/teams", {"name": "Packing"})
    objective, key_result = house.objective("now", committed=False)
    house.post(f"/v1/objectives/{objective}/teams", {"team": "packing"})
    house.post(f"/v1/objectives/{objective.replace('-', '')}/owners", {"owner": "Tom"})
    near = house.refused(f"/v1/objectives/{objective}/teams", {"team": "Packng"}, "team_is_unknown", "/team")
    assert near["detail"].startswith("No team is called 'Packng'; near is Packing;")
    wrong = house.refused(f"/v1/objectives/{key_result}/owners", {"owner": "Tom"}, "objective_is_unknown")
    assert "it is a key result, and an objective is needed" in wrong["detail"]
    token = house.ledger.tokens.issue(f"person:{house.people['tom']}", "writes only", scopes={"write"})
    answer = house["nobody"].post(
        "/v1/objectives", json=draft(owner="ins"), headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.json()["type"] == "/v1/problems/person_is_unknown"
    assert "near" not in answer.json()["detail"]


def test_a_policy_names_every_parameter(house: House) -> None:
    policy = DEFAULT_POLICY.model_dump(mode="json")
    del policy["bands"], policy["grace_days"]
    told = house.refused("/v1/policies", {"policy": policy}, "body_is_invalid", "/policy/bands")
    assert [(one["pointer"], one["code"]) for one in told["errors"]] == [
        ("/policy/bands", "missing"),
        ("/policy/grace_days", "missing"),
    ]
