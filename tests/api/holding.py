"""Every answer that a test gets over HTTP is held against the description: its status, its kind, its problem."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx
import orjson

from api.openapi import described


@cache
def _operations() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    """Return method, address and responses of each operation, those with fewer names in the address first."""
    paths = sorted(orjson.loads(described())["paths"].items(), key=lambda one: one[0].count("{"))
    return [
        (method.upper(), re.compile(re.sub(r"[{][^}]+[}]", "[^/]+", path)), operation["responses"])
        for path, item in paths
        for method, operation in item.items()
    ]


def hold(answer: httpx.Response) -> None:
    """Fail where an answer is none that its operation describes; the stream does not end, so it is left out."""
    path = answer.request.url.raw_path.decode().partition("?")[0]
    found = (
        responses
        for method, address, responses in _operations()
        if method == answer.request.method and address.fullmatch(path)
    )
    responses = None if path == "/v1/stream" else next(found, None)
    if responses is None or answer.status_code == 304:
        return
    what = f"{answer.request.method} {path} {answer.status_code}"
    assert str(answer.status_code) in responses, f"{what} is not described"
    response = responses[str(answer.status_code)]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    assert kind in response["content"], f"{what} is not described as {kind}"
    if kind == "application/problem+json":
        code = orjson.loads(answer.read())["type"].rpartition("/")[2]
        assert code in response["x-problems"], f"{what}: the problem {code} is not described"
