"""Carrying out one command that came by HTTP: read it, build it, have it decided and recorded, answer its receipt."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel, ValidationError

from aggregates.command import Command
from aggregates.decide import decide
from aggregates.entry import Occasion, Recorded
from aggregates.finding.events import FindingRule
from aggregates.refusals import (
    ActionIsNotAllowed,
    CycleIsUnknown,
    DecisionIsUnknown,
    EntryIsUnknown,
    FindingIsUnknown,
    ObjectiveIsUnknown,
    Refusal,
    ServiceIsUnknown,
    TeamIsUnknown,
)
from aggregates.values import KEY_PATTERN, instant_text
from aggregates.world import World, state_of
from api.attempts import note_attempt
from api.bodies import MEANINGS, Means
from api.commands import Door
from api.composing import Composer, mistakes_of
from api.mistakes import found_in
from api.naming import Finder, Names, identifier
from api.problems import BodyIsInvalid, BodyIsNotJson, MediaTypeIsNotTaken
from api.receipts import Outcome, answered, previewed
from api.triage import addressed
from ledger import security
from ledger.errors import AppendIsUncertain, Moved, StaleVersion, Unavailable, is_lost
from ledger.receipts import IdempotencyKey, Receipt
from ledger.store import Ledger
from ledger.tokens import as_caller
from replay.asked import FindingsOf
from replay.sight import Sight

WAIT_SECONDS = 2.0
"""How long an answer waits until the projections have read what was recorded."""
_JSON = re.compile(r"application/([\w.-]+\+)?json\s*(;.*)?", re.IGNORECASE)


class Projections(Protocol):
    """What a writer needs of the projections: to wait until they have read an entry."""

    def wait_for(self, position: int, timeout: float = ...) -> bool:
        """Return whether they have within the seconds given."""
        ...


class Findings(Finder, Protocol):
    """What a writer needs of the answers: to find items by reference, and findings by rule and cause."""

    @property
    def sight(self) -> Sight:
        """What is seen."""
        ...

    def seen_by(self, actor: str, *, exactly: bool = False) -> Findings:
        """Return the same, as far as this actor saw it lately, or sees it now."""
        ...

    def knows_finding(self, rule: str, cause: int) -> bool:
        """Return whether there is such a finding just now."""
        ...

    def findings(self, question: FindingsOf) -> list[dict[str, Any]]:
        """Return the findings that a question means just now."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One command as it was sent: what the address names, the body, and what the headers and parameters say.

    `by` is an actor, as its token named it; `on_behalf_of` is somebody's handle, address or identifier.
    """

    door: Door
    path: str
    names: Mapping[str, str]
    content: bytes
    content_type: str | None
    by: str
    request: UUID
    key: str | None = None
    version: int | None = None
    dry_run: bool = False
    on_behalf_of: str | None = None
    door_name: security.Door = "http"


@dataclass(frozen=True, slots=True)
class _Task:
    """One command that was read: for whom it is given, what they see, and how names are understood for them."""

    asked: Asked
    body: BaseModel
    principal: str | None
    found: Findings
    names: Names


class Writer:
    """Carries out commands on one ledger; blocking, so it belongs in a thread."""

    def __init__(self, ledger: Ledger, found: Findings, projections: Projections) -> None:
        self._ledger = ledger
        self._found = found
        self._projections = projections

    @property
    def names(self) -> Names:
        """Names as everybody's, for one request."""
        return Names(self._ledger, self._found)

    def carry_out(self, asked: Asked) -> Outcome:
        """Record what is asked and wait, bounded, until it can be read. Raises Faults and Refusals."""
        body = read_body(asked)
        found: Findings | None = None
        try:
            principal = self._principal(asked)
            found = self._seen_for(asked, principal)
            return self._carry_out(_Task(asked, body, principal, found, Names(self._ledger, found)))
        except Refusal as refusal:
            note_attempt(self._ledger, self._found, asked, refusal, found)
            if isinstance(
                refusal.__cause__, ValidationError
            ):  # what an amendment holds was read by its event
                place, refusal.detail, _ = found_in(refusal.__cause__)[0]
                refusal.field = f"/body{place}"
            refusal.field = relocated(asked.door, refusal.field)
            raise

    def _carry_out(self, task: _Task) -> Outcome:
        try:
            given, stream = self._given(task)
            if task.asked.dry_run:
                return self._preview(task, given, stream)
            return self._record(task, given, stream)
        except StaleVersion as stale:
            if task.found.sight.may("read"):
                stale.detail = self._told(stale, task.asked)
                raise
            raise StaleVersion(stale.moved, None, None, None) from None

    def _told(self, stale: StaleVersion, asked: Asked) -> str:
        """Return the sentence of a stale version with the names that people say."""
        moved = stale.moved
        what = ", ".join(asked.names.values()) or moved.stream
        told = f"The record of {what} is at version {moved.present}, not {moved.expected}"
        if stale.changed_by is None or stale.changed_at is None:
            return f"{told}."
        known = self._ledger.directory.of(UUID(stale.changed_by.rpartition(":")[2]))
        who = known.display_name if known else stale.changed_by
        return f"{told}; {who} recorded {stale.name} at {instant_text(stale.changed_at)}."

    def _seen_for(self, asked: Asked, principal: str | None) -> Findings:
        """Return what is found for whom a command is given, before anything is looked up for them.

        Whoever is not here, or may neither read nor give such a command at all, is told nothing of what there is.
        Raises ActionIsNotAllowed.
        """
        who = asked.by
        if principal is not None:
            self._found.seen_by(asked.by, exactly=True).sight.check_presence()
            who = as_caller(principal, asked.by)
        command, found = asked.door.command, self._found.seen_by(who, exactly=asked.version is not None)
        if not found.sight.may("read") and not found.sight.may(command, own=True):
            found = self._found.seen_by(who, exactly=True)
            if not found.sight.may("read"):
                found.sight.check(command, own=True)
        return found

    def _principal(self, asked: Asked) -> str | None:
        """Return the person on whose behalf a command is given, once it is sure that there is a delegation.

        Nothing is looked up for somebody before that. Raises PersonIsUnknown, ActionIsNotAllowed.
        """
        if asked.on_behalf_of is None:
            return None
        names = Names(self._ledger, self._found.seen_by(asked.by))
        person = names.person(asked.on_behalf_of, "/header/On-Behalf-Of")
        holder = state_of(self._ledger.world(), str(asked.by))
        if holder is None or person not in holder.delegations:
            raise ActionIsNotAllowed(
                "Acting for somebody else needs a grant, and there is none.", field="/header/On-Behalf-Of"
            )
        return f"person:{person}"

    def _record(self, task: _Task, given: Mapping[str, Any], stream: str | None) -> Outcome:
        asked = task.asked
        draft = _Draft(self._ledger, task, given)
        idempotency = None
        if asked.key is not None:
            idempotency = IdempotencyKey(asked.key, self._fingerprinted(task), first=draft.leaves_traces)
        try:
            receipt = self._ledger.execute(
                None,
                draft.decide,
                by=asked.by,
                on_behalf_of=task.principal,
                idempotency=idempotency,
                expected=_pinned(stream, asked.version),
                request=asked.request,
            )
            if receipt.replayed and self._hides(task, receipt):
                self._ledger.preview(None, draft.decide, by=asked.by, on_behalf_of=task.principal)
                raise ObjectiveIsUnknown(field="/objective")
        except AppendIsUncertain:
            raise  # it may have been recorded; a name too many does less harm than a person without one
        except Refusal:
            draft.forget()
            raise
        level = self._is_level(receipt.position)
        return answered(self._ledger, asked.door, asked.names, receipt, level=level)

    def _is_level(self, position: int) -> bool:
        """Wait until what was recorded can be read; whatever keeps it from being read, it is recorded, and said so."""
        try:
            return self._projections.wait_for(position, timeout=WAIT_SECONDS)
        except Exception as error:
            if not is_lost(error) and not isinstance(error, Unavailable):
                raise
            return False

    def _hides(self, task: _Task, receipt: Receipt) -> bool:
        """Return whether whoever repeats a command does no longer see what it wrote to."""
        sight = self._found.seen_by(task.principal or task.asked.by, exactly=True).sight
        return any(map(sight.hides, receipt.streams))

    def _fingerprinted(self, task: _Task) -> bytes:
        asked = task.asked
        author = UUID(asked.by.partition(":")[2])
        told = fingerprinted(asked, task.body, lambda text: self._ledger.keys.blinded(author, text))
        return told if task.principal is None else f"{task.principal} by ".encode() + told

    def _preview(self, task: _Task, given: Mapping[str, Any], stream: str | None) -> Outcome:
        asked = task.asked
        draft = _Draft(self._ledger, task, given)
        recorded = self._ledger.preview(
            None,
            draft.decide,
            by=asked.by,
            on_behalf_of=task.principal,
            expected=_pinned(stream, asked.version),
        )
        return Outcome(200, {"dry_run": True, "events": [previewed(one) for one in recorded]}, {})

    def _given(self, task: _Task) -> tuple[dict[str, Any], str | None]:
        """Return the command's fields that the address names, and the stream that If-Match speaks of."""
        asked, given = task.asked, dict[str, Any]()
        stream: str | None = None
        for name, text in asked.names.items():
            field = f"/path/{name}"
            target = asked.door.gives[name]
            value, of = self._named(name, text, field, task.names)
            given[target] = of if target == "actor" else value
            if name == "key_result":
                given["objective"] = UUID(of.partition(":")[2])
            if name == asked.door.stream:
                stream = of
        if asked.door.command == "answer_finding":
            given["known"] = task.found.knows_finding(str(given["rule"]), int(str(given["cause"])))
        if asked.door.command == "answer_findings":
            given.update(addressed(task.body, task.names, task.principal or str(asked.by), task.found))
        if stream and stream.startswith("position:") and asked.version is not None:
            entry = self._ledger.entry(int(stream.partition(":")[2]))
            stream = entry.stream if entry and not task.found.sight.hides(entry.stream) else None
        if stream and asked.version is not None and task.found.sight.hides(stream):
            raise StaleVersion(Moved(stream, asked.version, 0), None, None, None)
        return given, stream

    def _named(self, name: str, text: str, field: str, names: Names) -> tuple[UUID | str | int, str]:
        """Return what a name in the address stands for, and its stream."""
        value: UUID | str | int | None
        match name:
            case "key_result":
                objective, key_result = names.key_result(text, field)
                return key_result, f"objective:{objective}"
            case "objective":
                value = names.objective(text, field)
            case "person":
                value = names.person(text, field)
            case "cycle":
                value = text if re.fullmatch(KEY_PATTERN, text) else None
            case "rule":
                value = text if text in typing.get_args(FindingRule) else None
            case "position":
                value = int(text) if re.fullmatch(r"[1-9][0-9]{0,17}", text) else None
            case _:
                value = identifier(text)
        if value is None:
            raise _UNKNOWN[name](f"There is nothing called {text!r} here.", field=field)
        return value, f"{name}:{value}"


_UNKNOWN: Mapping[str, type[Refusal]] = {
    "cycle": CycleIsUnknown,
    "rule": FindingIsUnknown,
    "position": EntryIsUnknown,
    "service": ServiceIsUnknown,
    "team": TeamIsUnknown,
    "decision": DecisionIsUnknown,
}


class _Draft:
    """A command that is built when it is first decided: a repeated idempotency key never gets that far where that would
    leave something behind."""

    def __init__(self, ledger: Ledger, task: _Task, given: Mapping[str, Any]) -> None:
        asked = task.asked
        self._ledger = ledger
        self._composer = Composer(ledger, task.names, str(asked.by), dry=asked.dry_run)
        self._asked = asked
        self._body = task.body
        self._given = given
        self._command: Command | None = None
        self._written: UUID | None = None

    @property
    def leaves_traces(self) -> bool:
        """Whether deciding leaves something behind: a reference that is drawn, somebody who is written down."""
        return self._asked.door.leaves_traces

    def decide(self, world: World, _: None, occasion: Occasion) -> Sequence[Recorded]:
        """Decide the command; once it is allowed, references are drawn and a new person or service is written down.

        A dry run draws and writes nothing, and is refused what would be refused.
        """
        if self._command is None:
            self._command = self._composer.compose(self._asked.door, self._given, self._body)
        recorded = self._composer.referenced(decide(world, self._command, occasion))
        if self._asked.door.directory and self._written is None:
            self._write_down(self._command)
        return recorded

    def forget(self) -> None:
        """Take somebody out of the directory again whose command was refused after all."""
        if self._written is not None:
            self._ledger.directory.erase(self._written)

    def _write_down(self, command: Command) -> None:
        said = {name: getattr(self._body, name, None) for name in ("name", "handle", "email")}
        service = getattr(command, "service", None)
        identifier_: UUID = service or getattr(command, "person")  # noqa: B009 (which one, the door says)
        called: dict[str, Any] = {
            "handle": said["handle"],
            "email": said["email"],
            "kind": "person" if service is None else "service",
        }
        if self._asked.dry_run:
            self._ledger.directory.check_free(str(said["name"]), **called)
            return
        self._ledger.directory.add(identifier_, str(said["name"]), **called)
        self._written = identifier_


def read_body(asked: Asked) -> BaseModel:
    """Return the body; an absent one is an empty object. Raises MediaTypeIsNotTaken, BodyIsNotJson, BodyIsInvalid."""
    content = asked.content.strip()
    if content and not _JSON.fullmatch((asked.content_type or "").strip()):
        raise MediaTypeIsNotTaken(headers={"Accept-Post": "application/json"})
    try:
        return asked.door.body.model_validate_json(content or b"{}", strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise BodyIsNotJson(
                f"The body is not one JSON object in UTF-8: {first['ctx']['error']}."
            ) from error
        raise BodyIsInvalid(mistakes=mistakes_of(error, asked.door.body)) from error


def fingerprinted(asked: Asked, body: BaseModel, blinded: Callable[[str], str]) -> bytes:
    """Return the bytes that an idempotency key stands for: where the command was sent, and what it said.

    Personal text stands in them blinded by its author's key: a fingerprint is kept for ever, the text may be erased.
    """
    told = _blinded(body.model_dump(mode="json", exclude_unset=True, by_alias=True), blinded)
    return f"POST {asked.path} ".encode() + json.dumps(told, ensure_ascii=False).encode()


def _blinded(told: Any, blinded: Callable[[str], str]) -> Any:
    if isinstance(told, dict):
        return {
            name: blinded(value)
            if isinstance(value, str) and MEANINGS.get(name) is Means.PERSONAL
            else _blinded(value, blinded)
            for name, value in told.items()
        }
    return [_blinded(value, blinded) for value in told] if isinstance(told, list) else told


def relocated(door: Door, field: str) -> str:
    """Return the pointer of a refusal as the caller sees it: what the address gave stands in the address."""
    if not field or field.startswith("/path/"):
        return field
    head, _, rest = field[1:].partition("/")
    for name, target in door.gives.items():
        if head in (target, name) or (name == "key_result" and head == "objective"):
            return f"/path/{name}" + (f"/{rest}" if rest else "")
    return field


def _pinned(stream: str | None, version: int | None) -> dict[str, int] | None:
    return None if stream is None or version is None else {stream: version}
