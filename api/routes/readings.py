"""The answers: each address is one question, asked on the basis that the request names."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.parameters import printable
from api.reading import Desk
from replay.asked import (
    BoardOf,
    CommitmentsOf,
    CyclesList,
    DecisionsOf,
    DriftOf,
    FindingsOf,
    HistoryOf,
    PeopleList,
    PolicyOf,
    TeamsList,
)

router = APIRouter()


def desk(request: Request) -> Desk:
    """Return what answers."""
    found: Desk = request.app.state.desk
    return found


def named(request: Request, name: str) -> str:
    """Return a name in the address."""
    return printable(str(request.path_params[name]), f"/path/{name}")


@router.get("/v1/cycles", operation_id="list_cycles", tags=["cycles"])
async def cycles(request: Request) -> Response:
    """Every cycle: its key, its days, where it stands."""
    return await desk(request).answer(request, CyclesList())


@router.get("/v1/cycles/{cycle}/board", operation_id="read_board", tags=["cycles"])
async def board(request: Request) -> Response:
    """Every objective of the cycle and its key results: progress, pace, status said and computed, silence."""
    return await desk(request).answer(request, BoardOf(named(request, "cycle")))


@router.get("/v1/cycles/{cycle}/commitments", operation_id="read_commitments", tags=["cycles"])
async def commitments(request: Request) -> Response:
    """What was committed: each objective as it stood at its own line, on time or late, with the line's grade."""
    return await desk(request).answer(request, CommitmentsOf(named(request, "cycle")))


@router.get("/v1/cycles/{cycle}/drift", operation_id="read_drift", tags=["cycles"])
async def drift(request: Request) -> Response:
    """How the commitments changed: facet by facet, softer or harder, who, when, why and by which decision."""
    return await desk(request).answer(request, DriftOf(named(request, "cycle"), None))


@router.get("/v1/cycles/{cycle}/decisions", operation_id="list_decisions_of_cycle", tags=["cycles"])
async def decisions_of_cycle(request: Request) -> Response:
    """The decisions that touch the cycle's objectives."""
    return await desk(request).answer(request, DecisionsOf(named(request, "cycle"), None))


@router.get("/v1/cycles/{cycle}/findings", operation_id="list_findings_of_cycle", tags=["cycles"])
async def findings_of_cycle(request: Request) -> Response:
    """What an auditor would ask about in the cycle, with the answers that were given."""
    return await desk(request).answer(request, FindingsOf(named(request, "cycle"), None))


@router.get(
    "/v1/objectives/{objective}/history", operation_id="read_history_of_objective", tags=["objectives"]
)
async def history_of_objective(request: Request) -> Response:
    """Everything that happened to the objective: who changed what, before, after, why, and both times."""
    return await desk(request).answer(request, HistoryOf(named(request, "objective")))


@router.get("/v1/objectives/{objective}/drift", operation_id="read_drift_of_objective", tags=["objectives"])
async def drift_of_objective(request: Request) -> Response:
    """How the objective and its key results changed since their lines."""
    return await desk(request).answer(request, DriftOf(None, named(request, "objective")))


@router.get(
    "/v1/objectives/{objective}/decisions", operation_id="list_decisions_of_objective", tags=["objectives"]
)
async def decisions_of_objective(request: Request) -> Response:
    """The decisions that touch the objective."""
    return await desk(request).answer(request, DecisionsOf(None, named(request, "objective")))


@router.get(
    "/v1/objectives/{objective}/findings", operation_id="list_findings_of_objective", tags=["objectives"]
)
async def findings_of_objective(request: Request) -> Response:
    """What an auditor would ask about the objective."""
    return await desk(request).answer(request, FindingsOf(None, named(request, "objective")))


@router.get(
    "/v1/key-results/{key_result}/history", operation_id="read_history_of_key_result", tags=["key results"]
)
async def history_of_key_result(request: Request) -> Response:
    """Everything that happened to the key result."""
    return await desk(request).answer(request, HistoryOf(named(request, "key_result")))


@router.get(
    "/v1/key-results/{key_result}/drift", operation_id="read_drift_of_key_result", tags=["key results"]
)
async def drift_of_key_result(request: Request) -> Response:
    """How the key result changed since its line."""
    return await desk(request).answer(request, DriftOf(None, named(request, "key_result")))


@router.get("/v1/decisions", operation_id="list_decisions", tags=["decisions"])
async def decisions(request: Request) -> Response:
    """Every decision: what, by whom, who wrote it down, who confirmed it."""
    return await desk(request).answer(request, DecisionsOf(None, None))


@router.get("/v1/findings", operation_id="list_findings", tags=["findings"])
async def findings(request: Request) -> Response:
    """Everything that an auditor would ask about, with the answers that were given."""
    return await desk(request).answer(request, FindingsOf(None, None))


@router.get("/v1/people", operation_id="list_people", tags=["people"])
async def people(request: Request) -> Response:
    """The people: who is here, who left, who is on leave."""
    return await desk(request).answer(request, PeopleList())


@router.get("/v1/teams", operation_id="list_teams", tags=["teams"])
async def teams(request: Request) -> Response:
    """The teams and what they are part of."""
    return await desk(request).answer(request, TeamsList())


@router.get("/v1/policy", operation_id="read_policy", tags=["organisation"])
async def policy(request: Request) -> Response:
    """The policy that rules: every parameter that turns facts into figures."""
    return await desk(request).answer(request, PolicyOf())


@router.get("/v1/cycles/{cycle}", operation_id="read_cycle", tags=["cycles"])
async def cycle(request: Request) -> Response:
    """The bare cycle, without derived figures; its ETag is the stream version that If-Match takes."""
    return await desk(request).bare(request, "cycle", named(request, "cycle"))


@router.get("/v1/objectives/{objective}", operation_id="read_objective", tags=["objectives"])
async def objective(request: Request) -> Response:
    """The bare objective with its key results; its ETag is the stream version that If-Match takes."""
    return await desk(request).bare(request, "objective", named(request, "objective"))


@router.get("/v1/decisions/{decision}", operation_id="read_decision", tags=["decisions"])
async def decision(request: Request) -> Response:
    """The bare decision; its ETag is the stream version that If-Match takes."""
    return await desk(request).bare(request, "decision", named(request, "decision"))


@router.get("/v1/people/{person}", operation_id="read_person", tags=["people"])
async def person(request: Request) -> Response:
    """The bare person; the ETag is the stream version that If-Match takes."""
    return await desk(request).bare(request, "person", named(request, "person"))


@router.get("/v1/teams/{team}", operation_id="read_team", tags=["teams"])
async def team(request: Request) -> Response:
    """The bare team; its ETag is the stream version that If-Match takes."""
    return await desk(request).bare(request, "team", named(request, "team"))
