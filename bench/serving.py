"""The HTTP door on the large ledger: the warm present board beside the same bytes from memory, and answers of 304."""

from __future__ import annotations

from api.app import create_app
from api.server import in_background
from bench.figures import Measure, measure
from bench.http import CLIENTS, add_memory_endpoint, fetch, load
from ledger.store import Ledger
from replay.engine import Engine
from replay.questions import Reader


def serving(
    ledger: Ledger, engine: Engine, cycle: str, reader: str, *, rounds: int, lasting: float
) -> list[Measure]:
    """Measure the board of a cycle over HTTP; `reader` is the identifier of a person who may read."""
    token = ledger.tokens.issue(f"person:{reader}", "measurement")
    path = f"/v1/cycles/{cycle}/board"
    app = create_app(ledger, Reader(ledger, engine), engine, ledger.settings)
    with in_background(app) as address:
        body, _ = fetch(address, path, token)
        add_memory_endpoint(app, body)
        rates = load(address, path, token, seconds=lasting, rounds=rounds)
    memory = sorted(rates["memory"])[rounds // 2]
    note = (
        f"{len(body):,} bytes, not compressed, {CLIENTS} connections kept open, one server process; "
        f"from memory {memory:,.0f} a second"
    )
    ratios = [mine / bare for mine, bare in zip(rates["board"], rates["memory"], strict=True)]
    return [
        measure("http", ratios, note),
        measure("http_rate", rates["board"]),
        measure("not_modified_rate", rates["not_modified"], "If-None-Match with the board's ETag"),
    ]
