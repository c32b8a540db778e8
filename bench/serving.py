"""The HTTP door on the large ledger: the warm present board beside the same bytes from memory, and answers of 304."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aggregates.decide import decide
from aggregates.objective.commands import SetVisibility
from aggregates.person.commands import AddPerson, GrantRole
from api.app import create_app
from api.door import WIDE_OPEN
from api.server import in_background
from bench.figures import Measure, measure
from bench.http import CLIENTS, add_memory_endpoint, fetch, load
from ledger.store import Ledger
from replay.engine import Engine
from replay.questions import Reader

HIDDEN = 20
"""Every so many-th objective of the cycle is hidden."""


def hide(ledger: Ledger, board: Mapping[str, Any], steward: str, named: UUID) -> int:
    """Show every twentieth objective of a board to one person alone; return how many these are."""
    rows = board["objectives"][::HIDDEN]
    for row in rows:
        command = SetVisibility(objective=row["id"], visibility="people", people=(named,))
        ledger.execute(command, decide, by=f"person:{steward}")
    return len(rows)


def newcomer(ledger: Ledger, steward: str) -> UUID:
    """Return a new reader."""
    person = ledger.new_id()
    for command in (AddPerson(person=person), GrantRole(actor=f"person:{person}", role="reader")):
        ledger.execute(command, decide, by=f"person:{steward}")
    return person


def serving(
    ledger: Ledger, engine: Engine, cycle: str, reader: str, *, rounds: int, lasting: float
) -> list[Measure]:
    """Measure the board of a cycle over HTTP; `reader` is the identifier of a person who may read."""
    token = ledger.tokens.issue(f"person:{reader}", "measurement")
    path = f"/v1/cycles/{cycle}/board"
    app = create_app(ledger, Reader(ledger, engine, keeps=True), engine, ledger.settings, door=WIDE_OPEN)
    with in_background(app) as address:
        body, _ = fetch(address, path, token)
        add_memory_endpoint(app, body)
        rates = load(address, path, token, seconds=lasting, rounds=rounds)
        blind, named = newcomer(ledger, reader), newcomer(ledger, reader)
        hidden = hide(ledger, json.loads(body), reader, named)
        engine.catch_up()
        tokens = {
            who: ledger.tokens.issue(f"person:{one}", who)
            for who, one in (("blind", blind), ("named", named))
        }
        seen = load(address, path, token, seconds=lasting, rounds=rounds, others=tokens)
    memory = sorted(rates["memory"])[rounds // 2]
    note = (
        f"{len(body):,} bytes, not compressed, {CLIENTS} connections kept open, one server process; "
        f"from memory {memory:,.0f} a second"
    )
    ratios = [mine / bare for mine, bare in zip(rates["board"], rates["memory"], strict=True)]
    blinded = [mine / whole for mine, whole in zip(seen["blind"], seen["named"], strict=True)]
    by_office = [mine / whole for mine, whole in zip(seen["board"], seen["named"], strict=True)]
    return [
        measure(
            "rights",
            blinded,
            f"{hidden} objectives hidden; read by somebody who sees none and by one who sees all",
        ),
        measure("rights_office", by_office),
        measure("http", ratios, note),
        measure("http_rate", rates["board"]),
        measure("not_modified_rate", rates["not_modified"], "If-None-Match with the board's ETag"),
    ]
