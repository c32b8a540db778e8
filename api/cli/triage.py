"""`findings answer`, `findings ratify` and `decisions confirm`: what is meant is shown before it is recorded."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.answers import ask, refined
from api.cli.codes import Code
from api.cli.faults import Fault, said_by_options
from api.cli.page import show, write_json
from api.cli.recording import Desk, sentence
from api.cli.session import Session, opened, writer
from api.cli.show.findings import brief
from api.cli.show.words import count

if TYPE_CHECKING:
    from ledger.tokens import Caller
    from replay.questions import Reader

Rows = list[dict[str, Any]]
_ADDRESS = re.compile(r"([a-z_]{1,40}):([1-9][0-9]{0,17})")
_SAID_BY = {
    "/answer": "--answer",
    "/text": "--text",
    "/decided_by": "--decided-by",
    "/decided_at": "--decided-at",
}
_RATIFIED = {"rule": "change_without_decision", "standing": "open"}


def answer(
    scope: str | None,
    word: str,
    text: str,
    *,
    only_open: bool,
    finding: Sequence[str],
    said: Mapping[str, str],
    yes: bool,
    dry_run: bool,
    json: bool,
    token_file: Path | None,
    on_behalf_of: str | None,
) -> None:
    """Answer every finding that is meant, in one append."""
    from api.triage import distinct

    addresses = _addresses(finding)
    _demand(
        scope,
        said,
        addresses,
        "Say which findings: a cycle or an item, an option such as --rule, or --finding.",
    )
    with opened() as session:
        actor = writer(session, token_file)
        reader = session.reader_of(actor)
        rows = _meant(session, reader, actor, scope, said, addresses)
        if only_open:
            rows = [row for row in rows if row["standing"] == "open"]
        wanted = distinct(rows)
        told = {
            "command": "answer_findings",
            "findings": [{"rule": rule, "cause": cause} for rule, cause in wanted],
            "answer": word,
            "text": text,
        }
        question = f"Answer {count(len(wanted), 'finding')} as {word}?"
        desk = Desk(session, actor, on_behalf_of)
        _carry_out(desk, told, rows, question, yes=yes, dry_run=dry_run, json=json)


def ratify(
    scope: str | None,
    decided_by: str,
    text: str,
    *,
    decided_at: str | None,
    finding: Sequence[str],
    said: Mapping[str, str],
    yes: bool,
    dry_run: bool,
    json: bool,
    token_file: Path | None,
    on_behalf_of: str | None,
) -> None:
    """Write down one decision that ratifies every change that is meant."""
    addresses = _addresses(finding)
    _demand(
        scope,
        said,
        addresses,
        "Say which changes: a cycle or an item, an option such as --person, or --finding.",
    )
    with opened() as session:
        actor = writer(session, token_file)
        reader = session.reader_of(actor)
        wanted = dict(said) if addresses else {**said, **_RATIFIED}
        rows = _meant(session, reader, actor, scope, wanted, addresses)
        rows = [row for row in rows if not row["ratified_by"]]
        if not addresses:
            rows = [row for row in rows if row["superseded_at"] is None]
        told: dict[str, Any] = {
            "command": "record_decision",
            "text": text,
            "decided_by": actor.partition(":")[2] if decided_by == "me" else decided_by,
            "ratifies": sorted({row["cause"] for row in rows}),
        }
        if decided_at is not None:
            told["decided_at"] = decided_at
        from api.triage import bounded

        bounded(len(told["ratifies"]), "/ratifies")
        question = f"Write down one decision that ratifies {count(len(told['ratifies']), 'change')}?"
        desk = Desk(session, actor, on_behalf_of)
        _carry_out(desk, told, rows, question, yes=yes, dry_run=dry_run, json=json)


def confirm(decisions: Sequence[str], *, token_file: Path | None, dry_run: bool, json: bool) -> None:
    """Confirm decisions one after the other, until the first refusal."""
    with opened() as session:
        desk = Desk(session, writer(session, token_file), None)
        for decision in decisions:
            outcome = desk.carry_out({"command": "confirm_decision", "decision": decision}, dry_run=dry_run)
            if json:
                write_json(dict(outcome.body))
            else:
                show([sentence(outcome, dry_run=dry_run)])


def _demand(scope: str | None, said: Mapping[str, str], addresses: Collection[object], told: str) -> None:
    """Refuse a command that does not say what it means."""
    if scope is None and not said and not addresses:
        raise Fault(Code.USAGE, told)


def _carry_out(
    desk: Desk,
    told: dict[str, Any],
    rows: Rows,
    question: str,
    *,
    yes: bool,
    dry_run: bool,
    json: bool,
) -> None:
    """Show what is meant, ask, record."""
    if not rows:
        if json:
            write_json({"findings": [], "events": []})
        else:
            show(["No finding is meant; nothing to record."])
        return
    if not json:
        show(brief(rows))
    if not dry_run:
        _agreed(question, yes=yes)
    with said_by_options(_SAID_BY):
        outcome = desk.carry_out(told, dry_run=dry_run)
    if json:
        write_json(dict(outcome.body))
    else:
        show([sentence(outcome, dry_run=dry_run)])


def _agreed(question: str, *, yes: bool) -> None:
    """Ask on a terminal. Raises Fault without one, and where the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Fault(
            Code.USAGE,
            f"{question} Say --yes to record without being asked, or --dry-run to see what would be recorded.",
        )
    import typer

    if not typer.confirm(question, default=False, err=True):
        raise Fault(Code.REFUSED, "Nothing was recorded.")


def _meant(
    session: Session,
    reader: Reader,
    actor: Caller,
    scope: str | None,
    said: Mapping[str, str],
    addresses: Sequence[tuple[str, int]],
) -> Rows:
    """Return the findings that are meant.

    Raises Fault for one that is named and is not among them.
    """
    asked = refined(session, reader, ask("findings", scope), said, actor)
    rows: Rows = session.ask(reader, asked, scope).body["findings"]
    if not addresses:
        return rows
    found = {(row["rule"], row["cause"]) for row in rows}
    for rule, cause in addresses:
        if (rule, cause) not in found:
            raise Fault(Code.NOT_FOUND, f"There is no finding {rule}:{cause} here; nothing was recorded.")
    return [row for row in rows if (row["rule"], row["cause"]) in set(addresses)]


def _addresses(texts: Sequence[str]) -> list[tuple[str, int]]:
    """Return the addresses that the options name. Raises Fault."""
    found = []
    for text in texts:
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise Fault(
                Code.USAGE,
                f"{text!r} names no finding; write its rule and its cause: change_without_decision:311.",
            )
        found.append((match.group(1), int(match.group(2))))
    return found
