"""One over each limit of the table: refused with its code, and nothing recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from psycopg import sql
from pydantic import TypeAdapter, ValidationError

from aggregates.command import MOST_CHANGES
from aggregates.cycle.decide import LONGEST_CYCLE_DAYS
from aggregates.decision.commands import RecordDecision
from aggregates.decision.decide import MOST_LINES, MOST_TOUCHED
from aggregates.finding.commands import MOST_FINDINGS
from aggregates.measures import MOST_STAGES, MOST_STEPS, StagesTarget, StepsTarget
from aggregates.objective.commands import SetVisibility
from aggregates.objective.events import MOST_PEOPLE
from aggregates.refusals import Refusal
from aggregates.values import Key, Line, Number, Text
from api.answers import fault_answer
from api.connection import HEAD_LIMIT
from api.crowd import Crowd
from api.door import (
    LISTENERS,
    LISTENERS_PER_TOKEN,
    READS_PER_SECOND,
    UNDER_WAY,
    WAITING_SECONDS,
    WRITES_PER_SECOND,
    Door,
)
from api.exporting import sheets
from api.exporting.table import Column
from api.limits import LIMITS, table
from api.metrics import Figures
from api.middleware import BODY_LIMIT
from api.paging import MOST_ROWS
from api.parameters import LONGEST_PARAMETER
from api.problems import TooManyListeners, TooManyRequests, TooManyRows
from api.problems import code_of as code_of_class
from api.rates import Buckets
from api.routes.entries import MOST_ENTRIES
from api.stream import Tail
from ledger.appends import append
from ledger.identifiers import new_id
from ledger.limits import BYTES_PER_ENTRY, EVENTS_PER_APPEND, PAGE, READS_PER_APPEND
from tests.api.conftest import House
from tests.api.test_crowd import scope_of
from tests.ledger.helpers import stored, team_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "limits.md"


def code_of(adapter: Any, value: Any) -> str:
    """The code with which a value is refused at the door."""
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(adapter).validate_python(value)
    return str(refused.value.errors()[0]["type"])


def appended(house: House, data: list[bytes], reads: dict[str, int] | None = None) -> str:
    """The code with which the append refuses these bytes."""
    with house.ledger.pool.connection() as connection, pytest.raises(Refusal) as refused:
        append(connection, data, reads or {})
    return type(refused.value).code()


def problem(answer: Any) -> str:
    """The code of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).rpartition("/")[2]


def too_many_key_results(house: House) -> str:
    reference, _ = house.objective("now", committed=False, title="Too many")
    body = {"title": "One more", "owner": "ines", "measure": {"kind": "yes_no"}, "target": {"kind": "done"}}
    for _ in range(49):
        house.post(f"/v1/objectives/{reference}/key-results", body)
    return problem(house["ada"].post(f"/v1/objectives/{reference}/key-results", json=body))


def too_many_lines(house: House) -> str:
    reference, _ = house.objective("now", title="Planned again and again")
    decision = house.post("/v1/decisions", {"text": "Again.", "decided_by": "ines"})["identifiers"][
        "decision"
    ]
    body = {"decision": decision, "objectives": [{"objective": reference}]}
    for _ in range(MOST_LINES - 1):
        house.post("/v1/replans", body)
    return problem(house["ada"].post("/v1/replans", json=body))


def too_many_days(house: House) -> str:
    begins = house.today + timedelta(days=1)
    ends = begins + timedelta(days=LONGEST_CYCLE_DAYS)
    body = {"cycle": "ten-years", "name": "Ten years", "kind": "custom"}
    return problem(
        house["ada"].post("/v1/cycles", json={**body, "starts_on": f"{begins}", "ends_on": f"{ends}"})
    )


def too_much_contention(house: House) -> str:
    """Somebody changes what the command reads, each time before it is appended."""
    from tests.ledger.helpers import forming

    team, by = new_id(), f"person:{house.people['ines']}"
    form = forming(team)

    def decide(world: Any, command: str, occasion: Any) -> Any:
        found = form(world, command, occasion)
        house.ledger.execute("Somebody else", forming(team), by=by)
        return found

    with pytest.raises(Refusal) as refused:
        house.ledger.execute("Mine", decide, by=by)
    return type(refused.value).code()


def clock_is_behind(house: House) -> str:
    with house.ledger.place.as_owner() as owner:
        owner.execute("update head set final_until = clock_timestamp() + interval '1 hour'")
        owner.commit()
        try:
            return appended(house, [stored(f"person:{house.people['ines']}")])
        finally:
            owner.execute("update head set final_until = 'epoch'")
            owner.commit()


def head_is_held(house: House) -> str:
    """Somebody locks the end of the ledger and goes to lunch."""
    with house.ledger.place.as_owner() as owner:
        owner.execute("select from head for update")
        return appended(house, [stored(f"person:{house.people['ines']}")])


def table_is_held(house: House) -> str:
    """Somebody locks the tables of the answers and goes to lunch."""
    with house.ledger.pool.connection() as tool, tool.transaction():
        rows = tool.execute(
            "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'r'"
            " and relname ~ '^g[0-9]+_'",
            [f'"{house.ledger.schema}"'],
        ).fetchall()
        for (name,) in rows:
            tool.execute(sql.SQL("lock table {}").format(sql.Identifier(house.ledger.schema, name)))
        return problem(house["ada"].get("/v1/teams"))


def over_its_rate(kind: str, rate: int) -> str:
    """A token that asks once more than two seconds' worth at once."""
    buckets = Buckets(kind, rate, clock=lambda: 0.0)
    taken = [buckets.take(b"token") for _ in range(2 * rate + 1)]
    assert [one is not None and one.wait > 0 for one in taken[-2:]] == [False, True]
    return code_of_class(TooManyRequests)


def one_listener_more(tokens: Iterable[bytes]) -> str:
    """One more who wants to listen than may."""
    tail = Tail(never, never, Door(), Figures())
    *first, last = tokens
    for token in first:
        tail.join(token)
    with pytest.raises(TooManyListeners) as refused:
        tail.join(last)
    return code_of_class(type(refused.value))


def one_under_way_more() -> str:
    """One more request than may be under way."""
    crowd, scope = Crowd(never, fault_answer, Door().under_way, Figures()), scope_of("/v1/cycles")
    crowd.under_way = UNDER_WAY
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def meeting() -> None:
        await crowd(scope, never, send)
        crowd._refused = 0

    asyncio.run(meeting())
    return str(orjson.loads(sent[1]["body"])["type"]).rpartition("/")[2]


def one_who_waits_too_long() -> str:
    """A request whose work does not begin."""
    sent: list[Any] = []

    async def stalled(*_: Any) -> None:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async def meeting() -> None:
        crowd = Crowd(stalled, fault_answer, 0, Figures(), seconds=0.01)
        await crowd(scope_of("/v1/cycles"), never, send)

    asyncio.run(meeting())
    return str(orjson.loads(sent[1]["body"])["type"]).rpartition("/")[2]


def one_row_more() -> str:
    """One row more than a sheet holds; the sheet is a small one, so that the test is short."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sheets, "MOST_ROWS", 2)
        rows = [("a",)] * 3
        assert b"".join(sheets.xlsx_of("small", [Column("one", "text", "")], rows[:2], []))
        with pytest.raises(TooManyRows):
            b"".join(sheets.xlsx_of("large", [Column("one", "text", "")], rows, []))
    return code_of_class(TooManyRows)


def one_who_is_read_too_late() -> str:
    """A request that arrived long before those in front of it were answered: the server is not asked."""
    sent: list[Any] = []
    scope = scope_of("/v1/cycles")
    waited = next(limit.most for limit in LIMITS if limit.what.startswith("wait of a request behind"))

    async def send(message: Any) -> None:
        sent.append(message)

    async def meeting(age: float) -> None:
        scope.setdefault("state", {})["arrived"] = time.monotonic() - age
        await Crowd(answered, fault_answer, 0, Figures(), seconds=WAITING_SECONDS)(scope, never, send)

    asyncio.run(meeting(waited - 1))
    assert sent == ["answered"]
    asyncio.run(meeting(waited + 1))
    return str(orjson.loads(sent[-1]["body"])["type"]).rpartition("/")[2]


async def answered(_scope: Any, _receive: Any, send: Any) -> None:
    """The server behind it."""
    await send("answered")


async def never(*_: Any) -> Any:
    """Nobody looks and nobody reads."""


def page(house: House) -> str:
    with pytest.raises(Refusal) as refused:
        house.ledger.read_page(0, PAGE + 1)
    return type(refused.value).code()


def by(house: House) -> str:
    return f"person:{house.people['ines']}"


OVER: dict[str, Callable[[House], str]] = {
    "bytes of a request's body, or of a line of `record`": lambda house: problem(
        house["ada"].post("/v1/teams", content=b'{"name":"' + b"a" * BODY_LIMIT + b'"}')
    ),
    "bytes of a request's line and headers": lambda house: problem(
        house["ada"].get("/v1/cycles", headers={"X-Long": "x" * HEAD_LIMIT})
    ),
    "a parameter of an address": lambda house: problem(
        house["ada"].get("/v1/cycles", params={"as_of": "1" * (LONGEST_PARAMETER + 1)})
    ),
    "rows of a page of history, decisions, findings, people": lambda house: problem(
        house["ada"].get("/v1/decisions", params={"limit": MOST_ROWS + 1})
    ),
    "entries of a page of the feed": lambda house: problem(
        house["ada"].get("/v1/entries", params={"limit": MOST_ENTRIES + 1})
    ),
    "reads of one token in a second, unless set otherwise": lambda _: over_its_rate(
        "reads", READS_PER_SECOND
    ),
    "writes of one token in a second, unless set otherwise": lambda _: over_its_rate(
        "writes", WRITES_PER_SECOND
    ),
    "listeners with one token, unless set otherwise": lambda _: one_listener_more(
        [b"one"] * (LISTENERS_PER_TOKEN + 1)
    ),
    "listeners of one server, unless set otherwise": lambda _: one_listener_more(
        str(number).encode() for number in range(LISTENERS + 1)
    ),
    "requests under way in one server, unless set otherwise": lambda _: one_under_way_more(),
    "wait of a request until its work begins, unless set otherwise": lambda _: one_who_waits_too_long(),
    "wait of a request behind others of its connection, unless that wait is set otherwise": lambda _: (
        one_who_is_read_too_late()
    ),
    "rows of a workbook that is asked for": lambda _: one_row_more(),
    "findings that one command answers": lambda house: problem(
        house["ada"].post(
            "/v1/findings/answers",
            json={
                "findings": [{"rule": "late_line", "cause": place} for place in range(1, MOST_FINDINGS + 2)],
                "answer": "accepted",
                "text": "All at once.",
            },
        )
    ),
    "changes that one decision carries out": lambda _: code_of(
        RecordDecision,
        {
            "decision": new_id(),
            "text": "All at once.",
            "decided_by": new_id(),
            "changes": [{"command": "withdraw_objective", "objective": new_id()}] * (MOST_CHANGES + 1),
        },
    ),
    "objectives that one decision touches": lambda house: problem(
        house["ada"].post(
            "/v1/decisions",
            json={
                "text": "So much.",
                "decided_by": "ines",
                "touches": [str(new_id()) for _ in range(MOST_TOUCHED)],
                "changes": [
                    {"command": "draft_objective", "cycle": "now", "title": "One more", "owner": "ines"}
                ],
            },
        )
    ),
    "lines of one objective": too_many_lines,
    "days of a cycle": too_many_days,
    "people that a visibility names": lambda _: code_of(
        SetVisibility,
        {
            "objective": new_id(),
            "visibility": "people",
            "people": [new_id() for _ in range(MOST_PEOPLE + 1)],
        },
    ),
    "stages of a milestone measure": lambda _: code_of(
        StagesTarget, {"stages": [{"name": f"{n}", "weight": "0.001"} for n in range(MOST_STAGES + 1)]}
    ),
    "steps of a phased target": lambda _: code_of(
        StepsTarget,
        {
            "steps": [
                {"on": f"2026-{1 + n // 28:02}-{1 + n % 28:02}", "at": "1"} for n in range(MOST_STEPS + 1)
            ]
        },
    ),
    "events in one append": lambda house: appended(house, [stored(by(house))] * (EVENTS_PER_APPEND + 1)),
    "bytes of one entry": lambda house: appended(house, [stored(by(house)) + b" " * BYTES_PER_ENTRY]),
    "bytes of one append": lambda house: appended(
        house, [stored(by(house)) + b" " * 30_000 for _ in range(140)]
    ),
    "streams that one decision reads": lambda house: appended(
        house, [stored(by(house))], {team_of(new_id()): 0 for _ in range(READS_PER_APPEND + 1)}
    ),
    "entry ahead of the database's clock": clock_is_behind,
    "wait for whoever is appending": head_is_held,
    "wait for whoever holds a table of the answers": table_is_held,
    "decisions of one command under contention": too_much_contention,
    "entries read at once": page,
    "a line (title, name, idempotency key)": lambda _: code_of(Line, "a" * 201),
    "a text (description, reason, narrative)": lambda _: code_of(Text, "a" * 4001),
    "digits of a number before the point": lambda _: code_of(Number, "1" + "0" * 15),
    "digits of a number after the point": lambda _: code_of(Number, "0.0000001"),
    "a key of a cycle": lambda _: code_of(Key, "a" * 41),
    "key results of one objective": too_many_key_results,
}


WAITED_FOR = {"wait for whoever is appending", "wait for whoever holds a table of the answers"}
"""Limits that are seconds, and over which nobody gets sooner."""


def test_every_limit_is_gone_over() -> None:
    assert set(OVER) == {limit.what for limit in LIMITS}


def test_the_document_says_what_the_code_says() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == table()


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(limit, id=limit.what, marks=[pytest.mark.slow] if limit.what in WAITED_FOR else [])
        for limit in LIMITS
    ],
)
def test_one_over_a_limit_is_refused_with_its_code(house: House, limit: Any) -> None:
    assert OVER[limit.what](house) == limit.code
