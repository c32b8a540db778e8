"""Verify: columns against bytes, order without gaps, and every projection against an independent fold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Protocol

import orjson
from psycopg import Connection

from ledger.codec import RawEntry
from ledger.collecting import without_collection
from projections import base, board, commitments, decisions, drift, findings, history
from projections.base import Generation
from replay import audited
from replay.audit import Audit
from replay.engine import Engine, LedgerToRead
from replay.folded import states_of

PAGE = 5_000
HISTORIES = 25
"""Objectives whose histories are compared at each pair."""
Progress = Callable[[int, int, str], None]
"""Called with what is done, what there is to do, and the name of the step."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where two ways to one answer part."""

    where: str
    item: str
    facet: str
    expected: Any
    found: Any
    position: int
    effective_on: date | None = None

    def sentence(self) -> str:
        """Return the difference in one sentence."""
        day = f" and the end of {self.effective_on}" if self.effective_on else ""
        place = f"{self.where}, {self.item}, {self.facet}".rstrip(", ")
        return (
            f"{place}: at position {self.position}{day} the entries say {_short(self.expected)}, "
            f"but {_short(self.found)} was found."
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was verified, and the first difference, if any."""

    entries: int
    pairs: int
    answers: int
    difference: Difference | None

    @property
    def clean(self) -> bool:
        """Return whether no difference was found."""
        return self.difference is None

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict ready for JSON."""
        one = self.difference
        told = None
        if one is not None:
            told = {
                name: getattr(one, name)
                for name in ("where", "item", "facet", "expected", "found", "position")
            }
            told["effective_at"] = one.effective_on and one.effective_on.isoformat()
            told["sentence"] = one.sentence()
        return {
            "clean": self.clean, "entries": self.entries, "pairs": self.pairs, "answers": self.answers,
            "difference": told,
        }  # fmt: skip


class Differs(Exception):
    """Raised inside the comparison at the first difference."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.sentence())
        self.difference = difference


class LedgerToVerify(LedgerToRead, Protocol):
    """What verify needs of a ledger beside its entries."""

    def head(self) -> Any: ...
    def read_copies(self, after: int, until: int) -> dict[int, tuple[str | None, int | None]]: ...


def verify(
    ledger: LedgerToVerify,
    *,
    pairs: int = 20,
    seed: int = 1,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Check every entry, fold independently, and compare every projection now and at pairs of both clocks.

    `pairs` are sampled positions with effective days, the same for the same seed and ledger. The comparison stops
    at the first difference and names it.
    """
    engine = engine or Engine(ledger)
    engine.catch_up(progress=None)
    answers = [0]
    done = [0]
    head = 0
    try:
        with without_collection(), engine.reading() as reading:
            head = reading.position
            _stopped(reading.stopped, head)
            samples = _samples(head, pairs, seed)
            audit = Audit()
            checked = _Columns()
            for sample in samples:
                _advance(ledger, audit, checked, sample, head, progress)
                for effective_on in _days(audit, seed, present=sample == head):
                    answers[0] += _compare(audit, reading.connection, reading.generation, effective_on, seed)
                    done[0] += 1
                if progress is not None:
                    progress(sample, head, "compared")
            _end(ledger, checked)
    except Differs as found:
        return Verdict(head, done[0], answers[0], found.difference)
    return Verdict(head, done[0], answers[0], None)


def _stopped(stopped: dict[str, str], head: int) -> None:
    for name, sentence in stopped.items():
        raise Differs(Difference("engine", name, "running", "running", sentence, head))


def _samples(head: int, pairs: int, seed: int) -> list[int]:
    """Return the positions to stop at, rising, the head last."""
    if head == 0:
        return []
    random = Random(seed)  # noqa: S311 (a sample, not a secret)
    return sorted({*(random.randint(1, head) for _ in range(pairs)), head})


def _days(audit: Audit, seed: int, *, present: bool) -> list[date | None]:
    """Return the effective days to compare at: none (the latest), and one of the days that the ledger speaks of."""
    days = sorted(
        {
            date.fromisoformat(event["body"][name])
            for events in audit.cycles.values()
            for event in events[:1]
            for name in ("starts_on", "ends_on")
        }
    )
    if not days:
        return [None]
    random = Random(seed * 1_000_003 + audit.position)  # noqa: S311
    span = (days[-1] - days[0]).days
    picked: list[date | None] = [days[0] + timedelta(days=random.randint(-3, span + 3))]
    return [None, *picked] if present or random.random() < 0.5 else picked


def _end(ledger: LedgerToVerify, checked: _Columns) -> None:
    """Compare the head with the last entry; what it says was recorded stands there."""
    head, last = ledger.head(), checked.last
    if last is None or (head.position > last.position and ledger.read_page(last.position, 1)):
        return
    for facet in ("position", "recorded_at"):
        left, right = getattr(last, facet), getattr(head, facet)
        if left != right:
            raise Differs(
                Difference("head", f"entry {last.position}", facet, str(left), str(right), last.position)
            )


Copies = Mapping[int, tuple[str | None, int | None]]
"""Reference and supersedes by position, as the columns beside the bytes have them."""
_NONE = (None, None)


class _Columns:
    """The checks of each entry by itself and against the one before."""

    def __init__(self) -> None:
        self._last: RawEntry | None = None
        self._versions: dict[str, int] = {}

    @property
    def last(self) -> RawEntry | None:
        """Return the last entry that was checked."""
        return self._last

    def of(self, entries: Iterable[RawEntry], copies: Copies | None = None) -> Iterator[RawEntry]:
        """Pass entries on, each after it was checked; `copies` are the columns reference and supersedes."""
        for raw in entries:
            self._check(raw, copies)
            self._last = raw
            yield raw

    def _check(self, raw: RawEntry, copies: Copies | None) -> None:
        last = self._last
        data = orjson.loads(raw.data)
        for facet in ("stream", "version", "name"):
            if data.get(facet) != getattr(raw, facet):
                self._differs(raw, facet, data.get(facet), getattr(raw, facet))
        expected = 1 if last is None else last.position + 1
        if raw.position != expected:
            self._differs(raw, "position", expected, raw.position)
        if last is not None and raw.recorded_at <= last.recorded_at:
            after = f"a time after {last.recorded_at.isoformat()}"
            self._differs(raw, "recorded_at", after, raw.recorded_at.isoformat())
        version = self._versions.get(raw.stream, 0) + 1
        if raw.version != version:
            self._differs(raw, "version", version, raw.version)
        self._versions[raw.stream] = version
        supersedes = data.get("supersedes")
        if supersedes is not None and not (isinstance(supersedes, int) and 0 < supersedes < raw.position):
            self._differs(raw, "supersedes", "an earlier position", supersedes)
        if copies is not None:
            told = (None if supersedes is not None else data["body"].get("reference"), supersedes)
            for facet, left, right in zip(
                ("reference", "supersedes"), told, copies.get(raw.position, _NONE), strict=True
            ):
                if left != right:
                    self._differs(raw, facet, left, right)

    def _differs(self, raw: RawEntry, facet: str, expected: Any, found: Any) -> None:
        raise Differs(Difference("entries", f"entry {raw.position}", facet, expected, found, raw.position))


def _advance(
    ledger: LedgerToVerify, audit: Audit, checked: _Columns, until: int, head: int, progress: Progress | None
) -> None:
    """Fold the entries up to a position, each checked on the way."""
    while audit.position < until:
        page = ledger.read_page(audit.position, min(PAGE, until - audit.position), until)
        if not page:
            missing = audit.position + 1
            raise Differs(Difference("entries", f"entry {missing}", "position", missing, None, missing))
        audit.apply(checked.of(page, ledger.read_copies(audit.position, page[-1].position)))
        if progress is not None:
            progress(audit.position, head, "folded")


def _compare(
    audit: Audit, connection: Connection[Any], generation: Generation, effective_on: date | None, seed: int
) -> int:
    """Compare every projection at the audit's position and an effective day; return how many answers agreed."""
    position, zone = audit.position, audit.zone
    until = base.until(effective_on, zone)
    asked = (connection, generation, position)
    answers = 0
    for cycle in audit.cycles:
        expected = states_of(audit, cycle, effective_on=effective_on, zone=zone)
        if effective_on is None:
            found = board.states_at_position(connection, generation, cycle, position)
        else:
            found = board.states_at(connection, generation, cycle, position, effective_on, zone)
        _same(f"board of {cycle}", expected, found, position, effective_on)
        answers += 1
    rows: Sequence[tuple[str, list[Any], list[Any]]] = (
        ("commitments", audited.line_rows(audit, effective_on), commitments.commitments(*asked, until)),
        ("decisions", audited.decision_rows(audit, effective_on), decisions.decisions(*asked, until)),
        ("findings", audited.finding_rows(audit, effective_on), findings.findings(*asked, until)),
        ("drift", audited.change_rows(audit, effective_on), drift.changes(*asked, until, superseded=True)),
    )
    for name, expected_rows, found_rows in rows:
        _same(name, _sorted(expected_rows), _sorted(found_rows), position, effective_on)
        answers += 1
    random = Random(seed * 7_919 + position)  # noqa: S311
    objectives = sorted(audit.rows)
    for objective in random.sample(objectives, min(HISTORIES, len(objectives))):
        found_history = history.history(*asked, until, objective=objective)
        _same(
            "history",
            audited.history_rows(audit, objective, effective_on),
            found_history,
            position,
            effective_on,
        )
        answers += 1
    return answers


def _sorted(rows: list[Any]) -> list[Any]:
    names = ("position", "cause", "rule", "objective", "facet", "key_result")
    return sorted(rows, key=lambda row: [(str(type(row.get(name))), row.get(name) or 0) for name in names])


def _same(where: str, expected: Any, found: Any, position: int, effective_on: date | None) -> None:
    """Raise Differs at the first place where the two differ."""
    if expected == found:
        return
    item, facet, left, right = first_difference(expected, found, ("", ""))
    raise Differs(Difference(where, item, facet, left, right, position, effective_on))


def first_difference(expected: Any, found: Any, place: tuple[str, str]) -> tuple[str, str, Any, Any]:
    """Return `(item, facet, expected, found)` of the first difference between two answers."""
    if isinstance(expected, dict) and isinstance(found, dict):
        place = (_named(expected) or place[0], place[1])
        for key in [*expected, *(key for key in found if key not in expected)]:
            left, right = expected.get(key), found.get(key)
            if left != right or (key in expected) != (key in found):
                return first_difference(left, right, (place[0], f"{place[1]}/{key}"))
    if isinstance(expected, list) and isinstance(found, list):
        for number, (left, right) in enumerate(zip(expected, found, strict=False)):
            if left != right:
                return first_difference(left, right, (place[0], f"{place[1]}/{number}"))
        shorter = min(len(expected), len(found))
        rest = (expected[shorter : shorter + 1] or [None])[0], (found[shorter : shorter + 1] or [None])[0]
        return place[0], f"{place[1]}/{shorter}", *rest
    return place[0], place[1].lstrip("/"), expected, found


def _named(row: dict[str, Any]) -> str | None:
    for name in ("reference", "decision", "rule"):
        with suppress(KeyError):
            return f"{row[name]}" if name != "rule" else f"{row['rule']} caused by {row['cause']}"
    if "objective" in row and "position" in row:
        return f"{row['key_result'] or row['objective']} at {row['position']}"
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
