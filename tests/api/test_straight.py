"""The table of addresses: it finds what the framework finds, or leaves the request to the framework."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match

from api.app import ROUTERS
from api.straight import Straight
from tests.api.conftest import House

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
ADDRESSES = sorted({route.path_format.replace("{", "").replace("}", "") for route in ROUTES})
METHODS = ("GET", "POST", "PUT", "DELETE", "PROPFIND")


def asked(method: str, path: str, **more: Any) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "root_path": "", **more}


def by_the_framework(scope: dict[str, Any]) -> tuple[APIRoute, dict[str, Any]] | None:
    """Return the first of the routes that takes this request, one after another."""
    for route in ROUTES:
        match, child = route.matches(dict(scope))
        if match is Match.FULL:
            return route, child["path_params"]
    return None


@pytest.mark.parametrize("method", METHODS)
def test_each_address_leads_where_the_framework_would_lead(method: str) -> None:
    table = Straight(ROUTES)
    strange = [
        "",
        "/",
        "/v1",
        "/v1/",
        "//v1/cycles",
        "/v1/cycles/",
        "/v1//board",
        "/v2/cycles",
        "/v1/cycles/a/b/c",
    ]
    for path in [
        *ADDRESSES,
        *(f"{one}/x" for one in ADDRESSES),
        *(f"{one}\n" for one in ADDRESSES),
        *strange,
    ]:
        expected = by_the_framework(asked(method, path))
        match, child = table.matches(asked(method, path))
        if expected is None:
            assert match is Match.NONE, path
        elif match is Match.NONE:
            assert path.endswith("\n"), f"{path} takes the long way"
        else:
            assert (child["route"], child["path_params"]) == expected, path


def test_a_request_that_is_traced_goes_the_way_of_the_framework() -> None:
    match, _ = Straight(ROUTES).matches(asked("GET", "/v1/cycles", **{"fastapi.telemetry": object()}))
    assert match is Match.NONE


def test_every_endpoint_takes_the_request_and_nothing_else() -> None:
    # what the framework would prepare for an endpoint is not there on the straight way
    assert not [
        route.path for route in ROUTES if route.dependant.dependencies or route.body_field is not None
    ]
    assert {route.dependant.request_param_name for route in ROUTES} == {"request"}


def test_what_can_be_read_can_be_asked_for_its_head_alone(house: House) -> None:
    # given what a monitor or a cache asks, when the body is left out, then all else is as it would be with it
    house.objective("now")
    for path in (
        "/v1/health",
        "/v1/ready",
        "/v1/cycles/now/board",
        "/v1/cycles/now/board?format=csv",
        "/v1/objectives",
    ):
        whole, head = house["rita"].get(path), house["rita"].head(path)
        assert head.status_code == whole.status_code
        assert head.content == b""
        for name in ("content-length", "content-type", "etag", "ledger-position"):
            assert head.headers.get(name) == whole.headers.get(name), (path, name)


def test_the_stream_has_no_head_and_commands_have_none(house: House) -> None:
    assert house["rita"].head("/v1/stream").status_code == 405
    refused = house["rita"].head("/v1/cycles/now/openings")
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "POST"
    assert house["rita"].delete("/v1/cycles").headers["Allow"] == "GET, HEAD, POST"
