"""What is wrong with a request that is none: its method, its version of HTTP, or something else."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Final

import orjson

from api.problems import (
    MEDIA_TYPE,
    Fault,
    MethodIsNotAllowed,
    MethodIsUnknown,
    RequestIsMalformed,
    VersionIsNotSpoken,
    code_of,
    sentence_of,
)

VERSIONS: Final = frozenset({"1.0", "1.1"})
_LINE: Final = re.compile(
    rb"(?:\r?\n)*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) (/[^\s?#]*)[^\s#]* HTTP/([0-9]\.[0-9])\r?\n"
)
"""A method, a path and a version as RFC 9112 writes them."""


def fault_of(
    data: bytes, *, knows_method: bool, methods_of: Callable[[str], Collection[str]]
) -> Fault | None:
    """Return what is wrong with the line that this data begins with, None where that is not it.

    `methods_of` returns the methods that a path takes, none for a path where nothing answers.
    """
    found = _LINE.match(data)
    if found is None:
        return None
    method, path, version = (part.decode("latin-1") for part in found.groups())
    if version not in VERSIONS:
        return version_fault(version)
    if knows_method:
        return None
    allowed = methods_of(path)
    if allowed:
        return MethodIsNotAllowed(headers={"Allow": ", ".join(sorted(allowed))})
    return MethodIsUnknown(f"Nobody here knows the method {method}.")


def version_fault(version: str) -> Fault:
    """Return the fault of another version of HTTP."""
    return VersionIsNotSpoken(f"HTTP/{version} is not spoken here; send HTTP/1.1.")


def malformed(detail: str) -> Fault:
    """Return the fault of a request that cannot be read."""
    return RequestIsMalformed(detail)


def answer_to(fault: Fault) -> bytes:
    """Return the whole answer to a request that never came to the application; the connection ends with it."""
    code = code_of(type(fault))
    body = orjson.dumps(
        {
            "type": f"/v1/problems/{code}",
            "title": sentence_of(type(fault)),
            "status": fault.status,
            "detail": fault.detail,
        }
    )
    more = "".join(f"{name.lower()}: {value}\r\n" for name, value in fault.headers.items())
    head = (
        f"HTTP/1.1 {fault.status} {HTTPStatus(fault.status).phrase}\r\n"
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n{more}connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body
