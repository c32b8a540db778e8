"""Circumstances as the append takes them, in SQL: what it accepts here, a restore and every reading accept too.

An entry that says none of them pays 0.3 µs, one with a reason or a source 4 to 15 µs.

What a release has words for (names of events, their bodies, classes of reasons) is not asked: a later release has more.
`tests/ledger/test_circumstances.py` holds the two to each other.
"""

from __future__ import annotations

from aggregates.values import LINE_LENGTH, TEXT_LENGTH

_INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
_NO_SIGN = r"\u007f-\u009f\u2028\u2029]"
"""Signs that no text of an entry holds: those that `aggregates.values` refuses also where a text is kept."""


def _text(path: str, longest: int, *, breaks: bool = False) -> str:
    """Return the condition that a kept text stands at a path."""
    signs = (r"[\u0001-\u0008\u000b-\u001f" if breaks else r"[\u0001-\u001f") + _NO_SIGN
    return (
        f"jsonb_typeof(entry #> '{path}') = 'string' and length(entry #>> '{path}') between 1 and {longest}"
        f" and (entry #>> '{path}') collate \"C\" !~ '{signs}'"
    )


def _object(name: str, *members: str) -> str:
    """Return the condition that a member is an object and says nothing else."""
    kept = "{" + ",".join(members) + "}"
    return f"jsonb_typeof(entry -> '{name}') = 'object' and (entry -> '{name}') - '{kept}'::text[] = '{{}}'"


def _where_said(path: str, condition: str) -> str:
    return f"(entry #> '{path}' is null or {condition})"


SOUND = (
    # An entry without any of the three meets one comparison.
    "(not entry ?| '{on_behalf_of,reason,source}' or "
    + " and ".join(
        (
            _where_said(
                "{on_behalf_of}",
                "jsonb_typeof(entry -> 'on_behalf_of') = 'string'"
                " and split_part(entry ->> 'on_behalf_of', ':', 1) in ('person', 'service')"
                " and split_part(entry ->> 'on_behalf_of', ':', 2)::uuid::text"
                " = substr(entry ->> 'on_behalf_of', strpos(entry ->> 'on_behalf_of', ':') + 1)",
            ),
            _where_said(
                "{reason}",
                _object("reason", "kind", "text")
                + " and jsonb_typeof(entry #> '{reason,kind}') = 'string'"
                + " and length(entry #>> '{reason,kind}') between 1 and 40"
                + " and (entry #>> '{reason,kind}') collate \"C\" !~ '[^a-z_]' and "
                + _text("{reason,text}", TEXT_LENGTH, breaks=True),
            ),
            _where_said(
                "{source}",
                " and ".join(
                    (
                        _object("source", "name", "version", "row", "author", "not_before", "doubt"),
                        _text("{source,name}", LINE_LENGTH),
                        _text("{source,version}", LINE_LENGTH),
                        _where_said("{source,row}", _text("{source,row}", LINE_LENGTH)),
                        _where_said("{source,doubt}", _text("{source,doubt}", LINE_LENGTH)),
                        _where_said(
                            "{source,author}",
                            "jsonb_typeof(entry #> '{source,author}') = 'string'"
                            " and (entry #>> '{source,author}')::uuid::text = entry #>> '{source,author}'",
                        ),
                        _where_said(
                            "{source,not_before}",
                            "jsonb_typeof(entry #> '{source,not_before}') = 'string'"
                            " and entry #>> '{source,not_before}' like '____-__-__T__:__:__.______Z'"
                            " and to_char((entry #>> '{source,not_before}')::timestamptz at time zone 'UTC', "
                            f"'{_INSTANT}') = entry #>> '{{source,not_before}}'",
                        ),
                    )
                ),
            ),
        )
    )
    + ")"
)
"""That `entry` (jsonb) says for whom, why and from where as a ledger writes it, or says nothing of it."""

SOUND_KEY = " and ".join(
    (
        _object("idempotency", "key", "fingerprint"),
        _text("{idempotency,key}", LINE_LENGTH),
        "jsonb_typeof(entry #> '{idempotency,fingerprint}') = 'string'",
        "length(entry #>> '{idempotency,fingerprint}') between 32 and 64",
        "(entry #>> '{idempotency,fingerprint}') collate \"C\" !~ '[^0-9a-f]'",
    )
)
"""That `entry` (jsonb) has an idempotency key with its fingerprint, as a ledger writes them."""
