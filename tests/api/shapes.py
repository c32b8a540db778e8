"""A small reader of JSON Schema, enough for the description of the API: does a value have the described shape?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def misshapen(
    value: Any, schema: Mapping[str, Any], description: Mapping[str, Any], at: str = ""
) -> Iterator[str]:
    """Give a sentence for each place in which a value differs from its schema."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from misshapen(value, description["components"]["schemas"][name], description, at)
        return
    if "anyOf" in schema:
        if all(list(misshapen(value, one, description, at)) for one in schema["anyOf"]):
            yield f"{at or '/'} has none of its described forms"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{at or '/'} is not {schema['const']!r}"
    kinds = schema.get("type")
    if kinds is not None:
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not any(isinstance(value, _TYPES[kind]) for kind in kinds):
            yield f"{at or '/'} is {type(value).__name__}, not {kinds}"
            return
    if isinstance(value, dict):
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{at}/{name} is missing"
        for name, one in schema.get("properties", {}).items():
            if name in value:
                yield from misshapen(value[name], one, description, f"{at}/{name}")
    if isinstance(value, list) and "items" in schema:
        for index, one in enumerate(value):
            yield from misshapen(one, schema["items"], description, f"{at}/{index}")
