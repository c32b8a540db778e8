"""Commands over HTTP: receipts, idempotency, versions, dry runs, names."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from aggregates.decide import decide
from aggregates.team.commands import FormTeam
from api.receipts import made_by
from ledger.directory import Directory
from tests.api.conftest import House
from tests.waiting import held


def test_a_receipt_says_where_everything_stands(house: House) -> None:
    answer = house["ada"].post(
        "/v1/objectives", json={"cycle": "now", "title": "Fresh coffee", "owner": "ines"}
    )
    receipt = answer.json()
    (reference,) = receipt["references"]
    identifier = receipt["identifiers"]["objective"]
    assert answer.status_code == 201
    assert receipt["references"] == {reference: identifier}
    assert receipt["streams"] == {f"objective:{identifier}": 1}
    assert receipt["events"] == ["objective.drafted"]
    assert receipt["basis"]["position"] == receipt["position"] == house.ledger.head().position
    assert answer.headers["ledger-position"] == str(receipt["position"])
    assert answer.headers["location"] == f"/v1/objectives/{identifier}"
    entry = house.get(f"/v1/entries/{receipt['position']}")
    assert entry["recorded_at"] == receipt["recorded_at"]
    assert entry["data"]["body"]["owner"] == house.people["ines"]
    assert entry["data"]["request"] == answer.headers["x-request-id"]
    assert house["ada"].get(answer.headers["location"]).headers["etag"] == '"1"'


def test_a_person_is_named_by_identifier_handle_or_address(house: House) -> None:
    for owner in (house.people["ines"], "ines", "INES@example.org"):
        receipt = house.post("/v1/objectives", {"cycle": "now", "title": "Named", "owner": owner})
        entry = house.get(f"/v1/entries/{receipt['position']}")
        assert entry["data"]["body"]["owner"] == house.people["ines"]


def test_the_same_key_gets_the_same_receipt(house: House) -> None:
    body = {"cycle": "now", "title": "Once", "owner": "ines"}
    first = house["ada"].post("/v1/objectives", json=body, headers={"Idempotency-Key": "once"})
    house.post("/v1/objectives", {**body, "title": "Meanwhile"})
    again = house["ada"].post("/v1/objectives", json=body, headers={"Idempotency-Key": "once"})
    assert again.status_code == first.status_code == 201
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


def test_the_same_key_for_another_command_is_refused(house: House) -> None:
    key = {"Idempotency-Key": "twice"}
    house.post("/v1/objectives", {"cycle": "now", "title": "A", "owner": "ines"}, headers=key)
    house.refused(
        "/v1/objectives",
        {"cycle": "now", "title": "B", "owner": "ines"},
        "idempotency_key_reused",
        headers=key,
    )
    house.refused("/v1/teams", {"name": "A"}, "idempotency_key_reused", headers=key)


def test_a_key_belongs_to_its_actor(house: House) -> None:
    key = {"Idempotency-Key": "mine"}
    first = house.post(
        "/v1/objectives", {"cycle": "now", "title": "A", "owner": "ines"}, headers=key, by="ines"
    )
    second = house.post(
        "/v1/objectives", {"cycle": "now", "title": "A", "owner": "tom"}, headers=key, by="tom"
    )
    assert first["position"] != second["position"]


def test_a_refusal_is_not_remembered(house: House) -> None:
    key = {"Idempotency-Key": "later"}
    body = {"cycle": "later", "title": "A", "owner": "ines"}
    house.refused("/v1/objectives", body, "cycle_is_unknown", "/cycle", headers=key)
    house.cycle("later")
    house.post("/v1/objectives", body, headers=key)


def test_two_senders_of_one_key_record_it_once(house: House) -> None:
    before = house.ledger.head().position
    answers = []

    def send() -> None:
        answers.append(
            house["ada"].post("/v1/teams", json={"name": "Both"}, headers={"Idempotency-Key": "both"})
        )

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert house.ledger.head().position == before + 1
    receipts = {answer.content for answer in answers if answer.status_code == 201}
    assert len(receipts) == 1


def test_a_stale_version_says_who_changed_what(house: House) -> None:
    objective, _ = house.objective("now", committed=False)
    etag = house["ada"].get(f"/v1/objectives/{objective}").headers["etag"]
    changed = house.post(
        f"/v1/objectives/{objective}/wordings", {"title": "Fresher coffee"}, headers={"If-Match": etag}
    )
    problem = house.refused(
        f"/v1/objectives/{objective}/wordings",
        {"title": "Freshest"},
        "stale_version",
        headers={"If-Match": etag},
        by="ines",
    )
    assert problem["status"] == 412
    assert problem["present_version"] == int(etag.strip('"')) + 1
    assert problem["changed_by"] == f"person:{house.steward}"
    assert problem["change"] == "objective.reworded"
    assert problem["changed_at"] == changed["recorded_at"]
    assert problem["detail"] == (
        f"The record of {objective} is at version {problem['present_version']}, not {etag.strip(chr(34))}; "
        f"Ada recorded objective.reworded at {changed['recorded_at']}."
    )


def test_without_if_match_the_command_meets_the_present_state(house: House) -> None:
    objective, _ = house.objective("now", committed=False)
    house.post(f"/v1/objectives/{objective}/wordings", {"title": "One"})
    house.post(f"/v1/objectives/{objective}/wordings", {"title": "Two"}, by="ines")


def test_if_match_takes_a_version_of_something_that_is(house: House) -> None:
    objective, _ = house.objective("now", committed=False)
    for sent in ("7", '"abc"', 'W/"2"', '"1", "2"', '"0"'):
        house.refused(
            f"/v1/objectives/{objective}/wordings",
            {"title": "x"},
            "parameter_is_invalid",
            "/header/If-Match",
            headers={"If-Match": sent},
        )
    body = {"cycle": "now", "title": "x", "owner": "ines"}
    house.refused(
        "/v1/objectives", body, "parameter_is_invalid", "/header/If-Match", headers={"If-Match": '"1"'}
    )


def test_a_dry_run_records_nothing_and_takes_no_reference(house: House) -> None:
    objective, key_result = house.objective("now")
    before = house.ledger.head().position
    body = {"cycle": "now", "title": "Perhaps", "owner": "ines"}
    preview = house.post("/v1/objectives?dry_run=true", body, status=200)
    assert [event["name"] for event in preview["events"]] == ["objective.drafted"]
    said = {"value": "60", "confidence": "0.8", "what_changed": "A secret of mine"}
    check_in = house["ines"].post(f"/v1/key-results/{key_result}/check-ins?dry_run=true", json=said)
    assert [event["name"] for event in check_in.json()["events"]] == [
        "key_result.measured",
        "key_result.checked_in",
    ]
    assert "secret" not in check_in.text
    assert house.ledger.head().position == before
    following = house.post("/v1/objectives", body)
    (reference,) = following["references"]
    assert int(reference.partition("-")[2]) == int(objective.partition("-")[2]) + 1


def test_a_dry_run_is_refused_like_the_command(house: House) -> None:
    objective, _ = house.objective("now", committed=False)
    house.refused(
        f"/v1/objectives/{objective}/owners?dry_run=true", {"owner": "nobody"}, "person_is_unknown", "/owner"
    )


def test_personal_text_is_sealed_and_never_clear_in_the_ledger(house: House) -> None:
    _, key_result = house.objective("now")
    receipt = house.post(
        f"/v1/key-results/{key_result}/check-ins",
        {"confidence": "0.6", "what_changed": "Zebra quarrels", "needs_decision": "Zebra pay"},
        by="ines",
    )
    entry = house["ada"].get(f"/v1/entries/{receipt['position']}")
    sealed = entry.json()["data"]["body"]["what_changed"]
    assert "Zebra" not in entry.text
    assert sealed["author"] == house.people["ines"]
    stored = house.ledger.entry(receipt["position"])
    assert stored is not None
    assert b"Zebra" not in stored.data


def test_one_decision_carries_out_many_changes_in_one_append(house: House) -> None:
    objective, key_result = house.objective("now")
    receipt = house.post(
        "/v1/decisions",
        {
            "text": "The launch moves; the target follows.",
            "decided_by": "ines",
            "touches": [objective],
            "reason": {"kind": "external", "text": "The supplier is late."},
            "changes": [
                {
                    "command": "change_target",
                    "key_result": key_result,
                    "target": {"kind": "point", "at": "45"},
                },
                {
                    "command": "draft_objective",
                    "as": "next",
                    "cycle": "now",
                    "title": "The next one",
                    "owner": "tom",
                },
                {
                    "command": "add_key_result",
                    "as": "first",
                    "objective": "$next",
                    "title": "Bags",
                    "owner": "tom",
                    "measure": {"kind": "increase"},
                    "baseline": "0",
                    "target": {"kind": "point", "at": "10"},
                },
                {"command": "reword_key_result", "key_result": "$first", "title": "Bags sold"},
            ],
        },
    )
    assert "decision.recorded" in receipt["events"]
    assert "key_result.target_changed" in receipt["events"]
    assert "key_result.reworded" in receipt["events"]
    assert len(receipt["references"]) == 2
    assert receipt["identifiers"]["decision"] == str(UUID(receipt["identifiers"]["decision"]))


def test_a_fault_within_a_change_is_pointed_at(house: House) -> None:
    _, key_result = house.objective("now")
    body = {
        "text": "x",
        "decided_by": "ines",
        "changes": [
            {"command": "change_target", "key_result": key_result, "target": {"kind": "point", "at": "much"}}
        ],
    }
    house.refused("/v1/decisions", body, "body_is_invalid", "/changes/0/target/at")
    body["changes"] = [{"command": "reown_key_result", "key_result": key_result, "owner": "nobody"}]
    house.refused("/v1/decisions", body, "person_is_unknown", "/changes/0/owner")
    body["changes"] = [{"command": "drop_key_result", "key_result": "$never"}]
    house.refused("/v1/decisions", body, "key_result_is_unknown", "/changes/0/key_result")


def test_a_replan_adds_a_line(house: House) -> None:
    objective, key_result = house.objective("now")
    receipt = house.post(
        "/v1/replans",
        {
            "text": "We plan again.",
            "decided_by": "ines",
            "objectives": [{"objective": objective, "confidence": "0.6", "accepted_by": "tom"}],
            "changes": [
                {
                    "command": "change_target",
                    "key_result": key_result,
                    "target": {"kind": "point", "at": "50"},
                }
            ],
            "reason": {"kind": "external", "text": "The supplier is late."},
        },
    )
    assert "objective.replanned" in receipt["events"]
    assert "decision.recorded" in receipt["events"]


def test_an_amendment_keeps_the_entry_and_takes_its_place(house: House) -> None:
    _, key_result = house.objective("now")
    measured = house.post(f"/v1/key-results/{key_result}/values", {"value": "70"}, by="ines")
    amended = house.post(
        f"/v1/entries/{measured['position']}/amendments", {"body": {"value": "71"}}, by="ines"
    )
    entry = house.get(f"/v1/entries/{amended['position']}")
    assert entry["data"]["supersedes"] == measured["position"]
    house.refused(
        f"/v1/entries/{measured['position']}/amendments",
        {"body": {"value": "72"}},
        "entry_is_superseded",
        "/path/position",
    )
    house.post(f"/v1/entries/{amended['position']}/retractions", by="ines")


def test_what_does_not_fit_in_an_amendment_is_told_in_sentences(house: House) -> None:
    """Its content is read by the event that it amends: no word of the library that reads it reaches a person."""
    _, key_result = house.objective("now")
    measured = house.post(f"/v1/key-results/{key_result}/values", {"value": "70"}, by="ines")
    path = f"/v1/entries/{measured['position']}/amendments"
    for body, place, sentence in (
        ({"value": "1,5"}, "/body/value", "its decimal sign is a point, as in 1.5."),
        ({"value": "2", "colour": "red"}, "/body/colour", "Nothing of this name is known here"),
        ({}, "/body/value", "This is needed and missing."),
    ):
        told = house.refused(path, {"body": body}, "amendment_does_not_fit", place)
        assert sentence in told["detail"], told


def test_an_amended_check_in_is_sealed_again(house: House) -> None:
    _, key_result = house.objective("now")
    said = house.post(
        f"/v1/key-results/{key_result}/check-ins", {"confidence": "0.6", "what_changed": "a"}, by="ines"
    )
    body = {"body": {"confidence": "0.7", "what_changed": "Giraffe"}}
    amended = house.post(f"/v1/entries/{said['position']}/amendments", body, by="ines")
    entry = house["ada"].get(f"/v1/entries/{amended['position']}")
    assert entry.json()["data"]["body"]["what_changed"]["author"] == house.people["ines"]
    assert "Giraffe" not in entry.text
    for wrong in ("", "\u200b", "a\x00b", "x" * 4_001):
        body = {"body": {"confidence": "0.7", "what_changed": wrong}}
        house.refused(
            f"/v1/entries/{amended['position']}/amendments",
            body,
            "body_is_invalid",
            "/body/what_changed",
            by="ines",
        )


def test_a_person_is_written_down_only_when_allowed(house: House) -> None:
    house.refused("/v1/people", {"name": "X", "handle": "xx"}, "action_is_not_allowed", by="ines")
    assert house.ledger.directory.lookup("xx") is None
    house.refused("/v1/people", {"name": "X", "handle": "tom"}, "handle_is_taken")
    house.post("/v1/people", {"name": "X", "handle": "xx"})
    assert house.ledger.directory.lookup("xx") is not None


def test_a_write_whose_wait_runs_out_is_recorded_and_says_so(house: House) -> None:
    class Behind:
        def wait_for(self, position: int, timeout: float = 0) -> bool:
            return False

    writer = house.desk.writer
    projections, writer._projections = writer._projections, Behind()
    try:
        answer = house["ada"].post("/v1/teams", json={"name": "Late"})
    finally:
        writer._projections = projections
    assert answer.status_code == 201
    assert answer.json()["projection"] == answer.headers["projection"] == "behind"
    position = int(answer.headers["ledger-position"])
    assert house.get("/v1/teams", min_position=position)["basis"]["position"] >= position


def test_a_receipt_holds_what_stands_in_the_ledger(house: House) -> None:
    """What was recorded just now is answered without reading it: it is, byte for byte, what anybody reads."""
    receipt = house.ledger.execute(
        FormTeam(team=house.ledger.new_id(), name="Byte for byte"), decide, by=f"person:{house.steward}"
    )
    count = receipt.position - receipt.first_position + 1
    rows = house.ledger.read_page(receipt.first_position - 1, count)
    assert receipt.entries == tuple((row.stream, row.data) for row in rows)
    assert made_by(house.ledger, receipt) == made_by(house.ledger, replace(receipt, entries=()))


def test_what_is_recorded_is_answered_so_although_the_wait_for_it_is_broken_off(house: House) -> None:
    """Who is told that the ledger is away gives the command again, and it would be recorded twice."""
    head, body = house.ledger.head().position, {"name": "Recorded, whatever comes"}
    house.get("/v1/cycles/now/board")
    with held(house.ledger, "projections_bookmarks") as stood_before, ThreadPoolExecutor(1) as threads:
        answer = threads.submit(house["ada"].post, "/v1/teams", json=body)
        stood_before()  # it is recorded, and waits until the projections have read it
        with psycopg.connect(house.ledger.place.application_url, autocommit=True) as other:
            while not answer.done():
                other.execute(
                    "select pg_terminate_backend(pid) from pg_locks where not granted and relation = to_regclass(%s)",
                    [f"{house.ledger.schema}.projections_bookmarks"],
                )
        assert answer.result().status_code == 201
        assert answer.result().headers["projection"] == "behind"
    assert house.ledger.head().position == head + 1
    assert body["name"] in house["ada"].get("/v1/teams", params={"min_position": head + 1}).text


def test_the_people_are_looked_through_once_for_all_whole_names(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a body that names several people by whole names, then the directory is read once for it."""
    for name, handle in (("Lena Long", "ll"), ("Omar Oven", "oo"), ("Pia Pan", "pp")):
        house.post("/v1/people", {"name": name, "handle": handle})
    objective, _ = house.objective("now", title="For a few")
    read, names = [], Directory.names

    def noting(self: Directory, identifiers: Any = None) -> Any:
        read.append(identifiers)
        return names(self, identifiers)

    monkeypatch.setattr(Directory, "names", noting)
    body = {"visibility": "people", "people": ["Lena Long", "omar  oven", "PIA PAN"]}
    house.post(f"/v1/objectives/{objective}/visibilities", body)
    assert read.count(None) == 1
