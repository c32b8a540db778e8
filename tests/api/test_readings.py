"""Answers over HTTP: both clocks, ETags, what is kept and for how long, the feed, tokens and rights."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from api.kept import Kept, Shelf, matches, takes_gzip
from api.middleware import TOKEN_SECONDS, told
from api.probe import Probe, Standing
from ledger.codec import export_line
from replay import presenting
from replay import questions as replay_questions
from tests.api.conftest import House
from tests.waiting import PATIENCE

ANSWERS = (
    "/v1/cycles", "/v1/cycles/now/board", "/v1/cycles/now/commitments", "/v1/cycles/now/drift",
    "/v1/cycles/now/decisions", "/v1/cycles/now/findings", "/v1/decisions", "/v1/findings", "/v1/people", "/v1/teams",
    "/v1/policy",
)  # fmt: skip


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_carries_its_basis_and_repeats_for_ever(house: House, path: str) -> None:
    now = house["rita"].get(path)
    assert now.status_code == 200, now.text
    basis = now.json()["basis"]
    assert now.headers["ledger-position"] == str(basis["position"])
    assert now.headers["cache-control"] == "private, no-cache"
    house.objective("now")
    clocks = {"as_of": str(basis["position"]), "effective_at": basis["effective_at"]}
    then = house["rita"].get(path, params=clocks)
    again = house["rita"].get(path, params=clocks)
    assert then.json()["basis"] == basis
    assert then.content == again.content
    assert then.headers["etag"] == again.headers["etag"]
    assert 'rel="original"' in then.headers["link"]
    moment = parsedate_to_datetime(then.headers["memento-datetime"])
    stored = house.ledger.entry(basis["position"])
    assert stored is not None
    assert abs(moment - stored.recorded_at) < timedelta(seconds=1)


def test_a_past_board_does_not_know_what_came_after(house: House) -> None:
    _, key_result = house.objective("now", title="Look back")
    before = house.ledger.head().position
    house.post(f"/v1/key-results/{key_result}/values", {"value": "42"})
    board = house["rita"].get("/v1/cycles/now/board")
    past = house["rita"].get("/v1/cycles/now/board", params={"as_of": before})
    assert board.json()["basis"]["position"] > past.json()["basis"]["position"]
    assert board.headers["etag"] != past.headers["etag"]
    assert b'"42"' in board.content
    assert b'"42"' not in past.content


def test_an_unchanged_answer_is_304(house: House) -> None:
    first = house["rita"].get("/v1/cycles/now/board")
    for sent in (first.headers["etag"], f'"x", {first.headers["etag"]}', "W/" + first.headers["etag"], "*"):
        same = house["rita"].get("/v1/cycles/now/board", headers={"If-None-Match": sent})
        assert same.status_code == 304
        assert same.content == b""
        assert same.headers["etag"] == first.headers["etag"]
    house.objective("now")
    changed = house["rita"].get("/v1/cycles/now/board", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_compressed_and_plain_are_the_same_answer(house: House) -> None:
    plain = house["rita"].get("/v1/cycles/now/board", headers={"Accept-Encoding": "identity"})
    packed = house["rita"].get("/v1/cycles/now/board", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert packed.headers["etag"] != plain.headers["etag"]
    for etag in (packed.headers["etag"], plain.headers["etag"]):
        assert house["rita"].get("/v1/cycles/now/board", headers={"If-None-Match": etag}).status_code == 304


def test_a_write_is_seen_by_the_next_read(house: House) -> None:
    for number in range(5):
        objective, _ = house.objective("now", committed=False, title=f"Seen {number}")
        board = house.get("/v1/cycles/now/board", by="rita")
        assert objective in {row["reference"] for row in board["objectives"]}


def test_a_read_waits_for_a_position_or_says_that_it_is_behind(house: House) -> None:
    position = house.ledger.head().position
    answer = house.get("/v1/cycles/now/board", by="rita", min_position=position)
    assert answer["basis"]["position"] >= position
    # a position that the ledger itself has not reached is not worth waiting for
    ahead = house["rita"].get("/v1/cycles/now/board", params={"min_position": position + 1_000})
    assert ahead.status_code == 409
    assert ahead.json()["type"] == "/v1/problems/position_is_ahead"


def test_a_read_says_that_the_projections_are_behind(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a projection that stands still, held by somebody else's transaction
    position = house.ledger.head().position
    house.post("/v1/teams", {"name": "Not yet projected"})
    monkeypatch.setattr(replay_questions, "PATIENCE", 0.2)
    table = f'"{house.ledger.schema}".projections_bookmarks'
    stand = f"update {table} set position = %s where generation = %s and projection = %s"
    with house.ledger.pool.connection() as connection, connection.transaction():
        generation = house.desk.engine.control.prepare(connection)
        names = [projection.name for projection in house.desk.engine.control.projections]
        house.desk.engine.control.lock(connection, f"generation {generation.number}")
        with house.ledger.pool.connection() as other:
            other.execute(stand.encode(), [position, generation.number, names[0]])
        late = house["rita"].get("/v1/cycles/now/board", params={"min_position": position + 1})
        with house.ledger.pool.connection() as other:
            other.execute(stand.encode(), [position + 1, generation.number, names[0]])
    assert late.status_code == 503
    assert late.headers["retry-after"]
    assert late.json()["type"] == "/v1/problems/projection_is_behind"


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("as_of=1&as_of=2", "parameter_is_repeated", "/query/as_of"),
        ("asof=1", "parameter_is_unknown", "/query/asof"),
        ("as_of=", "parameter_is_invalid", "/query/as_of"),
        ("as_of=%00", "parameter_is_invalid", "/query/as_of"),
        ("as_of=999999", "basis_is_unknown", "/query/as_of"),
        ("as_of=yesterday", "basis_is_unknown", "/query/as_of"),
        ("as_of=2020-01-01", "basis_is_unknown", "/query/as_of"),
        ("as_of=2099-01-01", "basis_is_unknown", "/query/as_of"),
        ("as_of=never:closed", "basis_is_unknown", "/query/as_of"),
        ("as_of=now:ended", "basis_is_unknown", "/query/as_of"),
        ("effective_at=2099-01-01", "basis_is_unknown", "/query/effective_at"),
        ("effective_at=2026-02-30", "basis_is_unknown", "/query/effective_at"),
        ("min_position=-1", "parameter_is_invalid", "/query/min_position"),
        ("min_position=99999999999999999999", "parameter_is_invalid", "/query/min_position"),
    ],
)
def test_a_parameter_that_cannot_be_taken_is_pointed_at(
    house: House, query: str, code: str, pointer: str
) -> None:
    answer = house["rita"].get(f"/v1/cycles/now/board?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == f"/v1/problems/{code}"
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/cycles/never/board", "cycle_is_unknown"),
        ("/v1/cycles/never", "cycle_is_unknown"),
        ("/v1/objectives/OBJ-99999", "objective_is_unknown"),
        ("/v1/objectives/OBJ-99999/history", "objective_is_unknown"),
        ("/v1/key-results/KR-99999/history", "key_result_is_unknown"),
        ("/v1/decisions/nothing", "decision_is_unknown"),
        ("/v1/people/nobody", "person_is_unknown"),
        ("/v1/teams/00000000-0000-7000-8000-000000000000", "team_is_unknown"),
        ("/v1/entries/99999999", "entry_is_unknown"),
        ("/v1/entries/first", "entry_is_unknown"),
        ("/v1/nothing", "address_is_unknown"),
        ("/v1/problems/no_such_problem", "address_is_unknown"),
    ],
)
def test_what_is_not_there_is_404(house: House, path: str, code: str) -> None:
    answer = house["rita"].get(path)
    assert answer.status_code == 404, answer.text
    assert answer.json()["type"] == f"/v1/problems/{code}"


def test_a_method_that_is_not_taken_names_those_that_are(house: House) -> None:
    answer = house["rita"].put("/v1/cycles")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_the_feed_is_the_ledger_without_gaps(house: House) -> None:
    head = house.ledger.head().position
    stored = [export_line(raw) for raw in house.ledger.read_page(0, head)]
    lines: list[bytes] = []
    after = 0
    while len(lines) < head:
        answer = house["rita"].get("/v1/entries", params={"after": after, "limit": 7, "format": "ndjson"})
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        lines += answer.content.splitlines()
        after = orjson.loads(lines[-1])["position"]
    assert lines[:head] == stored
    page = house.get("/v1/entries", by="rita", after=head - 3, limit=2)
    assert [entry["position"] for entry in page["entries"]] == [head - 2, head - 1]
    assert page["next_after"] == head - 1
    assert house.get("/v1/entries", by="rita", after=head)["entries"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "after=x", "format=xml", "as_of=1", "limit=1&limit=2"]
)
def test_the_feed_refuses_what_it_does_not_know(house: House, query: str) -> None:
    assert house["rita"].get(f"/v1/entries?{query}").status_code == 422


def test_every_write_and_read_needs_a_token(house: House) -> None:
    for answer in (house["nobody"].get("/v1/cycles"), house["nobody"].post("/v1/cycles", json={})):
        assert answer.status_code == 401
        assert answer.json()["type"] == "/v1/problems/token_is_missing"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for sent in (
        "Bearer strategy_ledger_p_wrong",
        "Bearer x",
        "Bearer strategy_ledger_p_" + "a" * 5_000,
        "Bearer s\xe4",
    ):
        answer = house["nobody"].get("/v1/cycles", headers=[(b"Authorization", sent.encode("latin-1"))])
        assert answer.status_code == 401
        assert answer.json()["type"] == "/v1/problems/token_is_not_valid"
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert house["nobody"].get("/v1/cycles", headers={"Authorization": "Basic YTpi"}).status_code == 401


def test_a_revoked_token_is_refused_within_its_bound(house: House) -> None:
    person = house.join("paul", "reader")
    assert house["paul"].get("/v1/cycles").status_code == 200
    (token,) = house.ledger.tokens.list(f"person:{person}")
    house.ledger.tokens.revoke(token.id)
    waited = threading.Event()
    answer = house["paul"].get("/v1/cycles")
    for _ in range(int(TOKEN_SECONDS * 10) + 10):
        if answer.status_code == 401:
            break
        waited.wait(0.1)
        answer = house["paul"].get("/v1/cycles")
    assert answer.status_code == 401
    assert answer.json()["type"] == "/v1/problems/token_is_not_valid"


def test_reading_needs_a_role_and_losing_it_counts_at_once(house: House) -> None:
    refused = house["nora"].get("/v1/cycles/now/board")
    assert refused.status_code == 403
    assert refused.json()["type"] == "/v1/problems/action_is_not_allowed"
    house.post("/v1/people/nora/roles", {"role": "reader"})
    assert house["nora"].get("/v1/cycles/now/board").status_code == 200
    house.post("/v1/people/nora/role-revocations", {"role": "reader"})
    for path in ("/v1/cycles/now/board", "/v1/entries", "/v1/entries/1", "/v1/people/nora"):
        assert house["nora"].get(path).status_code == 403
    house.post("/v1/people/nora/roles", {"role": "operator"})
    assert house["nora"].get("/v1/cycles/now/board").status_code == 403


def test_who_left_reads_no_more(house: House) -> None:
    house.join("otto", "reader")
    assert house["otto"].get("/v1/cycles").status_code == 200
    house.post("/v1/people/otto/departures")
    assert house["otto"].get("/v1/cycles").status_code == 403


def test_a_reader_writes_nothing(house: House) -> None:
    house.refused("/v1/cycles/now/closings", {}, "action_is_not_allowed", by="rita")


def test_health_readiness_and_problems_need_no_token(house: House) -> None:
    assert house["nobody"].get("/v1/health").json() == {"status": "alive"}
    ready = house["nobody"].get("/v1/ready").json()
    assert ready == {"status": "ready", "detail": "Everything is level."}
    listed = house["nobody"].get("/v1/problems").json()["problems"]
    assert {"key_result_is_dropped", "stale_version", "clock_is_behind"} <= {kind["code"] for kind in listed}
    page = house["nobody"].get("/v1/problems/key_result_is_dropped").json()
    assert page["title"] == "This key result was dropped; its record is closed."
    unknown = house["nobody"].get("/v1/problems/cycle_is_unknown").json()
    assert unknown["status"] == 422
    assert unknown["documentation"].endswith(
        "Where the address names it, and not the body, the status is 404."
    )


def test_each_request_has_an_identifier_of_its_own(house: House) -> None:
    sent = "01990f5e-7c00-7000-8000-000000000001"
    answers = [house["rita"].get("/v1/cycles", headers={"X-Request-Id": sent}) for _ in range(2)]
    assert len({sent, *(answer.headers["x-request-id"] for answer in answers)}) == 3


def test_an_accident_says_nothing_of_itself(house: House, caplog: pytest.LogCaptureFixture) -> None:
    class Lost(Exception):
        """Something that nobody foresaw."""

    def lose(*_: Any, **__: Any) -> Any:
        raise Lost("the password is 1234")

    house.desk.reader.ask = lose  # type: ignore[method-assign]
    try:
        answer = house["rita"].get("/v1/teams", params={"as_of": "5"})
    finally:
        del house.desk.reader.ask
    assert answer.status_code == 500
    assert answer.json()["type"] == "/v1/problems/internal_fault"
    assert "1234" not in answer.text
    assert answer.json()["request"] == answer.headers["x-request-id"]
    assert answer.headers["x-request-id"] in caplog.text
    assert house["rita"].get("/v1/teams", params={"as_of": "5"}).status_code == 200


def test_personal_text_does_not_reach_the_log_by_an_accident() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python(" ".join(["a", "secret"]))
    assert "a secret" in str(caught.value)
    assert "a secret" not in told(caught.value)


def test_a_probe_serves_who_arrived_before_it_began_and_nobody_after(house: House) -> None:
    begun = threading.Event()
    go_on = threading.Event()
    looks: list[int] = []

    def look() -> Standing:
        looks.append(len(looks) + 1)
        begun.set()
        go_on.wait(PATIENCE)
        return Standing(len(looks), len(looks), house.today)

    async def meeting() -> tuple[list[int], list[int]]:
        probe = Probe(look)
        early = [asyncio.ensure_future(probe.standing()) for _ in range(10)]
        await asyncio.get_running_loop().run_in_executor(None, begun.wait)
        late = [asyncio.ensure_future(probe.standing()) for _ in range(10)]
        await asyncio.sleep(0)
        go_on.set()
        found = [(await one).position for one in early], [(await one).position for one in late]
        probe.close()
        return found

    early, late = asyncio.run(meeting())
    assert early == [1] * 10
    assert late == [2] * 10
    assert looks == [1, 2]


def test_a_probe_that_fails_fails_for_those_who_wait_and_for_nobody_else() -> None:
    answers = iter([OSError("away"), None])

    def look() -> Standing:
        error = next(answers)
        if error is not None:
            raise error
        return Standing(1, 1, None)  # type: ignore[arg-type]

    async def meeting() -> int:
        probe = Probe(look)
        with pytest.raises(OSError, match="away"):
            await probe.standing()
        position = (await probe.standing()).position
        probe.close()
        return position

    assert asyncio.run(meeting()) == 1


@pytest.mark.parametrize("error", [SystemExit(1), StopIteration(), KeyboardInterrupt()], ids=repr)
def test_a_probe_looks_again_after_any_end_of_a_look(error: BaseException) -> None:
    answers = iter([error, None])

    def look() -> Standing:
        ended = next(answers)
        if ended is not None:
            raise ended
        return Standing(1, 1, None)  # type: ignore[arg-type]

    async def meeting() -> int:
        probe = Probe(look)
        with pytest.raises(RuntimeError, match=type(error).__name__):
            await asyncio.wait_for(probe.standing(), PATIENCE)
        position = (await asyncio.wait_for(probe.standing(), PATIENCE)).position
        probe.close()
        return position

    assert asyncio.run(meeting()) == 1


def test_a_probe_that_was_closed_or_left_on_the_way_looks_again() -> None:
    """Given a loop that ended during a look, and a probe that was closed, then who asks afterwards is answered."""
    begun, go_on = threading.Event(), threading.Event()

    def look() -> Standing:
        begun.set()
        assert go_on.wait(PATIENCE)
        return Standing(1, 1, None)  # type: ignore[arg-type]

    probe = Probe(look)

    async def leave() -> None:
        waiting = asyncio.ensure_future(probe.standing())
        await asyncio.get_running_loop().run_in_executor(None, begun.wait, PATIENCE)
        waiting.cancel()

    async def ask() -> int:
        return (await asyncio.wait_for(probe.standing(), PATIENCE)).position

    asyncio.run(leave())
    go_on.set()
    assert asyncio.run(ask()) == 1
    probe.close()
    assert asyncio.run(ask()) == 1
    probe.close()


def test_many_at_once_do_not_wait_for_each_other_for_ever(house: House) -> None:
    position = house.ledger.head().position
    statuses: list[int] = []

    def write(number: int) -> None:
        body = {"cycle": "now", "title": f"At once {number}", "owner": "ines"}
        answer = house["ada"].post(
            "/v1/objectives", json=body, headers={"Idempotency-Key": f"at once {number}"}
        )
        statuses.append(answer.status_code)

    def read(number: int) -> None:
        clocks = {"as_of": position - number % 5}
        statuses.append(house["rita"].get("/v1/cycles/now/board", params=clocks).status_code)

    threads = [
        threading.Thread(target=work, args=(number,)) for number in range(15) for work in (write, read)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(statuses) == [200] * 15 + [201] * 15


def test_the_present_board_is_completed_once_and_again_at_midnight(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presenting, "NAMES_SECONDS", 1_000_000)  # the names are not due meanwhile
    asked: list[int] = []
    desk, ask, probe = house.desk, house.desk.reader.ask, house.desk.probe
    today = desk._look()

    def counted(*question: Any, **clocks: Any) -> Any:
        asked.append(1)
        return ask(*question, **clocks)

    desk.reader.ask = counted  # type: ignore[method-assign]
    try:
        desk.latest.shelf = Shelf()
        for _ in range(3):
            house.get("/v1/cycles/now/board", by="rita")
        within_a_day = len(asked)
        desk.probe = Probe(lambda: replace(today, today=today.today + timedelta(days=1)))
        for _ in range(3):
            house.get("/v1/cycles/now/board", by="rita")
    finally:
        desk.probe.close()
        desk.probe = probe
        del desk.reader.ask
    assert within_a_day == 1
    assert len(asked) > within_a_day


def test_two_who_want_the_same_answer_wait_for_one() -> None:
    made = []

    async def make() -> Kept:
        made.append(1)
        await asyncio.sleep(0)
        return Kept.make(b"{}", {}, release="1", rights="reader", media_type="application/json")

    async def meeting() -> None:
        shelf = Shelf()
        kept = await asyncio.gather(*(shelf.get_or_make("board", make) for _ in range(5)))
        assert len({id(one) for one in kept}) == 1
        await shelf.get_or_make("board", make)

    asyncio.run(meeting())
    assert made == [1]


def test_a_shelf_keeps_at_most_its_bytes() -> None:
    async def meeting() -> None:
        shelf = Shelf(most=100)

        async def make() -> Kept:
            return Kept.make(b"x" * 20, {}, release="1", rights="reader", media_type="text/plain")

        for number in range(10):
            await shelf.get_or_make(number, make)
        assert [number for number in range(10) if shelf.get(number)] == [5, 6, 7, 8, 9]

    asyncio.run(meeting())


def test_the_etag_knows_release_rights_and_bytes() -> None:
    def etag(body: bytes = b"{}", release: str = "1", rights: str = "reader") -> str:
        return Kept.make(body, {}, release=release, rights=rights, media_type="application/json").etag

    assert len({etag(), etag(b"[]"), etag(release="2"), etag(rights="auditor")}) == 4
    assert matches(etag(), etag())
    assert not matches('"other"', etag())


def test_accept_encoding_is_read_with_its_weights() -> None:
    assert takes_gzip("gzip, br")
    assert takes_gzip("br;q=1.0, gzip;q=0.5")
    assert not takes_gzip("gzip;q=0")
    assert not takes_gzip("identity")
    assert not takes_gzip(None)
