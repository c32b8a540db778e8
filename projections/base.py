"""What every question shares: pages of plain entries, the tables of a generation, set-based writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from string import Formatter
from typing import Any, ClassVar, LiteralString, Protocol
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection, sql

from aggregates.values import end_of_day
from ledger.codec import RawEntry
from projections.writes import Update, Write

FOREVER = 2**63 - 1
"""The position that supersedes a row that nothing superseded."""

RECORD = "entries"
"""The ledger's own table, which no generation has."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PlainEntry = dict[str, Any]
"""The decoded bytes of an entry, with more keys: `position`, `recorded_at` (UTC), `recorded` (its sort key), `at` (the
text of its effective_at, else of recorded_at), `effective` (the sort key of `at`), `data` (the stored bytes)."""

ORGANISATION_NAMES = frozenset({"ledger.created", "policy.adopted"})
PRESENCE_NAMES = frozenset({"person.joined", "person.left", "person.leave_started", "person.leave_ended"})
ACCESS_NAMES = frozenset(
    {
        "access.role_granted", "access.role_revoked", "access.delegation_granted", "access.delegation_revoked",
        "service.registered", "team.member_added", "team.member_removed",
    }
)  # fmt: skip
"""Who may do what: no question is answered from it but those about access, which read the entries."""
TEAM_NAMES = frozenset({"team.formed", "team.renamed", "team.moved", "team.closed"})
CYCLE_NAMES = frozenset(
    {
        "cycle.planned", "cycle.commit_by_moved", "cycle.opened", "cycle.opening_voided", "cycle.scoring_started",
        "cycle.closed", "cycle.reopened",
    }
)  # fmt: skip
OBJECTIVE_NAMES = frozenset(
    {
        "objective.drafted", "objective.reworded", "objective.reowned", "objective.reteamed", "objective.aligned",
        "objective.declared_local", "objective.visibility_set", "objective.committed", "objective.replanned",
        "objective.moved_to_cycle", "objective.withdrawn", "objective.replaced", "objective.carried",
        "objective.recorded_in_error", "objective.closed", "objective.noted_in_source", "objective.decision_linked",
        "key_result.added", "key_result.reworded", "key_result.reowned", "key_result.target_changed",
        "key_result.baseline_corrected",
        "key_result.measure_changed", "key_result.weight_changed", "key_result.redated",
        "key_result.ambition_changed", "key_result.dropped", "key_result.recorded_in_error", "key_result.measured",
        "key_result.checked_in", "key_result.scored", "key_result.noted_in_source",
    }
)  # fmt: skip
DECISION_NAMES = frozenset({"decision.recorded", "decision.confirmed"})
RETRACTION = "entry.retracted"
ANSWER = "finding.answered"


@dataclass(frozen=True, slots=True)
class Generation:
    """One set of projection tables: `<schema>.g<number>_<table>`."""

    schema: str
    number: int

    def query(self, text: LiteralString) -> bytes:
        """Return the statement with each `{table}` in it named for this generation; `{entries}` is the record."""
        return _named(self.schema, f"g{self.number}_", text)


@lru_cache(maxsize=1024)
def _named(schema: str, prefix: str, text: LiteralString) -> bytes:
    names = {name for _, name, _, _ in Formatter().parse(text) if name}
    return (
        sql.SQL(text)
        .format(**{n: sql.Identifier(schema, n if n == RECORD else prefix + n) for n in names})
        .as_bytes(None)
    )


class Projection(Protocol):
    """One question: the tables it owns and how a page of entries changes them.

    `NEEDS` names the projections that must have applied a page before this one may. An entry whose name is
    neither in `HANDLES` nor in `PASSES_BY` stops the projection at that entry. What an instance remembers
    between pages holds only while nobody else writes; the engine throws the instance away when that is in doubt.
    """

    name: ClassVar[str]
    HANDLES: ClassVar[frozenset[str]]
    PASSES_BY: ClassVar[frozenset[str]]
    NEEDS: ClassVar[tuple[str, ...]]
    TABLES: ClassVar[LiteralString]
    TABLE_NAMES: ClassVar[tuple[str, ...]]

    def apply(
        self, page: Sequence[PlainEntry], connection: Connection[Any], generation: Generation
    ) -> Iterable[Write]:
        """Write what the page changes, and return what is left to be written.

        What is returned is carried out in its order before anybody reads these tables, and may begin while the rest
        is still being made; the caller owns the transaction and the bookmark.
        """
        ...


def decode_page(rows: Iterable[RawEntry]) -> list[PlainEntry]:
    """Return the entries of a page as plain dictionaries, each decoded once."""
    loads, page = orjson.loads, []
    for position, recorded_at, _, _, _, data in rows:
        if recorded_at.tzinfo is not UTC:
            recorded_at = recorded_at.astimezone(UTC)
        entry = loads(data)
        since = recorded_at - EPOCH
        recorded = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        at = entry.get("effective_at")
        if at is None:
            entry["at"] = recorded_at.isoformat(timespec="microseconds")[:26] + "Z"
            entry["effective"] = recorded
        else:
            entry["at"] = at
            entry["effective"] = moment_key(at)
        entry["position"], entry["recorded_at"], entry["recorded"] = position, recorded_at, recorded
        entry["data"] = data
        page.append(entry)
    return page


def instant_key(instant: datetime) -> int:
    """Return the sort key of an instant: microseconds since 1970 in UTC."""
    since: timedelta = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def day_key(day: date) -> int:
    """Return the sort key of a day, comparable with other days only: its proleptic ordinal."""
    return day.toordinal()


def moment_key(text: str) -> int:
    """Return the sort key of a stored moment: of a day when it has ten characters, else of an instant."""
    return _day_key_of(text) if len(text) == 10 else instant_key(datetime.fromisoformat(text))


@lru_cache(maxsize=4096)
def _day_key_of(text: str) -> int:
    """Return the sort key of a day as it is spelled; the same days come again and again."""
    return day_key(date.fromisoformat(text))


@dataclass(frozen=True, slots=True)
class Until:
    """The end of an effective day as sort keys: of the day for measured values, of its last instant for the rest."""

    day: int
    end: int


ALWAYS = Until(10_000_000, FOREVER)
"""No bound on the effective day; sort keys of days lie below 10,000,000, those of instants above."""


def until(effective_on: date | None, zone: ZoneInfo) -> Until:
    """Return the bound of an effective day in the organisation's zone; None means no bound."""
    if effective_on is None:
        return ALWAYS
    return Until(day_key(effective_on), instant_key(end_of_day(effective_on, zone)))


def stream_id(stream: str) -> str:
    """Return what follows the kind in the name of a stream: `objective:0193…` gives `0193…`."""
    return stream[stream.index(":") + 1 :]


def item_id(entry: PlainEntry) -> str:
    """Return the identifier of the key result that the entry is about, else of its stream."""
    key_result = entry["body"].get("key_result")
    return key_result if key_result is not None else stream_id(entry["stream"])


def json_text(value: Any) -> str | None:
    """Return the JSON of a value for a json column, or None for None."""
    return None if value is None else orjson.dumps(value).decode()


def after(page: Sequence[PlainEntry]) -> list[tuple[int, int]]:
    """Return (superseded position, superseding position) of a page."""
    return [(entry["supersedes"], entry["position"]) for entry in page if "supersedes" in entry]


def supersede(statement: bytes, page: Sequence[PlainEntry]) -> Update:
    """Return `update … from unnest(%s::bigint[], %s::bigint[])` over what the page supersedes."""
    pairs = after(page)
    return Update(statement, [[old for old, _ in pairs], [new for _, new in pairs]])


def told(superseded_at: int, position: int) -> int | None:
    """Return the position that superseded a row, as far as it was known at a position."""
    return superseded_at if superseded_at <= position else None
