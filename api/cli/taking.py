"""`import snapshots`: hands the series over to the import, which lives in `api.imports`."""

from __future__ import annotations

from pathlib import Path


def take_snapshots(
    folder: Path,
    *,
    people: Path | None,
    create_people: bool,
    cycles: tuple[str, ...],
    objective_owner: str | None,
    source: str | None,
    accept_faults: bool,
    token_file: Path | None,
    dry_run: bool,
    json: bool,
) -> None:
    """Import a series of dated snapshots, or show what would be recorded."""
    from api.cli.codes import Code
    from api.cli.faults import Fault
    from api.cli.page import show, write_json
    from api.cli.session import opened, progress, writer
    from api.imports.run import run

    with opened() as session:
        actor = writer(session, token_file)
        with progress("Importing", 0) as step:
            report = run(
                session.ledger,
                folder,
                by=actor,
                people=people,
                create_people=create_people,
                cycles=cycles,
                objective_owner=objective_owner,
                source=source,
                accept_faults=accept_faults,
                dry_run=dry_run,
                progress=step,
            )
        session.catch_up()
        if json:
            write_json(report.body())
        else:
            show(report.blocks())
        refused = sum(len(one.refused) for one in report.series)
        if refused:
            verb = "would be refused" if dry_run else "were refused"
            raise Fault(Code.REFUSED, f"{refused} rows {verb}; the report says each with its reason.")
