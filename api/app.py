"""The application: one ledger behind one FastAPI, wired and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from api.answers import PROBLEMS, accident_answer, answer_of, fault_answer, register_problems
from api.crowd import Crowd
from api.door import Door
from api.found import Found
from api.metrics import Figures
from api.middleware import Accidents, Bearer, BodyLimit
from api.readiness import Past
from api.reading import Desk
from api.release import RELEASE
from api.routes import auditing, commands, entries, readings, service, stream
from api.straight import Shortcut, Straight, methods_of
from api.stream import Tail
from api.warming import warm
from api.watching import Watch
from api.writing import Writer
from ledger.codec import RawEntry
from ledger.identifiers import new_id
from ledger.settings import Settings
from ledger.store import Ledger
from replay.engine import Engine
from replay.questions import Reader
from replay.renewal import PATIENCE

ROUTERS = (
    readings.router,
    entries.router,
    stream.router,
    auditing.router,
    commands.router,
    service.router,
)
TELEMETRY: TelemetryConfig = {"logs": False, "operation_spans": False}
"""One span for each request; no exceptions' texts and traces, which repeat what was sent."""


def create_app(
    ledger: Ledger,
    reader: Reader,
    engine: Engine,
    settings: Settings,
    *,
    door: Door | None = None,
    telemetry: TelemetryConfig | None = None,
    warming: float = 0,
) -> FastAPI:
    """Return the application of one ledger; whoever made the ledger closes it.

    Before it answers it may spend so many seconds on asking itself what leaders ask first.
    `telemetry` names providers of OpenTelemetry where the process's own are not meant.
    """
    door = door or Door()
    engine.renewal.patience = PATIENCE
    desk = Desk(ledger, reader, engine, Writer(ledger, Found(reader), engine))
    figures = Figures()
    figures.watch(ledger, engine)

    async def read(after: int, limit: int) -> list[RawEntry]:
        return await run_in_threadpool(ledger.read_page, after, limit)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if warming:
            await warm(app, warming)
        yield
        desk.close()

    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    straight = Straight(routes, stream.router.routes)
    app = FastAPI(
        title="Strategy Ledger",
        version=RELEASE,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={**TELEMETRY, **(telemetry or {})},
        middleware=[
            Middleware(Watch, new_id=new_id, figures=figures),
            Middleware(
                Crowd,
                answer=fault_answer,
                most=door.under_way,
                figures=figures,
                seconds=door.waiting_seconds,
            ),
            Middleware(Accidents, answer=accident_answer),
            Middleware(Bearer, answer=fault_answer, actor_of=desk.actor_of, door=door, figures=figures),
            Middleware(BodyLimit, answer=fault_answer),
            Middleware(Shortcut, table=straight, answer_of=answer_of),
        ],
    )
    app.router.routes.append(straight)
    for router in ROUTERS:
        app.include_router(router)
    register_problems(app)
    app.state.desk = desk
    app.state.tail = Tail(desk.probe.standing, read, door, figures)
    app.state.figures = figures
    app.state.past = Past()
    app.state.settings = settings
    app.state.problems = PROBLEMS
    app.state.addresses = [(route.path_regex, methods_of(route, stream.router.routes)) for route in routes]
    app.state.templates = [(route.path_regex, route.path_format) for route in routes]
    return app
