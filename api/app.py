"""The application: one ledger behind one FastAPI, wired and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware

from api.answers import PROBLEMS, accident_answer, fault_answer, register_problems
from api.found import Found
from api.middleware import Accidents, Bearer, BodyLimit, RequestIdentity
from api.reading import Desk
from api.release import RELEASE
from api.routes import commands, entries, readings, service
from api.writing import Writer
from ledger.identifiers import new_id
from ledger.settings import Settings
from ledger.store import Ledger
from replay.engine import Engine
from replay.questions import Reader

ROUTERS = (readings.router, entries.router, commands.router, service.router)


def create_app(ledger: Ledger, reader: Reader, engine: Engine, settings: Settings) -> FastAPI:
    """Return the application of one ledger; whoever made the ledger closes it."""
    desk = Desk(ledger, reader, engine, Writer(ledger, Found(reader), engine))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(
        title="Strategy Ledger",
        version=RELEASE,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[
            Middleware(RequestIdentity, new_id=new_id),
            Middleware(Accidents, answer=accident_answer),
            Middleware(Bearer, answer=fault_answer, actor_of=desk.actor_of),
            Middleware(BodyLimit, answer=fault_answer),
        ],
    )
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    for router in ROUTERS:
        app.include_router(router)
    register_problems(app)
    app.state.desk = desk
    app.state.settings = settings
    app.state.problems = PROBLEMS
    app.state.addresses = [(route.path_regex, route.methods or set()) for route in routes]
    return app
