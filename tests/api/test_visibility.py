"""Hidden objectives over HTTP: counted, and never revealed to whoever may not see them, by any address or clock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest

from api.openapi import description
from tests.api.conftest import House

EVERYBODY = ("ada", "ines", "tom", "rita", "fay", "uta", "olaf", "mia", "tia")
"""A steward, the owner of what is hidden, another one, a reader, a facilitator, an auditor, an operator, somebody who
is named, somebody in the tree of its team."""
SEES: dict[str, frozenset[str]] = {
    "people": frozenset({"ada", "ines", "uta", "mia"}),
    "team": frozenset({"ada", "ines", "uta", "tia"}),
}
READS = frozenset(EVERYBODY) - {"olaf"}


@dataclass
class Hidden:
    """One objective that is not for everyone, and all by which an answer could give it away."""

    visibility: str
    reference: str
    objective: str
    key_result: str
    decision: str
    secrets: set[str] = field(default_factory=set)


@dataclass
class Told:
    """What stands in the ledger."""

    hidden: list[Hidden]
    visible: str
    before: int


@pytest.fixture(scope="module")
def told(house: House) -> Told:
    """Two hidden objectives, each with a line, a change, a check-in, a decision and a finding; one that serves them."""
    for name, role in (("fay", "facilitator"), ("uta", "auditor"), ("olaf", "operator"), ("mia", "reader")):
        house.join(name, role)
    house.join("tia", "reader")
    top = house.post("/v1/teams", {"name": "Roastery"})["identifiers"]["team"]
    team = house.post("/v1/teams", {"name": "Ovens", "parent": top})["identifiers"]["team"]
    house.post(f"/v1/teams/{top}/members", {"person": "tia"})
    visible, _ = house.objective("now", title="Everybody knows this")
    hidden = [_hidden(house, visibility, team, visible) for visibility in SEES]
    other, _ = house.objective("now", title="It serves what is hidden")
    house.post(f"/v1/objectives/{other}/alignments", {"parent": hidden[0].reference, "reason": _REASON})
    position = house.ledger.head().position
    shown = {"people": {"visibility": "people", "people": ["mia"]}, "team": {"visibility": "team"}}
    for one in hidden:
        house.post(f"/v1/objectives/{one.reference}/visibilities", shown[one.visibility], by="ines")
    return Told(hidden, visible, position)


_REASON = {"kind": "scope", "text": "We do less."}


def _hidden(house: House, visibility: str, team: str, visible: str) -> Hidden:
    title = f"Nightfall {visibility}"
    reference, key_result = house.objective("now", title=title)
    house.post(f"/v1/objectives/{reference}/teams", {"team": team, "reason": _REASON})
    house.post(f"/v1/key-results/{key_result}/wordings", {"title": f"Depth {visibility}", "reason": _REASON})
    house.post(f"/v1/key-results/{key_result}/check-ins", {"value": "70", "confidence": "0.5"}, by="ines")
    decided = house.post(
        "/v1/decisions",
        {"text": f"Dusk {visibility}", "decided_by": "ines", "touches": [reference, visible]},
    )["identifiers"]["decision"]
    weighed = {"weight": "2", "reason": _REASON, "decision": decided}
    house.post(f"/v1/key-results/{key_result}/weight-changes", weighed)
    bare = house.get(f"/v1/objectives/{reference}")
    (identifier,) = bare["key_results"]
    secrets = {title, f"Depth {visibility}", f"Dusk {visibility}", decided, bare["objective"], identifier}
    names = {rf"\b{name}\b" for name in (reference, key_result)}
    return Hidden(
        visibility, reference, bare["objective"], key_result, decided, {*map(re.escape, secrets), *names}
    )


def addresses(told: Told) -> Iterator[str]:
    """Give every address of the description that answers a question, with names of what everybody sees."""
    names = {
        "cycle": "now",
        "objective": told.visible,
        "key_result": "KR-1",
        "person": "ines",
        "code": "fault",
    }
    for path, item in description()["paths"].items():
        if "get" in item and path not in ("/v1/stream", "/v1/openapi.json"):
            if "{decision}" in path or "{team}" in path or "{service}" in path or "{position}" in path:
                continue
            yield re.sub(r"{(\w+)}", lambda match: names[match[1]], path)


def betrays(body: bytes, hidden: Hidden) -> set[str]:
    text = body.decode("utf-8", "replace")
    return {secret for secret in hidden.secrets if re.search(secret, text)}


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
            house["tom"].post(path, json={**sent, "reason": _REASON}, params={"dry_run": "true"})
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
    reword = {"title": "Tom's new words", "reason": _REASON}
    house.post(f"/v1/objectives/{mine}/wordings", reword, by="tom", headers={"If-Match": etag})
    stale = {"title": "Tom's newer words", "reason": _REASON}
    house.post(f"/v1/objectives/{mine}/wordings", stale, by="tom", headers={"If-Match": etag}, status=412)


def test_a_repeat_after_a_right_was_lost_says_no_more_than_that(house: House, told: Told) -> None:
    mine, _ = house.objective("now", owner="tom", title="Handed over")
    identifier = house.get(f"/v1/objectives/{mine}")["objective"]
    sent: dict[str, Any] = {
        "json": {"title": "First words", "reason": _REASON},
        "headers": {"Idempotency-Key": "visible-1"},
    }
    first = house["tom"].post(f"/v1/objectives/{identifier}/wordings", **sent)
    assert first.status_code == 201
    house.post(f"/v1/objectives/{mine}/owners", {"owner": "ines", "reason": _REASON})
    shown = {"visibility": "people", "people": ["mia"]}
    house.post(f"/v1/objectives/{mine}/visibilities", shown)
    (key_result,) = house.get(f"/v1/objectives/{mine}")["key_results"]
    house.post(f"/v1/key-results/{key_result}/owners", {"owner": "ines", "reason": _REASON})
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


# -- roles, scopes, delegation, the log


def test_an_operator_reads_figures_and_never_the_record(house: House, told: Told) -> None:
    for path in addresses(told):
        answer = house["olaf"].get(path)
        is_open = path in ("/v1/health", "/v1/ready", "/v1/metrics", "/v1/security-log") or "problems" in path
        assert answer.status_code in ((200, 404) if is_open else (403,)), path
    house.post("/v1/cycles/now/openings", by="olaf", status=403)
    house.get("/v1/entries", by="olaf", status=403)
    with house["olaf"].stream("GET", "/v1/stream") as answer:
        assert answer.status_code == 403


def test_an_auditor_writes_nothing_and_their_readings_by_office_are_logged(house: House, told: Told) -> None:
    house.get("/v1/cycles/now/board", by="uta")
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


def _log(house: House) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    after = 0
    while page := house.get("/v1/security-log", by="uta", after=after, limit=100)["lines"]:
        lines += page
        after = page[-1]["number"]
    return lines


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
        words = {"title": f"Everybody knows this {scope}", "reason": _REASON}
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
    words = {"title": "Nightfall people", "reason": _REASON}
    for_ines = {"On-Behalf-Of": "ines"}
    refused = house["rita"].post(f"/v1/objectives/{hidden}/wordings", json=words, headers=for_ines)
    nowhere = house["rita"].post("/v1/objectives/OBJ-9999/wordings", json=words, headers=for_ines)
    assert refused.status_code == nowhere.status_code == 403
    assert refused.json()["errors"][0]["pointer"] == "/header/On-Behalf-Of"
    house.post("/v1/people/rita/delegations", {"principal": "ines"}, by="ines")
    words = {"title": "Nightfall people and Rita", "reason": _REASON}
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
