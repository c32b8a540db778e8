"""Whether the server can answer well: the database, the schema's release, the projections, and the ledger's past."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ledger.schema import difference
from ledger.store import Ledger
from projections.trouble import ProjectionIsHeld, ProjectionsAreGone
from replay.engine import Engine, Reading

MOST_BEHIND: Final = 10_000
"""Entries that a projection may be behind while the server counts as ready; catching up with them takes a second."""
ANSWER_SECONDS: Final = 3.0
"""How long the database may take to answer the question whether it answers."""
HELD_SECONDS: Final = 1.0
"""How long that question waits for a table that somebody holds."""
RETRY: Final = {"Retry-After": "5"}
SENTENCES: Final = {
    "ready": "Everything is level.",
    "ledger_is_away": "The ledger's database does not answer.",
    "ledger_is_gone": "The ledger is not in its database any more: its schema or its roles were dropped or renamed.",
    "another_release": "The ledger's schema is not of this release.",
    "head_went_back": (
        "The ledger's past is another one than this server has seen: it was restored from an older backup, or "
        "replaced. Restart the server."
    ),
    "projections_are_gone": (
        "Tables of the answers are not in the database any more, commands are recorded; `strategy-ledger rebuild` "
        "makes them anew."
    ),
    "projection_is_held": (
        "Somebody holds a table of the answers, so that they cannot be read from there or do not follow; once it is "
        "let go, all goes on."
    ),
    "stopped": "A projection stopped; the others answer up to their position.",
    "being_made": "The answers are being made anew for this release, beside those of the one before.",
    "behind": "The projections are behind; they are catching up.",
}
"""What each status means, as anybody may know it."""


@dataclass(slots=True)
class Past:
    """The last entry that this process has seen, to notice a head that went backwards; safe to use by many threads."""

    position: int = 0
    recorded_at: datetime | None = None
    sentence: str | None = field(default=None)

    def look(self, ledger: Ledger) -> str | None:
        """Return what was found, once it was found; None while the past is the one that was seen."""
        if self.sentence is not None:
            return self.sentence
        position, recorded_at = self.position, self.recorded_at
        head = ledger.head()
        if position:
            kept = head.recorded_at if head.position == position else None
            if head.position > position and (entry := ledger.entry(position)) is not None:
                kept = entry.recorded_at
            if kept != recorded_at:
                self.sentence = (
                    f"Position {position} was recorded at {recorded_at:%Y-%m-%dT%H:%M:%SZ} when this server saw it; "
                    f"the ledger now ends at {head.position} and does not hold that entry."
                )
                return self.sentence
        if head.position >= position:
            self.position, self.recorded_at = head.position, head.recorded_at
        return None


@dataclass(frozen=True, slots=True)
class State:
    """How the server stands: one word, and what somebody who runs it wants to know."""

    status: str
    details: dict[str, Any]

    @property
    def rights_at(self) -> int | None:
        """The head by which rights are to be taken where the answers do not say where everything stands; else None."""
        is_said = "bookmarks" in self.details or "past" in self.details
        return None if is_said else self.details.get("position")

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.status == "ready"

    def body(self, *, whole: bool) -> dict[str, Any]:
        """Return the answer: the bare minimum, or all of it."""
        bare = {"status": self.status, "detail": SENTENCES[self.status]}
        return {**bare, **self.details} if whole else bare


AWAY: Final = State("ledger_is_away", {})
GONE: Final = State("ledger_is_gone", {})
BEING_MADE: Final = State("being_made", {})


def state_of(ledger: Ledger, engine: Engine, past: Past) -> State:
    """Return how the server stands; asks the database. Raises psycopg.Error where it does not answer."""
    try:
        with engine.reading(HELD_SECONDS) as reading:
            marks, stopped = reading.bookmarks, reading.stopped
            position = reading.position
    except (ProjectionIsHeld, ProjectionsAreGone) as refusal:
        told = {"position": ledger.head().position, "trouble": refusal.detail}
        lost = past.look(ledger)
        return (
            State(refusal.code(), told) if lost is None else State("head_went_back", {**told, "past": lost})
        )
    head = ledger.head().position
    schema, gone, trouble = difference(ledger), past.look(ledger), engine.trouble()
    behind = max(0, head - min((mark.position for mark in marks.values()), default=0))
    details: dict[str, Any] = {
        "position": head,
        "projections": position,
        "behind": behind,
        "stopped": stopped_of(marks),
        "bookmarks": {name: mark.position for name, mark in sorted(marks.items())},
    }
    if schema is not None:
        details["schema"] = schema
    if gone is not None:
        details["past"] = gone
    if trouble is not None:
        details["trouble"] = trouble.detail
    status = (
        "another_release" if schema is not None
        else "head_went_back" if gone is not None
        else trouble.code() if trouble is not None
        else "stopped" if stopped
        else "behind" if behind > MOST_BEHIND
        else "ready"
    )  # fmt: skip
    return State(status, details)


def stopped_of(marks: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each projection that stopped with the entry at which it did; why is for the log and for `verify`."""
    return {
        name: {
            "entry": mark.stopped_at,
            "detail": f"{name} stopped at entry {mark.stopped_at}; upgrade, then `strategy-ledger rebuild`; "
            "`strategy-ledger verify` says why.",
        }
        for name, mark in sorted(marks.items())
        if mark.stopped_at is not None
    }


__all__ = [
    "ANSWER_SECONDS",
    "AWAY",
    "BEING_MADE",
    "GONE",
    "MOST_BEHIND",
    "RETRY",
    "SENTENCES",
    "Past",
    "Reading",
    "State",
    "state_of",
]
