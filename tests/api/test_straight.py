"""The table of addresses: it finds what the framework finds, or leaves the request to the framework."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import Match

from aggregates.refusals import CycleIsUnknown
from api.answers import answer_of, register_problems
from api.app import ROUTERS
from api.problems import BodyIsNotJson
from api.straight import Straight
from ledger.keys import MasterKeyError
from tests.api.conftest import House

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
ADDRESSES = sorted({route.path_format.replace("{", "").replace("}", "") for route in ROUTES})
NOTHING: dict[str, Any] = {"path_params": {}, "query_string": b"", "server": ("127.0.0.1", 80)}
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


def test_a_refusal_is_answered_on_the_straight_way_as_on_the_framework_s(house: House) -> None:
    # given what endpoints raise, when it is met on both ways, then the same function answers it
    app = FastAPI()
    register_problems(app)
    request = Request({**asked("GET", "/v1/cycles"), "state": {"request_id": "1"}, "headers": [], **NOTHING})
    for error in (CycleIsUnknown("None.", field="/path/cycle"), BodyIsNotJson(), MasterKeyError("Away.")):
        told = answer_of(request, error)
        by_the_framework: Any = next(
            app.exception_handlers[kind] for kind in type(error).__mro__ if kind in app.exception_handlers
        )
        expected = by_the_framework(request, error)
        assert told is not None
        assert (told.status_code, told.body) == (expected.status_code, expected.body)
    # and what none answers is an accident on both
    assert answer_of(request, RuntimeError("An accident.")) is None
    assert (
        house.get("/v1/cycles/none/board", by="rita", status=404)["type"] == "/v1/problems/cycle_is_unknown"
    )


def test_a_request_leaves_nothing_for_the_collector(house: House) -> None:
    # given circles, which only the collector can take away, while everybody waits for it
    objective, key_result = house.objective("now")
    paths = ("/v1/cycles/now/board", f"/v1/objectives/{objective}", "/v1/cycles/none/board")
    body = {"value": "80", "confidence": "0.5"}

    def some() -> None:
        for path in paths:
            house["rita"].get(path)
        house.post(f"/v1/key-results/{key_result}/check-ins", body, by="ines")

    some()
    gc.collect()
    gc.disable()
    try:
        # when requests of every sort were answered, then no request lies about
        gc.set_debug(gc.DEBUG_SAVEALL)
        for _ in range(3):
            some()
        gc.collect()
        left = [one["path"] for one in gc.garbage if isinstance(one, dict) and one.get("type") == "http"]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []
