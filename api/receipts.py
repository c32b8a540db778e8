"""What a command is answered: the receipt of what was recorded, or the preview of what would be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from aggregates.entry import Recorded
from aggregates.values import instant_text
from api.commands import Door
from ledger.codec import moment_text
from ledger.receipts import Receipt
from ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is answered: a status, a body and headers."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


def answered(
    ledger: Ledger, door: Door, names: Mapping[str, str], receipt: Receipt, *, level: bool
) -> Outcome:
    """Return the answer to a recorded command, made from its entries so that a repeat gets the same."""
    identifiers, references = made_by(ledger, receipt)
    body: dict[str, Any] = {
        "position": receipt.position,
        "first_position": receipt.first_position,
        "recorded_at": instant_text(receipt.recorded_at),
        "events": list(receipt.names),
        "identifiers": identifiers,
        "references": references,
        "streams": receipt.streams,
        "basis": {"ledger": str(ledger.identifier), "position": receipt.position},
    }
    headers = {"Ledger-Position": str(receipt.position)}
    if not level:
        body["projection"] = headers["Projection"] = "behind"
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
    location = located(door, {**names, **identifiers}, receipt.position)
    if location is not None:
        headers["Location"] = location
    return Outcome(201 if receipt.names else 200, body, headers)


def made_by(ledger: Ledger, receipt: Receipt) -> tuple[dict[str, str], dict[str, str]]:
    """Return the identifiers that were written to by kind, and the references that were given."""
    identifiers: dict[str, str] = {}
    references: dict[str, str] = {}
    if not receipt.names:
        return identifiers, references
    for stream, told in receipt.entries or _read(ledger, receipt):
        kind, _, identifier_ = stream.partition(":")
        data = orjson.loads(told)
        if identifier_:
            identifiers.setdefault(kind, identifier_)
        if "decision" in data:
            identifiers.setdefault("decision", data["decision"])
        key_result = data["body"].get("key_result")
        if key_result is not None:
            identifiers.setdefault("key_result", key_result)
        if "reference" in data["body"]:
            references[data["body"]["reference"]] = key_result or identifier_
    return identifiers, references


def _read(ledger: Ledger, receipt: Receipt) -> Iterator[tuple[str, bytes]]:
    """Give the entries of a receipt, each with its stream, as they stand in the ledger."""
    count = receipt.position - receipt.first_position + 1
    for raw in ledger.read_page(receipt.first_position - 1, count, receipt.position):
        yield raw.stream, raw.data


def located(door: Door, values: Mapping[str, str], position: int) -> str | None:
    """Return the address of what was recorded, or None where there is none."""
    try:
        return door.location.format(**{**values, "recorded": position}) or None
    except KeyError:
        return None


def previewed(recorded: Recorded) -> dict[str, Any]:
    """Return an event that a dry run would record; references are given, and personal text sealed, only in earnest."""
    body = recorded.event.model_dump(mode="json", exclude_none=True)
    body.pop("reference", None)
    for name in ("what_changed", "needs_decision"):
        if name in body:
            body[name] = {"sealed": True}
    return {
        "stream": recorded.stream,
        "name": recorded.event.stored_name,
        "effective_at": None if recorded.effective_at is None else moment_text(recorded.effective_at),
        "reason": None if recorded.reason is None else recorded.reason.model_dump(mode="json"),
        "decision": None if recorded.decision is None else str(recorded.decision),
        "supersedes": recorded.supersedes,
        "body": body,
    }
