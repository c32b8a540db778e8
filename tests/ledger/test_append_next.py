"""The short way into the ledger: one plain entry right after the last position that its caller knew."""

from __future__ import annotations

import gc
import json
from contextlib import suppress
from itertools import count
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aggregates.entry import Circumstances, Idempotency
from aggregates.team.events import TeamRenamed
from ledger.appends import _ONE, Appends, _Ticket
from ledger.calls import Statement
from ledger.codec import decode, encode
from ledger.errors import StreamsHaveMoved
from ledger.identifiers import new_id
from ledger.limits import BYTES_PER_ENTRY
from ledger.plain import NEXT as SHORT
from ledger.plain import plain_parts
from ledger.store import Ledger
from tests.ledger.helpers import forming, team_of

NEXT = "select append_next(%(place)s, %(stream)s, %(version)s, %(name)s, %(person)s, %(by)s, %(request)s, %(body)s, %(key)s, %(print)s)"  # noqa: E501

PRINT = bytes(range(32))
ODD: list[dict[str, Any]] = [
    {"place": -1}, {"place": 1}, {"place": 5}, {"place": 7}, {"place": 2**62}, {"place": None},
    {"version": 3}, {"version": 0}, {"version": -1}, {"version": 1},
    {"stream": "team:unknown"}, {"stream": 'team:"'}, {"stream": None},
    {"name": "ledger.created"}, {"name": "teamrenamed"}, {"name": 'team.re"named'}, {"name": "Team.renamed"},
    {"name": "team.renamed\n"}, {"name": f"team.{'a' * 96}"}, {"name": ""}, {"name": None},
    {"person": None}, {"by": None}, {"request": None}, {"body": None},
    {"body": "[]"}, {"body": '"{}"'}, {"body": "1"}, {"body": "null"}, {"body": ' {"name":"Second"}'},
    {"body": '{"name":"Second"} '}, {"body": '{"name":\n"Second"}'}, {"body": '{"name":"\\u0000"}'},
    {"body": '{"name":"Second","weight":1e999999}'}, {"body": '{"name":"Second","weight":1E5}'},
    {"body": '{"reference":"OBJ-1"}'}, {"body": '{"r\\u0065ference":"OBJ-1"}'}, {"body": '{"name":"\\ud800"}'},
    {"body": '{"name":"say \\"no\\""}'},
    {"body": '{"name":"' + "a" * (BYTES_PER_ENTRY // 2) + '"}'},
    {"key": None}, {"print": None}, {"key": "k" * 201, "print": PRINT}, {"key": 'k"', "print": PRINT},
    {"key": "k\\", "print": PRINT}, {"key": "k\n", "print": PRINT}, {"key": "\x7f", "print": PRINT},
    {"key": "ü", "print": PRINT}, {"key": "k"}, {"key": "k", "print": PRINT[1:]}, {"key": "k", "print": PRINT + b"f"},
]  # fmt: skip
"""What is not said by who renames a team: each of it leaves the entry to the append."""


@pytest.fixture
def usual(ledger: Ledger, steward: str) -> dict[str, Any]:
    """What a program says to rename a team that was formed just now."""
    team = new_id()
    position = ledger.execute("First", forming(team), by=steward).position
    return {
        "place": position + 1, "stream": team_of(team), "version": 2, "name": "team.renamed", "person": True,
        "by": steward.partition(":")[2], "request": str(new_id()), "body": '{"name":"Second"}',
        "key": "", "print": b"",
    }  # fmt: skip


def renamed(stream: str, version: int, by: str) -> tuple[bytes, list[bytes] | None]:
    """The bytes of an entry that renames a team, and its parts."""
    circumstances, event = Circumstances(by=by, request=new_id()), TeamRenamed(name="Second")
    data = encode(stream, version, circumstances, event)
    return data, plain_parts(stream, version, circumstances, event, data)


def refuse_append(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing pass but the short way."""
    no = "select 1 / 0 from (select $1::bytea[], $2::text[], $3::int4[], $4::int8) as asked"
    monkeypatch.setattr("ledger.appends._ONE", Statement("no append", no, 4))


def test_a_plain_command_takes_the_short_way_and_its_bytes_are_those_of_any_other(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = new_id()
    ledger.execute("First", forming(team), by=steward)
    refuse_append(ledger, monkeypatch)
    for name in ("Second", "Zürich – 東京", "a, b: {c} [d] true false 1e5 %s %%"):
        receipt = ledger.execute(name, forming(team), by=steward)
        raw = ledger.entry(receipt.position)
        assert raw is not None
        entry = decode(raw)
        assert isinstance(entry.event, TeamRenamed)
        assert entry.event.name == name
        assert encode(entry.stream, entry.version, entry.circumstances, entry.event) == raw.data
        assert (raw.stream, raw.version, raw.name) == (entry.stream, entry.version, entry.event.stored_name)
        assert (raw.recorded_at, entry.circumstances.request) == (receipt.recorded_at, receipt.request)
    assert [raw.version for raw in ledger.read_stream(team_of(team))] == [1, 2, 3, 4]


def test_what_is_not_plain_takes_the_long_way(ledger: Ledger, steward: str) -> None:
    """Given escapes, a reference or an exponent in a body, then it is recorded as before."""
    team = new_id()
    for name in ("First", 'say "no"', "back\\slash", "reference", "{", "}"):
        receipt = ledger.execute(name, forming(team), by=steward)
        raw = ledger.entry(receipt.position)
        assert raw is not None
        assert getattr(decode(raw).event, "name", None) == name


def test_what_says_more_than_who_which_request_and_what_is_not_plain(steward: str) -> None:
    request = new_id()

    def parts(**told: Any) -> list[bytes] | None:
        said: dict[str, Any] = {"by": steward, "request": request} | told
        circumstances, event = Circumstances(**said), TeamRenamed(name="Second")
        return plain_parts("team:a", 12, circumstances, event, encode("team:a", 12, circumstances, event))

    body, without = b'{"name":"Second"}', parts() or []
    assert without[-3:] == [body, b"", b""]
    assert parts(idempotency=Idempotency(key="k", fingerprint="0f" * 32)) == [
        *without[:-3],
        body,
        b"k",
        b"\x0f" * 32,
    ]
    for key, fingerprint in (
        ('k"', "0f" * 32),
        ("k\\", "0f" * 32),
        ("k", "0F" * 32),
        ("k", "0" * 33),
        ("k", "no" * 32),
    ):
        assert parts(idempotency=Idempotency.model_construct(key=key, fingerprint=fingerprint)) is None
    for more in ({"on_behalf_of": steward}, {"decision": new_id()}, {"supersedes": 3}):
        assert parts(**more) is None
    for by in ('person:"', "person:A", f"person:{steward[7:].upper()}", f"team:{steward[7:]}", steward[7:]):
        assert parts(by=by) is None


def test_what_is_not_as_usual_is_left_to_the_append(ledger: Ledger, usual: dict[str, Any]) -> None:
    """Given anything that the short way cannot vouch for, then it does nothing and returns nothing."""
    before = list(ledger.export())
    with ledger.pool.connection() as connection:
        for odd in ODD:
            assert connection.execute(NEXT, usual | odd).fetchone() == (None,), odd
        for broken in ("", "{", '{"name":', '{"name":"a"}}', "{'name':1}", "{tfals}", "{}{}"):
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                connection.execute(NEXT, usual | {"body": broken})
        assert list(ledger.export()) == before
        assert ledger.head().position == usual["place"] - 1
        assert connection.execute(NEXT, usual).fetchone() == (ledger.head().recorded_at,)


def test_no_setting_of_a_session_changes_what_is_judged(ledger: Ledger, usual: dict[str, Any]) -> None:
    """Given a session that reads backslashes in other texts as escapes, then bodies are judged as in any other."""
    with ledger.place.connection() as connection:
        connection.execute("set standard_conforming_strings = off")
        for odd in ODD:
            assert connection.execute(NEXT, usual | odd).fetchone() == (None,), odd
        assert ledger.head().position == usual["place"] - 1


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | _TEXTS
    | st.sampled_from(["name", "reference", "{", "}"])
)
_PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3)
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(body={"name": "Zürich", "weight": 0.5, "since": {"a": [True]}}, spelled=(True, False), key=None)
@example(body={"name": "Second"}, spelled=(True, False), key=(" 'k' %s {}", bytes(32)))
@given(
    body=st.dictionaries(_TEXTS, _VALUES, max_size=4),
    spelled=st.tuples(st.booleans(), st.booleans()),
    key=st.none() | st.tuples(_TEXTS | _PLAIN, st.just(PRINT) | st.binary(min_size=31, max_size=33)),
)
def test_what_the_short_way_takes_the_append_takes_in_the_same_bytes(
    ledger: Ledger,
    usual: dict[str, Any],
    body: dict[str, Any],
    spelled: tuple[bool, bool],
    key: tuple[str, bytes] | None,
) -> None:
    """Given any body and key, when the short way takes them, then so does the other, and writes the same rows."""
    separators = (",", ":") if spelled[0] else (", ", ": ")
    text = json.dumps(body, ensure_ascii=spelled[1], separators=separators)
    said = usual | {"body": text} | ({} if key is None else {"key": key[0], "print": key[1]})
    row = (
        "select e.stream, e.version, e.name, e.reference, e.supersedes, r.*, e.data"
        "  from entries as e left join receipts as r on r.position = e.position where e.position = %s"
    )
    taken = None
    with ledger.place.connection() as connection:
        with suppress(psycopg.DataError), connection.transaction(force_rollback=True):
            (told,) = connection.execute(NEXT, said).fetchone() or (None,)
            taken = connection.execute(row, [usual["place"]]).fetchone()
            assert (told is None) is (taken is None)
            assert taken is None or (taken[6] or "") == said["key"]
        if taken is not None:
            with connection.transaction(force_rollback=True):
                connection.execute("select append(array[%s::bytea])", [taken[-1]])
                assert connection.execute(row, [usual["place"]]).fetchone() == taken


def test_a_version_that_is_there_is_not_recorded_again(
    ledger: Ledger, usual: dict[str, Any], steward: str
) -> None:
    """Given a caller whose state of a stream is behind, when it says the last position, then it is refused."""
    with ledger.pool.connection() as connection:
        connection.execute(NEXT, usual)
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(NEXT, usual | {"place": usual["place"] + 1})
        assert ledger.head().position == usual["place"]
        data, parts = renamed(usual["stream"], 2, steward)
        with pytest.raises(StreamsHaveMoved) as refused:
            Appends().append(connection, [data], {usual["stream"]}, {}, (), usual["place"], lambda: parts)
    assert [(moved.expected, moved.present) for moved in refused.value.moved] == [(1, 2)]
    assert ledger.head().position == usual["place"]


def test_times_rise_and_an_instant_that_was_settled_stays_so(ledger: Ledger, usual: dict[str, Any]) -> None:
    """Given a head or a settled instant later than the clock, then the short way does nothing."""
    for column in ("recorded_at", "final_until"):
        with ledger.place.as_owner() as owner:
            owner.execute(f"update head set {column} = clock_timestamp() + interval '1 hour'".encode())
        with ledger.pool.connection() as connection:
            assert connection.execute(NEXT, usual).fetchone() == (None,)
        with ledger.place.as_owner() as owner:
            owner.execute(f"update head set {column} = clock_timestamp()".encode())
    with ledger.pool.connection() as connection:
        told = connection.execute(NEXT, usual).fetchone()
    assert told == (ledger.head().recorded_at,)


def test_who_is_not_alone_asks_the_append_at_once_until_nobody_comes_between(
    ledger: Ledger, usual: dict[str, Any], steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given that somebody wrote between, then one entry is asked for twice, and those after it once."""
    asked: list[str] = []
    appends, stream, versions = Appends(), usual["stream"], count(2)

    def noting(called: Statement, short: str) -> Statement:
        class Noting(Statement):
            def call(self, *told: Any) -> Any:
                asked.append(short)
                return called.call(*told)

        return Noting("", "", 0)

    def rename(behind: int) -> list[str]:
        """Append what was decided so many entries ago, and return what was asked of the database."""
        asked.clear()
        version, known = next(versions), ledger.head().position - behind
        data, parts = renamed(stream, version, steward)
        with ledger.pool.connection() as connection:
            appends.append(connection, [data], {stream}, {}, (), known, lambda: parts)
        return list(asked)

    monkeypatch.setattr("ledger.plain.NEXT", noting(SHORT, "next"))
    monkeypatch.setattr("ledger.appends._ONE", noting(_ONE, "append"))
    assert [rename(behind) for behind in (0, 0, 1, 1, 0, 0)] == [
        ["next"], ["next"], ["next", "append"], ["append"], ["append"], ["next"]
    ]  # fmt: skip
    assert [raw.version for raw in ledger.read_stream(stream)] == [*range(1, 8)]


def test_an_answer_of_the_short_way_that_is_lost_is_found(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a connection that breaks once the database has recorded, then the receipt is told and nothing twice."""
    team = new_id()
    first = ledger.execute("First", forming(team), by=steward)

    class Losing(Statement):
        def call(self, connection: Any, *told: Any) -> Any:
            SHORT.call(connection, *told)
            connection.close()
            raise psycopg.OperationalError("The connection was lost.")

    monkeypatch.setattr("ledger.plain.NEXT", Losing("", "", 0))
    second = ledger.execute("Second", forming(team), by=steward)
    assert second.position == first.position + 1 == ledger.head().position
    raw = ledger.entry(second.position)
    assert raw is not None
    assert (decode(raw).circumstances.request, raw.recorded_at) == (second.request, second.recorded_at)


def test_a_command_leaves_nothing_for_the_collector(ledger: Ledger, steward: str) -> None:
    """Given commands that were carried out, when nothing is collected, then none of their tickets is left."""
    team = new_id()
    gc.collect()  # what other tests left
    gc.disable()
    try:
        for name in ("First", "Second", "Third"):
            ledger.execute(name, forming(team), by=steward)
        assert [one for one in gc.get_objects() if isinstance(one, _Ticket)] == []
    finally:
        gc.enable()
