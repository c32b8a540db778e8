"""The description of the API, OpenAPI 3.1, made from the tables; `python -m api.openapi` writes it into `docs/`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from aggregates.refusals import ActionIsNotAllowed, Refusal
from api import parts, schemas
from api.answers import PROBLEMS
from api.commands import DOORS, Door
from api.crowd import ALWAYS_ANSWERED
from api.problems import MEDIA_TYPE, code_of, status_of_refusal
from api.reachable import refusals_of
from api.release import RELEASE
from api.shapes import READINGS

READING_FAULTS = (
    "parameter_is_invalid", "parameter_is_repeated", "parameter_is_unknown", "basis_is_unknown",
    "ledger_is_busy", "projection_is_held", "projections_are_gone",
)  # fmt: skip
COMMAND_FAULTS = (
    "body_is_not_json", "body_is_invalid", "parameter_is_invalid", "parameter_is_repeated", "parameter_is_unknown",
    "body_is_too_large", "append_is_too_large", "media_type_is_not_taken", "too_much_contention", "command_in_flight",
    "idempotency_key_reused", "clock_is_behind", "append_is_uncertain", "ledger_is_busy", "master_key_is_away",
)  # fmt: skip
TOKEN_FAULTS = ("token_is_missing", "token_is_not_valid", "too_many_requests", "token_has_expired")
ALWAYS = (
    "internal_fault", "ledger_is_away", "request_is_malformed", "connections_are_taken", "ledger_is_full",
    "ledger_is_read_only", "ledger_is_gone", "head_went_back", "answers_are_being_made", "server_is_busy",
)  # fmt: skip
NAMED: Mapping[str, tuple[str, ...]] = {
    "cycle": ("cycle_is_unknown",),
    "objective": ("objective_is_unknown", "key_result_is_unknown"),
    "key_result": ("key_result_is_unknown", "objective_is_unknown"),
    "person": ("person_is_unknown", "owner_is_a_team"),
    "service": ("service_is_unknown",),
    "team": ("team_is_unknown",),
    "decision": ("decision_is_unknown",),
    "rule": ("finding_is_unknown",),
    "position": ("entry_is_unknown",),
}
"""What an address that names nothing answers with."""
OPEN = frozenset({"read_health", "read_readiness", "read_description", "list_problems", "read_problem"})


def description() -> dict[str, Any]:
    """Return the whole description."""
    from api.routes import (
        auditing,
        entries,
        readings,
        service,
        stream,
    )  # the service's routes answer with this description

    paths: dict[str, dict[str, Any]] = {}
    for module in (readings, entries, stream, auditing, service):
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                paths.setdefault(route.path, {})["get"] = reading_operation(route)
    for door in DOORS:
        paths.setdefault(door.path, {})["post"] = command_operation(door)
    models, definitions = models_json_schema(
        [(door.body, "validation") for door in DOORS], ref_template="#/components/schemas/{model}"
    )
    shapes = definitions.get("$defs", {})
    assert not shapes.keys() & schemas.SCHEMAS.keys()  # noqa: S101 (one name, one shape)
    for door in DOORS:
        content = paths[door.path]["post"]["requestBody"]["content"]["application/json"]
        content["schema"] = models[(door.body, "validation")]
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Strategy Ledger",
            "version": RELEASE,
            "summary": "What was committed, how it changed, who decided.",
            "description": schemas.INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": name, "description": text} for name, text in schemas.TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "strategy_ledger_…"}
            },
            "parameters": parts.PARAMETERS,
            "headers": parts.HEADERS,
            "schemas": {**schemas.SCHEMAS, **shapes},
            "examples": {kind.code: _problem_example(kind.code) for kind in PROBLEMS.values()},
        },
    }


@cache
def described() -> bytes:
    """Return the description as the file and the route hold it."""
    return orjson.dumps(description(), option=orjson.OPT_INDENT_2) + b"\n"


def reading_operation(route: APIRoute) -> dict[str, Any]:
    """Return the description of one answer."""
    identifier = str(route.operation_id)
    names = parts.names_in(route.path)
    parameters = [parts.path_parameter(name) for name in names]
    shape = READINGS[identifier]
    parameters += [{"$ref": f"#/components/parameters/{name}"} for name in shape.parameters]
    codes = [code for code in ALWAYS if code != "server_is_busy" or route.path not in ALWAYS_ANSWERED]
    if identifier not in OPEN:
        codes += [*TOKEN_FAULTS, code_of(ActionIsNotAllowed), *shape.problems]
    elif identifier == "read_readiness":
        codes += TOKEN_FAULTS
    codes += READING_FAULTS if "as_of" in shape.parameters else READING_FAULTS[:3]
    for name in names:
        codes += NAMED.get(name, ("address_is_unknown",))
    responses: dict[str, Any] = {"200": shape.response()}
    if "if_none_match" in shape.parameters:
        responses["304"] = {
            "description": "Nothing has changed since this ETag.",
            "headers": schemas.header_refs("ETag"),
        }
    operation: dict[str, Any] = {
        "operationId": identifier,
        "tags": list(route.tags),
        "summary": inspect.cleandoc(route.endpoint.__doc__ or "").splitlines()[0],
        "parameters": parameters,
        "responses": {**responses, **problem_responses(codes, named=bool(names))},
    }
    if identifier in OPEN:
        operation["security"] = [{}, {"token": []}] if identifier == "read_readiness" else []
        if identifier == "read_readiness":
            operation["responses"]["503"]["content"]["application/json"] = {
                "schema": {"$ref": "#/components/schemas/Readiness"}
            }
    return operation


def command_operation(door: Door) -> dict[str, Any]:
    """Return the description of one command; its body's schema is filled in with all the others."""
    refusals = refusals_of(door.command_type)
    codes = [*ALWAYS, *TOKEN_FAULTS, *COMMAND_FAULTS, *(refusal.code() for refusal in refusals)]
    parameters = [parts.path_parameter(name) for name in door.names]
    shared = ("dry_run", "idempotency_key", "on_behalf_of")
    parameters += [{"$ref": f"#/components/parameters/{name}"} for name in shared]
    for name in door.names:
        codes += NAMED[name]
    if door.stream:
        parameters.append({"$ref": "#/components/parameters/if_match"})
        codes.append("stale_version")
    if door.directory:
        codes += ["handle_is_taken", "handle_is_malformed"]
    codes += _named_in_body(door)
    if door.command == "answer_findings":
        codes += NAMED["cycle"] + NAMED["objective"] + NAMED["key_result"] + NAMED["person"] + NAMED["team"]
    return {
        "operationId": door.operation_id,
        "tags": [door.tag],
        "summary": inspect.cleandoc(door.command_type.__doc__ or "").splitlines()[0],
        "parameters": parameters,
        "requestBody": {
            "required": any(info.is_required() for info in door.body.model_fields.values()),
            "content": {
                "application/json": {"schema": {}, "examples": {"example": {"value": dict(door.example)}}}
            },
        },
        "responses": {
            "200": schemas.preview_response(),
            "201": schemas.receipt_response(),
            **problem_responses(codes, named=bool(door.names)),
        },
    }


def _named_in_body(door: Door) -> Iterable[str]:
    """Give the codes of names in the body that nobody here bears."""
    schema = orjson.dumps(door.body.model_json_schema())
    if b"handle or e-mail" in schema:
        yield from ("person_is_unknown", "owner_is_a_team")
    for sign, code in ((b"OBJ-142", "objective_is_unknown"), (b"KR-311", "key_result_is_unknown")):
        if sign in schema:
            yield code
    for name, code in (("team", "team_is_unknown"), ("decision", "decision_is_unknown")):
        if name in door.body.model_fields or (name == "team" and door.tag == "teams"):
            yield code


def problem_responses(codes: Iterable[str], *, named: bool) -> dict[str, Any]:
    """Return the problems of an operation by status; something unknown is 404 where the address names it, else 422."""
    by_status: dict[int, set[str]] = {}
    for code in codes:
        kind = PROBLEMS[code]
        by_status.setdefault(kind.status, set()).add(code)
        if named and issubclass(kind.exception, Refusal):
            by_status.setdefault(status_of_refusal(kind.exception, "/path/"), set()).add(code)
    return {str(status): _problem_response(sorted(by_status[status])) for status in sorted(by_status)}


def _problem_response(codes: list[str]) -> dict[str, Any]:
    return {
        "description": ", ".join(codes) + ".",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "x-problems": codes,
    }


def _problem_example(code: str) -> dict[str, Any]:
    kind = PROBLEMS[code]
    value = {
        "type": kind.address,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.title,
        "instance": "/v1/…",
        "request": "01990f5e-7c00-7000-8000-000000000001",
    }
    return {"summary": kind.title, "value": value}


def main() -> None:
    """Write the description and the reference that is made from it."""
    from api.reference import reference

    docs = Path(__file__).parent.parent / "docs"
    (docs / "openapi.json").write_bytes(described())
    (docs / "http.md").write_text(reference(description()), encoding="utf-8")


if __name__ == "__main__":
    main()
