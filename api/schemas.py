"""The parts of the description that no model holds: its words, the shapes of answers, and what a command answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.answer_schemas import ANSWERS, SHAPES
from api.readiness import SENTENCES

INTRODUCTION = """\
Every command is a POST to the noun of its event, every answer a GET; both name a basis: the ledger, a position and an
effective day. Sending `as_of` and `effective_at` of a basis back gives the same figures for ever. Refusals are
`application/problem+json` (RFC 9457); their `type` is an address that explains them. A pointer names the place in
the body, or `/path/…`, `/query/…`, `/header/…`; what is wrong within a body has a stable `code` of its own. A token
that was revoked is refused after at most two seconds, a changed name in the directory shows after at most ten.
Numbers are decimal strings. Bodies hold at most 64 KiB."""

TAGS = {
    "cycles": "Cycles, their board, their commitments and how they drifted.",
    "objectives": "Objectives: what a team wants to reach, with one named owner.",
    "key results": "Key results: how one knows; check-ins, values, targets.",
    "decisions": "Who decided what, and which changes followed.",
    "findings": "What an auditor would ask about, and what was answered.",
    "entries": "The ledger itself, entry by entry.",
    "people": "People and services, their presence and their roles.",
    "teams": "Teams and what they are part of.",
    "organisation": "The policy that turns facts into figures.",
    "service": "The server: health, this description, the problems.",
}


def _object(
    required: Mapping[str, Any], optional: Mapping[str, Any] | None = None, text: str = ""
) -> dict[str, Any]:
    return {
        "type": "object",
        **({"description": text} if text else {}),
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


_S = {"type": "string"}
_I = {"type": "integer"}
_O = {"type": "object"}
_BASIS = {"$ref": "#/components/schemas/Basis"}

SCHEMAS: dict[str, Any] = {
    "Problem": _object(
        {"type": _S, "title": _S, "status": _I, "detail": _S, "instance": _S},
        {
            "request": _S,
            "errors": {"type": "array", "items": _object({"pointer": _S, "detail": _S}, {"code": _S})},
            "stream": _S,
            "expected_version": _I,
            "present_version": _I,
            "changed_by": {"type": ["string", "null"]},
            "changed_at": {"type": ["string", "null"]},
            "change": {"type": ["string", "null"]},
        },
        "A no, as RFC 9457 writes it. A stale version also says who changed what and when.",
    ),
    "Basis": _object(
        {"ledger": _S, "position": _I},
        {
            "effective_at": {"type": "string", "format": "date"},
            "policy_version": _I,
            "reading_version": _I,
            "redactions": _I,
        },
        "What an answer stands on; sent back, it gives the same figures for ever.",
    ),
    "Receipt": _object(
        {
            "position": _I,
            "first_position": _I,
            "recorded_at": {"type": "string", "format": "date-time"},
            "events": {"type": "array", "items": _S},
            "identifiers": {"type": "object", "additionalProperties": _S},
            "references": {"type": "object", "additionalProperties": _S},
            "streams": {"type": "object", "additionalProperties": _I},
            "basis": _BASIS,
        },
        {"projection": {"const": "behind"}},
        "Where a command's events stand; a repeat under the same idempotency key gets the same.",
    ),
    "Preview": _object(
        {
            "dry_run": {"const": True},
            "events": {
                "type": "array",
                "items": _object(
                    {"stream": _S, "name": _S, "body": _O},
                    {
                        "effective_at": {"type": ["string", "null"]},
                        "reason": {"type": ["object", "null"]},
                        "decision": {"type": ["string", "null"]},
                        "supersedes": {"type": ["integer", "null"]},
                    },
                ),
            },
        },
        text="The events that a command would record.",
    ),
    "Entry": {
        "anyOf": [
            _object(
                {
                    "position": _I,
                    "recorded_at": {"type": "string", "format": "date-time"},
                    "stream": _S,
                    "version": _I,
                    "name": _S,
                    "data": {"type": "object", "description": "The stored bytes, verbatim."},
                }
            ),
            _object(
                {
                    "position": _I,
                    "recorded_at": {"type": "string", "format": "date-time"},
                    "private": {"const": True},
                },
                text="What stands in the place of an entry that is hidden from the reader.",
            ),
        ]
    },
    "Events": {
        "type": "string",
        "description": "Server-sent events: `id` is the position, `event` the name (`entry` where it is hidden), "
        "`data` the native line. The last event is `stream.ended` with a problem as its data where the listener may "
        "listen no more; comments keep the connection.",
    },
    "Metrics": {"type": "string", "description": "Prometheus' text form."},
    "SecurityLog": _object(
        {
            "lines": {
                "type": "array",
                "items": _object(
                    {
                        "number": _I,
                        "at": {"type": "string", "format": "date-time"},
                        "actor": {"type": ["string", "null"]},
                        "token": {"type": ["string", "null"]},
                        "action": _S,
                        "subject": {"type": ["string", "null"]},
                        "outcome": {
                            "type": "string",
                            "enum": ["refused", "failed", "read_by_office", "exported", "issued", "revoked"],
                        },
                        "request": {"type": ["string", "null"]},
                        "door": _S,
                        "times": _I,
                    }
                ),
            },
            "people": _O,
            "next_after": _I,
        },
        text="The security log; `subject` is null for whoever may not read the record.",
    ),
    "Feed": _object(
        {"entries": {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}}, "next_after": _I}
    ),
    "Health": _object({"status": _S}),
    "Readiness": _object(
        {"status": {"type": "string", "enum": list(SENTENCES)}, "detail": _S},
        {
            "position": _I,
            "projections": _I,
            "behind": _I,
            "stopped": {"type": "object", "additionalProperties": _object({"entry": _I, "detail": _S})},
            "bookmarks": {"type": "object", "additionalProperties": _I},
            "schema": _S,
            "past": _S,
            "trouble": _S,
        },
        "A word and a sentence; the rest for whoever may operate the server.",
    ),
    "Description": _object({"openapi": _S, "info": _O, "paths": _O}),
    "ProblemPage": _object({"type": _S, "code": _S, "title": _S, "status": _I, "documentation": _S}),
    "Problems": _object(
        {"problems": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemPage"}}}
    ),
    **SHAPES,
    **ANSWERS,
}


def header_refs(*names: str) -> dict[str, Any]:
    """Return references to the headers of an answer."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, "X-Request-Id")}


def receipt_response() -> dict[str, Any]:
    """Return the description of a recorded command."""
    return {
        "description": "Recorded.",
        "headers": header_refs("Ledger-Position", "Location", "Idempotency-Replayed", "Projection"),
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}},
    }


def preview_response() -> dict[str, Any]:
    """Return the description of a dry run, or of a command that changed nothing."""
    shapes = [{"$ref": "#/components/schemas/Preview"}, {"$ref": "#/components/schemas/Receipt"}]
    return {
        "description": "A dry run, or nothing had to be recorded.",
        "headers": header_refs(),
        "content": {"application/json": {"schema": {"anyOf": shapes}}},
    }
