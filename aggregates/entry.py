"""An entry: an event and its circumstances, as the ledger keeps them for ever."""

from __future__ import annotations

from dataclasses import field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from aggregates.frozen import dataclass
from aggregates.values import Instant, Line, Text

ReasonClass = Literal["recalibration", "scope", "measurement_fault", "external", "editorial"]


class Event(BaseModel):
    """A fact, named in the past tense; `stored_name` outlives the class."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    stored_name: ClassVar[str]
    valued: ClassVar[bool] = False
    """Whether the event carries a measured value and so a day (which may be back-dated), not an instant."""
    presence: ClassVar[bool] = False
    """Whether the event says who was here; such facts may be back-dated like a value."""
    amendable: ClassVar[bool] = False
    """Whether an entry of this name can be superseded by another of the same name."""


class Reason(BaseModel):
    """Why a commitment changed, with its class."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ReasonClass
    text: Text


class Source(BaseModel):
    """Where an imported entry comes from; personal names stay in the directory, as aliases.

    `name` is the source (a repository, a file, a tool), `version` its dated version (a commit), `row` the row in
    it, `author` the alias of who wrote the version, `not_before` the time of the version before, `doubt` what
    the import was not sure of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Line
    version: Line
    row: Line | None = None
    author: UUID | None = None
    not_before: Instant | None = None
    doubt: Line | None = None


class Idempotency(BaseModel):
    """The caller's key of a command and a keyed fingerprint of what it asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    key: Line
    fingerprint: str = Field(pattern=r"^[0-9a-f]{32,64}$")


class Sealed(BaseModel):
    """Personal text that only its author's key opens: base64 of AES-GCM, and a salted commitment to the clear text."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    author: UUID
    key_id: UUID
    commitment: str = Field(pattern=r"^[0-9a-f]{64}$")
    ciphertext: str = Field(max_length=24_000, pattern=r"^[A-Za-z0-9+/=]+$")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Who recorded an entry, for whom, when it became true, why, by which decision and from which source."""

    by: str
    """`person:<uuid>` or `service:<uuid>`."""
    request: UUID
    on_behalf_of: str | None = None
    effective_at: date | datetime | None = None
    """A day for a measured value, an instant for everything else; absent means recorded_at."""
    reason: Reason | None = None
    decision: UUID | None = None
    source: Source | None = None
    idempotency: Idempotency | None = None
    supersedes: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its circumstances and its place: position, recorded_at, stream and version."""

    position: int
    recorded_at: datetime
    stream: str
    version: int
    circumstances: Circumstances
    event: Event

    @property
    def effective_at(self) -> date | datetime:
        """Return when the fact became true: as said, else when it was recorded."""
        return self.circumstances.effective_at or self.recorded_at


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a decision wants recorded: an event for a stream, with what it says about its own circumstances."""

    stream: str
    event: Event
    effective_at: date | datetime | None = None
    reason: Reason | None = None
    decision: UUID | None = None
    source: Source | None = None
    supersedes: int | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """The circumstances of a command: who asks, the database's clock, the organisation's zone, whether imported.

    An actor that came by a token bears in `scopes` what the token may be used for.
    """

    by: str
    at: datetime
    zone: Any
    on_behalf_of: str | None = None
    imported: bool = False
    accept_faults: bool = False
    details: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=5_000)  # each command names the same few streams again and again
def stream_of(kind: str, identifier: UUID | str) -> str:
    """Return the name of a stream, such as `objective:0193…` or `cycle:2026-q3`."""
    return f"{kind}:{identifier}"


@lru_cache(maxsize=5_000)
def identifier_of(stream: str) -> UUID:
    """Return the identifier in an actor or a stream that has one, such as `person:0193…`."""
    return UUID(stream.partition(":")[2])


ORGANISATION = "organisation"
"""The one stream that carries the ledger's creation and its policies."""
