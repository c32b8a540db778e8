"""Verify: every entry by itself, and every projection against an independent fold at pairs of both clocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Protocol

from psycopg import Connection

from ledger.collecting import without_collection
from projections import base, board, commitments, decisions, drift, findings, history
from projections.base import Generation
from replay import audited
from replay.audit import Audit
from replay.columns import Columns
from replay.difference import Difference, Differs, check_same
from replay.engine import Engine, LedgerToRead
from replay.folded import states_of

PAGE = 5_000
HISTORIES = 25
"""Objectives whose histories are compared at each pair."""
Progress = Callable[[int, int, str], None]
"""Called with what is done, what there is to do, and the name of the step."""


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
            checked = Columns()
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


def _end(ledger: LedgerToVerify, checked: Columns) -> None:
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


def _advance(
    ledger: LedgerToVerify, audit: Audit, checked: Columns, until: int, head: int, progress: Progress | None
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
        check_same(f"board of {cycle}", expected, found, position, effective_on)
        answers += 1
    rows: Sequence[tuple[str, list[Any], list[Any]]] = (
        ("commitments", audited.line_rows(audit, effective_on), commitments.commitments(*asked, until)),
        ("decisions", audited.decision_rows(audit, effective_on), decisions.decisions(*asked, until)),
        ("findings", audited.finding_rows(audit, effective_on), findings.findings(*asked, until)),
        ("drift", audited.change_rows(audit, effective_on), drift.changes(*asked, until, superseded=True)),
    )
    for name, expected_rows, found_rows in rows:
        check_same(name, _sorted(expected_rows), _sorted(found_rows), position, effective_on)
        answers += 1
    random = Random(seed * 7_919 + position)  # noqa: S311
    objectives = sorted(audit.rows)
    for objective in random.sample(objectives, min(HISTORIES, len(objectives))):
        found_history = history.history(*asked, until, objective=objective)
        check_same(
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
