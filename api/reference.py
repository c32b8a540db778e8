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


def reference(description: Described) -> str:
    """Return the reference as Markdown."""
    return "\n".join(_lines(description)).rstrip() + "\n"


def _lines(description: Described) -> Iterator[str]:
    yield _HEAD + description["info"]["description"] + "\n"
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
