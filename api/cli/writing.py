"""The commands that record: each needs a token, also on the machine of the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import importing
from api.cli.faults import spoken
from api.cli.options import DryRun, Json, OnBehalfOf, TokenFile

import_app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Take over somebody else's record."
)


def register(app: typer.Typer) -> None:
    """Add the recording commands."""
    app.command("check-in")(spoken(check_in))
    app.command("record")(spoken(record))
    importing.register(import_app)
    import_app.command("snapshots")(spoken(import_snapshots))
    # A group of one command would lose its name without a callback.
    import_app.callback()(_import)
    app.add_typer(import_app, name="import")
    importing.register_beside(app)


def _import() -> None:
    """Take over somebody else's record."""


def check_in(
    key_result: Annotated[str, typer.Argument(metavar="KR", help="The key result, such as KR-311.")],
    value: Annotated[
        str | None,
        typer.Option(
            "--value", metavar="VALUE", help="Measured value; yes or no; names of stages with | between."
        ),
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="DAY", help="Day of the value; default today.")
    ] = None,
    confidence: Annotated[
        str | None,
        typer.Option("--confidence", metavar="0.0-1.0", help="Probability that the target is met."),
    ] = None,
    said: Annotated[
        str | None, typer.Option("--said", metavar="WORD", help="on_track, behind, off_track or achieved.")
    ] = None,
    what_changed: Annotated[
        str | None,
        typer.Option("--what-changed", metavar="TEXT", help="What changed since last week (kept sealed)."),
    ] = None,
    needs_decision: Annotated[
        str | None,
        typer.Option("--needs-decision", metavar="TEXT", help="What needs a decision (kept sealed)."),
    ] = None,
    token_file: TokenFile = None,
    on_behalf_of: OnBehalfOf = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Say where a key result stands.

    The three prompts: confidence, what changed since last week, what needs a decision. On a
    terminal, what is not given by an option is asked for.
    """
    from api.cli.recording import check_in as run

    run(
        key_result,
        answers={
            "value": value,
            "on": on,
            "confidence": confidence,
            "said": said,
            "what_changed": what_changed,
            "needs_decision": needs_decision,
        },
        token_file=token_file,
        on_behalf_of=on_behalf_of,
        dry_run=dry_run,
        json=json,
    )


def record(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE|-", help="Commands as JSON, one on each line; - reads standard input."),
    ],
    token_file: TokenFile = None,
    on_behalf_of: OnBehalfOf = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Record commands of any kind, one JSON object on each line.

    A line names its command and gives its fields, for example
    {"command": "change_target", "key_result": "KR-311", "target": {"kind": "point", "at": "40"},
    "reason": {"kind": "external", "text": "The launch moved."}}.
    People are named by handle, address or identifier; objectives and key results by reference; what is new gets its
    identifier and reference here. An "as" names what a line makes, so that later lines can say "$name".
    The first refusal ends the run; what came before it stays recorded. docs/http.md has every command with its fields.
    """
    from api.cli.recording import record as run

    run(file, token_file=token_file, on_behalf_of=on_behalf_of, dry_run=dry_run, json=json)


def import_snapshots(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Dated versions of a record, or a git repository.")
    ],
    people: Annotated[
        Path | None,
        typer.Option("--people", metavar="FILE", help="Which name of the source is which person."),
    ] = None,
    create_people: Annotated[
        bool, typer.Option("--create-people", help="Add the people of the source who are not known yet.")
    ] = False,
    create_teams: importing.CreateTeams = False,
    cycle: Annotated[
        list[str] | None,
        typer.Option(
            "--cycle",
            metavar="KEY=START..END[,COMMIT-BY]",
            help="Days of a cycle of the source; may be repeated.",
        ),
    ] = None,
    objective_owner: Annotated[
        str | None,
        typer.Option(
            "--objective-owner",
            metavar="PERSON",
            help="Who owns objectives for which the source names nobody.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="NAME", help="What the entries call the source; else the folder."),
    ] = None,
    accept_faults: Annotated[
        bool, typer.Option("--accept-faults", help="Take faulty measures over as they stand, and list them.")
    ] = False,
    profile: importing.ProfileName = None,
    days: Annotated[
        Path | None,
        typer.Option(
            "--days", metavar="FILE", help="CSV of file,day where the names of exports carry no day."
        ),
    ] = None,
    report: importing.ReportFile = None,
    replace: importing.ReplaceThese = False,
    token_file: TokenFile = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Turn a series of dated snapshots into history.

    A folder of tables (CSV, XLSX, JSON lines) with a day in each name is read with --profile; the
    versions of Markdown pages need none.
    """
    from api.cli.taking import take_snapshots

    take_snapshots(
        folder,
        people=people,
        create_people=create_people,
        create_teams=create_teams,
        cycles=tuple(cycle or ()),
        objective_owner=objective_owner,
        source=source,
        accept_faults=accept_faults,
        profile=profile,
        days=days,
        report_file=report,
        replace=replace,
        token_file=token_file,
        dry_run=dry_run,
        json=json,
    )
