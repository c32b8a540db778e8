"""Hidden objectives over HTTP: counted, and never revealed to whoever may not see them, by any address or clock."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from api.openapi import description
from tests.api.conftest import House
from tests.api.hiding import READS, REASON, SEES, Told, addresses, betrays, told

__all__ = ["told"]


@pytest.mark.parametrize("reader", sorted(READS))
def test_no_address_betrays_what_is_hidden(house: House, told: Told, reader: str) -> None:
    """Given every address, now and in the past, then the bytes hold nothing that the reader may not see."""
    whens: list[dict[str, str]] = [{}, {"as_of": str(told.before)}, {"effective_at": house.today.isoformat()}]
    seen: set[str] = set()
    for path in addresses(told):
        for when in whens:
            for form in ({}, {"format": "csv"}, {"format": "ndjson"}) if not when else ({},):
                answer = house[reader].get(path, params={**when, **form})
                if answer.status_code == 422 and (when or form):
                    continue  # this address has no such parameter
                assert answer.status_code in (200, 403, 404), (path, when, form, answer.text)
                for hidden in told.hidden:
                    if reader not in SEES[hidden.visibility]:
                        assert betrays(answer.content, hidden) == set(), (path, when, form)
                    elif betrays(answer.content, hidden):
                        seen.add(hidden.visibility)
    assert seen == {visibility for visibility, readers in SEES.items() if reader in readers}


@pytest.mark.parametrize("reader", sorted(READS))
def test_the_feed_and_the_stream_have_only_the_place_of_a_hidden_entry(
    house: House, told: Told, reader: str
) -> None:
    head = house.ledger.head().position
    feed = house[reader].get("/v1/entries", params={"after": 0, "limit": 1000})
    entries = feed.json()["entries"]
    assert [entry["position"] for entry in entries] == list(range(1, head + 1))
    streamed = b""
    with house[reader].stream("GET", "/v1/stream", params={"after": 0}) as answer:
        for part in answer.iter_raw():
            streamed += part
            if f"id: {head}\n".encode() in streamed:
                break
    for hidden in told.hidden:
        sees = reader in SEES[hidden.visibility]
        for door in (feed.content, streamed):
            assert bool(betrays(door, hidden)) == sees
    private = [entry for entry in entries if entry.get("private")]
    assert all(set(entry) == {"position", "recorded_at", "private"} for entry in private)
    assert bool(private) == (reader not in ("ada", "uta", "ines"))
    for entry in private[:3]:
        one = house[reader].get(f"/v1/entries/{entry['position']}")
        assert one.json() == entry
        assert house["ada"].get(f"/v1/entries/{entry['position']}").json()["data"]


@pytest.mark.parametrize(
    ("reader", "visibility"),
    [
        ("rita", "people"),
        ("tom", "people"),
        ("fay", "people"),
        ("tia", "people"),
        ("mia", "team"),
        ("tom", "team"),
    ],
)
def test_what_is_hidden_answers_as_what_is_not_there(
    house: House, told: Told, reader: str, visibility: str
) -> None:
    """Given each address with a hidden name in it, then it is answered byte for byte as with an unknown one."""
    (hidden,) = (one for one in told.hidden if one.visibility == visibility)
    names = {
        "objective": [(hidden.reference, "OBJ-9999"), (hidden.objective, "0" * 8 + hidden.objective[8:])],
        "key_result": [(hidden.key_result, "KR-9999")],
        "decision": [(hidden.decision, "0" * 8 + hidden.decision[8:])],
    }
    for path, item in description()["paths"].items():
        for name, pairs in names.items():
            if f"{{{name}}}" not in path:
                continue
            for there, nowhere in pairs:
                for method in item:
                    both = [
                        _asked(house, reader, method, path.replace(f"{{{name}}}", text), item[method])
                        for text in (there, nowhere)
                    ]
                    told_ = [
                        (status, body.replace(text, "…").replace(text.upper(), "…"))
                        for (status, body), text in zip(both, (there, nowhere), strict=True)
                    ]
                    assert told_[0] == told_[1], (method, path)
                    assert both[0][0] in (403, 404, 412, 422), (method, path, both[0])


def _asked(house: House, reader: str, method: str, path: str, operation: Any) -> tuple[int, str]:
    if method == "get":
        answer = house[reader].get(path)
    else:
        body = operation["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]
        body = {name: value for name, value in body.items() if name not in ("decision", "team")}
        answer = house[reader].post(path, json=body, headers={"If-Match": '"1"'})
    return answer.status_code, re.sub(r'"request":"[^"]*"', "", answer.text)


def test_names_in_a_body_are_as_unknown_as_names_in_an_address(house: House, told: Told) -> None:
    mine, _ = house.objective("now", owner="tom", title="Tom's own")
    hidden = told.hidden[0]
    for path, body, unknown in (
        (f"/v1/objectives/{mine}/alignments", {"parent": hidden.reference}, {"parent": "OBJ-9999"}),
        (
            f"/v1/objectives/{mine}/alignments",
            {"parent": hidden.objective},
            {"parent": "0" * 8 + hidden.objective[8:]},
        ),
        (f"/v1/objectives/{mine}/replacements", {"successor": hidden.reference}, {"successor": "OBJ-9999"}),
    ):
        answers = [
            house["tom"].post(path, json={**sent, "reason": REASON}, params={"dry_run": "true"})
            for sent in (body, unknown)
        ]
        problems = [answer.json() for answer in answers]
        for problem, sent in zip(problems, (body, unknown), strict=True):
            problem.pop("request")
            assert next(iter(sent.values())) in orjson.dumps(problem).decode() or "OBJ" not in str(sent)
        texts = [
            orjson.dumps(problem).decode().replace(next(iter(sent.values())), "…")
            for problem, sent in zip(problems, (body, unknown), strict=True)
        ]
        assert texts[0] == texts[1]


def test_hidden_objectives_are_counted(house: House, told: Told) -> None:
    for question, rows in (("board", "objectives"), ("commitments", "objectives"), ("drift", "objectives")):
        whole, part = (house.get(f"/v1/cycles/now/{question}", by=reader) for reader in ("ada", "rita"))
        assert (whole["private"], part["private"]) == (0, 2)
        assert len(whole[rows]) == len(part[rows]) + 2
    board = house.get("/v1/cycles/now/board", by="rita")
    assert sum(board["counts"].values()) == len(board["objectives"])
    assert [house.get("/v1/cycles/now/board", by=one)["private"] for one in ("mia", "tia", "ines")] == [
        1,
        1,
        0,
    ]
    assert house.get("/v1/decisions", by="rita")["private"] == 2
    findings = house.get("/v1/cycles/now/findings", by="rita")
    assert findings["private"] > 0
    assert findings["counts"]["open"] == len(findings["findings"])
    past = house.get("/v1/cycles/now/board", by="rita", as_of=str(told.before))
    assert past["private"] == 2  # by today's rights, though everybody saw them then


def test_what_points_at_something_hidden_says_that_it_is_private(house: House, told: Told) -> None:
    board = house.get("/v1/cycles/now/board", by="rita")
    (child,) = [row for row in board["objectives"] if row["title"] == "It serves what is hidden"]
    assert child["alignment"] == {"parent": None, "private": True}
    bare = house[("rita")].get(f"/v1/objectives/{child['reference']}")
    assert bare.json()["alignment"] == {"parent": None, "private": True}
    whole = house["ada"].get(f"/v1/objectives/{child['reference']}")
    assert whole.headers["ETag"] == f'"{whole.json()["version"]}"'
    assert bare.headers["ETag"] != whole.headers["ETag"]
    drift = house.get(f"/v1/objectives/{child['reference']}/drift", by="rita")
    (facet,) = [one for one in drift["objectives"][0]["facets"] if one["facet"] == "alignment"]
    assert facet["new"] == {"parent": None, "private": True}


def test_readers_with_the_same_rights_share_bytes_and_others_do_not(house: House, told: Told) -> None:
    path = "/v1/cycles/now/board"
    tags = {reader: house[reader].get(path).headers["ETag"] for reader in READS}
    assert tags["rita"] == tags["tom"] == tags["fay"]
    assert tags["ada"] == tags["uta"] == tags["ines"]
    assert len({tags["rita"], tags["mia"], tags["tia"], tags["ada"]}) == 4
    assert house["rita"].get(path, headers={"If-None-Match": tags["rita"]}).status_code == 304
    assert house["mia"].get(path, headers={"If-None-Match": tags["rita"]}).status_code == 200


def test_a_bare_etag_still_matches_for_a_command(house: House, told: Told) -> None:
    mine, _ = house.objective("now", owner="tom", title="Tom's other")
    etag = house["tom"].get(f"/v1/objectives/{mine}").headers["ETag"]
    assert "-" in etag
    reword = {"title": "Tom's new words", "reason": REASON}
    house.post(f"/v1/objectives/{mine}/wordings", reword, by="tom", headers={"If-Match": etag})
    stale = {"title": "Tom's newer words", "reason": REASON}
    house.post(f"/v1/objectives/{mine}/wordings", stale, by="tom", headers={"If-Match": etag}, status=412)


def test_a_repeat_after_a_right_was_lost_says_no_more_than_that(house: House, told: Told) -> None:
    mine, _ = house.objective("now", owner="tom", title="Handed over")
    identifier = house.get(f"/v1/objectives/{mine}")["objective"]
    sent: dict[str, Any] = {
        "json": {"title": "First words", "reason": REASON},
        "headers": {"Idempotency-Key": "visible-1"},
    }
    first = house["tom"].post(f"/v1/objectives/{identifier}/wordings", **sent)
    assert first.status_code == 201
    house.post(f"/v1/objectives/{mine}/owners", {"owner": "ines", "reason": REASON})
    shown = {"visibility": "people", "people": ["mia"]}
    house.post(f"/v1/objectives/{mine}/visibilities", shown)
    (key_result,) = house.get(f"/v1/objectives/{mine}")["key_results"]
    house.post(f"/v1/key-results/{key_result}/owners", {"owner": "ines", "reason": REASON})
    again = house["tom"].post(f"/v1/objectives/{identifier}/wordings", **sent)
    unknown = house["tom"].post(f"/v1/objectives/{'0' * 8 + identifier[8:]}/wordings", json=sent["json"])
    assert (again.status_code, again.json()["type"]) == (unknown.status_code, unknown.json()["type"])
    assert "streams" not in again.json()
    assert house["ines"].get(f"/v1/objectives/{mine}").status_code == 200
    house.post(f"/v1/objectives/{mine}/visibilities", {"visibility": "everyone"})
    assert house["tom"].post(f"/v1/objectives/{identifier}/wordings", **sent).json() == first.json()


def test_an_objective_is_drafted_hidden(house: House, told: Told) -> None:
    body: dict[str, Any] = {"cycle": "now", "title": "Unseen from the start", "owner": "ines"}
    body |= {"visibility": "people", "people": ["mia"]}
    drafted = house.post("/v1/objectives", body, by="ines")
    assert drafted["events"] == ["objective.drafted", "objective.visibility_set"]
    (reference,) = drafted["references"]
    (row,) = [
        one
        for one in house.get("/v1/cycles/now/board", by="mia")["objectives"]
        if one["reference"] == reference
    ]
    assert row["visibility"] == {"word": "people", "people": [house.people["mia"]]}
    house.get(f"/v1/objectives/{reference}", by="rita", status=404)
    history = house.get(f"/v1/objectives/{reference}/history", by="mia")["entries"]
    changes = {change["facet"] for entry in history for change in entry["changes"]}
    assert "visibility" in changes
    teams = house.get("/v1/teams", by="rita")["teams"].values()
    assert [team["members"] for team in teams if team["name"]["value"] == "Roastery"] == [
        [house.people["tia"]]
    ]
