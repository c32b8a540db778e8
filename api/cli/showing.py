"""`demo`: the history test of the last closed quarter and the board of the running one, on an invented company."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.answers import ask, footer, named, page_of
from api.cli.page import Block, show
from api.cli.place import PLACE
from api.cli.session import Session, opened

if TYPE_CHECKING:
    from ledger.settings import Settings


def show_demonstration(*, serve: bool, port: int) -> None:
    """Load the demonstration where it is missing or stale, print its answers, and leave a server running."""
    from api.cli.listening import listening
    from api.demonstration.loading import settings_of

    settings = settings_of(PLACE.settings())
    with listening("127.0.0.1", port) if serve else nullcontext() as bound:
        _show(settings, bound)


def _show(settings: Settings, bound: socket.socket | None) -> None:
    """Print the demonstration's answers, and serve them on a socket where there is one."""
    from api.demonstration.loading import load, token_file_of

    started = time.monotonic()
    _say("Preparing the demonstration (the first time takes some seconds) …")
    loaded = load(settings)
    PLACE.choose(settings.data_dir, settings.schema)
    with opened(settings) as session:
        session.catch_up()
        made = (
            f"{loaded.made} entries generated through the rules and restored"
            if loaded.made
            else "already there"
        )
        _say(
            f"{'Renewed: ' if loaded.renewed else ''}{made}; ready after {time.monotonic() - started:.1f} s."
        )
        show(history_test(session))
        if bound is not None:
            _serve(session, token_file_of(session.ledger, settings), bound)


def history_test(session: Session) -> list[Block]:
    """Return the demonstration's page: what was committed, how it changed, who decided, findings, the running board."""
    reader, zone = session.reader(), session.ledger.zone
    cycles = reader.ask(ask("cycles", None)).body["cycles"]
    closed = [cycle["key"] for cycle in cycles if cycle["standing"] == "closed"][-1]
    running = [cycle["key"] for cycle in cycles if cycle["standing"] == "open"][-1]
    blocks: list[Block] = [
        "",
        "An invented company with three quarters of strategy; every name and figure in it is made up.",
    ]
    titles = {
        "commitments": f"What was committed for {closed}?",
        "drift": "How did it change, and who decided?",
        "decisions": "Which decisions were taken?",
        "findings": "What would an auditor ask?",
    }
    for question, title in titles.items():
        body = reader.ask(ask(question, closed)).body
        blocks += [
            *_title(title),
            *page_of(question)(named(body, reader), zone),
            "",
            *footer(question, closed, body["basis"]),
        ]
    body = reader.ask(ask("board", running)).body
    blocks += [
        *_title(f"Where does {running} stand today?"),
        *page_of("board")(named(body, reader), zone, short=True),
    ]
    return [*blocks, "", *footer("board", running, body["basis"]), "", *_try(reader, closed, running)]


def _try(reader: Any, closed: str, running: str) -> list[Block]:
    """Return command lines that go on from here, on the same ledger."""
    drift: Mapping[str, Any] = reader.ask(ask("drift", closed)).body
    changed = [row["reference"] for row in drift["objectives"] if not row["kept"]]
    ratified = [row["reference"] for row in drift["objectives"] if _is_ratified(row)]
    lines: list[Block] = ["Go on with:"]
    lines.append(f"  {PLACE.command('board', closed, '--as-of', f'{closed}:commit-by')}")
    lines += [f"  {PLACE.command('history', reference)}" for reference in [*ratified, *changed][:1]]
    lines.append(f"  {PLACE.command('board', running)}")
    lines.append(f"  {PLACE.command('verify')}")
    return lines


def _is_ratified(row: Mapping[str, Any]) -> bool:
    """Return whether a change of this objective was ratified later: the best story to read first."""
    facets = [facet for item in (row, *row["key_results"]) for facet in item["facets"]]
    return any(change["decided"]["how"] == "ratified" for facet in facets for change in facet["changes"])


def _serve(session: Session, token_file: Path, bound: socket.socket) -> None:
    from api.cli.serving import run_server

    def announce(address: str) -> None:
        show(
            [
                "",
                f"Answering at {address} (interrupt to end). With the steward's token of this demonstration:",
                f'  curl -H "Authorization: Bearer $(cat {token_file})" {address}/v1/cycles',
            ]
        )
        sys.stdout.flush()

    run_server(session, bound, announce=announce)


def _title(text: str) -> list[Block]:
    return ["", text, "─" * len(text)]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
