"""The reference of the HTTP door, `docs/http.md`, written from the description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

Described = Mapping[str, Any]

_HEAD = """\
# The HTTP door

Made from the code by `python -m api.openapi`; do not edit by hand. The same in full, with every schema, is
[openapi.json](openapi.json), which a running server answers at `/v1/openapi.json`.

"""

_CONVENTIONS = """\
## Conventions

**Retries.** `Idempotency-Key` with any command: a repeat gets the first receipt and `Idempotency-Replayed: true`;
another body under it is refused.

**Others' changes.** `If-Match` with the ETag of the bare aggregate; without it the command is decided on what is
there now.

**Read your writes.** `Ledger-Position` of a write, sent as `min_position` of a read, which waits up to two seconds,
then 503; a position that the ledger has not reached is 409 `position_is_ahead`. Where a server has more to answer than
it can, a present answer may be up to half a second old, never older than what was written with the same person's
token; its basis says its position.

**Lists.** History, decisions, findings and people come in pages of 1,000 rows (`limit`); `next_cursor` and `Link:
rel="next"` are there where more follow. All pages are of the first one's basis, whatever is recorded meanwhile. A
cursor is good with the same parameters only; any other is 400 `cursor_is_not_valid`. `references` and `people` of a
page name what it speaks of. A board is never paged, a file holds the whole list.

**What is new.** `since=` a position, an instant, a date (its end) or a mark, with history, decisions, findings and
drift: the rows of which something was recorded after it, a change, an answer, a confirmation; counts stay those of
the whole answer.

**The feed.** `/v1/entries?after=N`, in order and without gaps; what is hidden from the reader has its place and
nothing else.

**The stream.** `/v1/stream`, server-sent events: `id` is the position, `event` the stored name (`entry` for a
hidden one), `data` the native line. `Last-Event-ID` goes before `after`; with neither it begins at the present end.
What was missed comes first, page by page, then what happens, within half a second, from whichever process. Every 15
seconds a comment keeps the connection and moves the id past what a filter left out. `stream.ended` carries a
problem: the token was revoked, a right was taken away (looked at every two seconds), the ledger's past is another
one. At the end of the server, and behind what waits for who took nothing for 30 seconds, a comment says so; go on
from the last id.

**Heads.** What answers GET answers HEAD, without the body; the stream alone does not.

**Rates.** Per token and process: `RateLimit-Policy` and `RateLimit` on every answer, 429 with `Retry-After` beyond.

**Too much at once.** Where as many requests are under way in a server as may be, the next ones get 503
`server_is_busy` with `Retry-After` at once, and so does a request whose work has not begun ten seconds after it
arrived whole (unless set otherwise); nothing was done. Requests that are sent behind another one on the same
connection, without waiting for its answer, are read one after the other: one of them that was not read six seconds (six
tenths of that time) after it arrived is refused so too. Send a request that may last long alone, or on a connection of
its own. What has begun is carried through and answered; who leaves
before is not worked for. `/v1/health`, `/v1/ready`, `/v1/metrics` and the stream are answered all the same.

"""


def reference(description: Described) -> str:
    """Return the reference as Markdown."""
    return "\n".join(_lines(description)).rstrip() + "\n"


def _lines(description: Described) -> Iterator[str]:
    yield _HEAD + description["info"]["description"] + "\n"
    yield _CONVENTIONS
    yield from _parameters(description["components"]["parameters"])
    for tag in description["tags"]:
        yield f"## {tag['name'].capitalize()}\n\n{tag['description']}\n"
        for path, item in description["paths"].items():
            for method, operation in item.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(description, path, method, operation)
    yield from _problems(description["components"]["examples"])


def _parameters(parameters: Described) -> Iterator[str]:
    yield "## Parameters\n\n| name | in | meaning |\n|---|---|---|"
    for parameter in parameters.values():
        yield f"| `{parameter['name']}` | {parameter['in']} | {parameter['description']} |"
    yield ""


def _operation(description: Described, path: str, method: str, operation: Described) -> Iterator[str]:
    yield f"### `{method.upper()} {path}`\n\n{operation['summary']} Operation `{operation['operationId']}`.\n"
    named = [ref["$ref"].rpartition("/")[2] for ref in operation["parameters"] if "$ref" in ref]
    if named:
        names = [description["components"]["parameters"][name]["name"] for name in named]
        yield "Takes " + ", ".join(f"`{name}`" for name in names) + ".\n"
    if "requestBody" in operation:
        yield from _body(description, operation["requestBody"]["content"]["application/json"])
    for status, response in operation["responses"].items():
        if "x-problems" in response:
            yield f"- {status}: " + ", ".join(f"`{code}`" for code in response["x-problems"])
    yield ""


def _body(description: Described, content: Described) -> Iterator[str]:
    schema = description["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    required = set(schema.get("required", ()))
    members = [
        f"`{name}`" + ("" if name in required else " (may be absent)") for name in schema["properties"]
    ]
    if members:
        yield "Body: " + ", ".join(members) + ".\n"
    example = orjson.dumps(content["examples"]["example"]["value"], option=orjson.OPT_INDENT_2).decode()
    yield f"```json\n{example}\n```\n"


def _problems(examples: Described) -> Iterator[str]:
    yield "## Problems\n\n| code | status | what it says |\n|---|---|---|"
    for code, example in examples.items():
        yield f"| `{code}` | {example['value']['status']} | {example['summary']} |"
