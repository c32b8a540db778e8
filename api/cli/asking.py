"""The commands that ask: each hands one question to the reader and shows its answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from api.cli import triaging
from api.cli.faults import spoken
from api.cli.options import (
    AsOf,
    Bom,
    CycleKey,
    CycleOrItem,
    EffectiveAt,
    Form,
    Item,
    Json,
    Out,
    Replace,
    TokenFile,
)


def register(app: typer.Typer) -> None:
    """Add the asking commands."""
    for name, function in COMMANDS.items():
        app.command(name)(spoken(function))
    triaging.register(app)


def cycles(
    as_of: AsOf = None, effective_at: EffectiveAt = None, _token_file: TokenFile = None, json: Json = False
) -> None:
    """Show me every cycle: its key, its days, where it stands."""
    _ask("cycles", None, as_of, effective_at, json)


def board(
    cycle: CycleKey,
    as_of: AsOf = None,
    effective_at: EffectiveAt = None,
    _token_file: TokenFile = None,
    json: Json = False,
    form: Form = None,
    out: Out = None,
    replace: Replace = False,
    bom: Bom = False,
) -> None:
    """Show me every objective of a cycle and its status."""
    _ask("board", cycle, as_of, effective_at, json, form, out, replace, bom)


def commitments(
    cycle: CycleKey,
    as_of: AsOf = None,
    effective_at: EffectiveAt = None,
    _token_file: TokenFile = None,
    json: Json = False,
    form: Form = None,
    out: Out = None,
    replace: Replace = False,
    bom: Bom = False,
) -> None:
    """Show me what was committed, each objective at its own line."""
    _ask("commitments", cycle, as_of, effective_at, json, form, out, replace, bom)


def drift(
    cycle_or_item: CycleOrItem,
    as_of: AsOf = None,
    effective_at: EffectiveAt = None,
    _token_file: TokenFile = None,
    json: Json = False,
    form: Form = None,
    out: Out = None,
    replace: Replace = False,
    bom: Bom = False,
) -> None:
    """Show me how the commitments changed, and who decided."""
    _ask("drift", cycle_or_item, as_of, effective_at, json, form, out, replace, bom)


def history(
    item: Item,
    as_of: AsOf = None,
    effective_at: EffectiveAt = None,
    _token_file: TokenFile = None,
    json: Json = False,
    form: Form = None,
    out: Out = None,
    replace: Replace = False,
    bom: Bom = False,
) -> None:
    """Show me what happened to an objective or a key result."""
    _ask("history", item, as_of, effective_at, json, form, out, replace, bom)


def people(
    as_of: AsOf = None, effective_at: EffectiveAt = None, _token_file: TokenFile = None, json: Json = False
) -> None:
    """Show me the people: who is here, who left, who is on leave."""
    _ask("people", None, as_of, effective_at, json)


def teams(
    as_of: AsOf = None, effective_at: EffectiveAt = None, _token_file: TokenFile = None, json: Json = False
) -> None:
    """Show me the teams."""
    _ask("teams", None, as_of, effective_at, json)


def policy(
    as_of: AsOf = None, effective_at: EffectiveAt = None, _token_file: TokenFile = None, json: Json = False
) -> None:
    """Show me the policy that turns facts into figures."""
    _ask("policy", None, as_of, effective_at, json)


def _ask(
    question: str,
    subject: str | None,
    as_of: str | None,
    effective_at: str | None,
    json: bool,
    form: str | None = None,
    out: Path | None = None,
    replace: bool = False,
    bom: bool = False,
) -> None:
    from api.cli.answers import answer

    answer(
        question,
        subject,
        as_of=as_of,
        effective_at=effective_at,
        json=json,
        form=form,
        out=out,
        replace=replace,
        bom=bom,
    )


COMMANDS: dict[str, Callable[..., None]] = {
    "cycles": cycles,
    "board": board,
    "commitments": commitments,
    "drift": drift,
    "history": history,
    "people": people,
    "teams": teams,
    "policy": policy,
}
