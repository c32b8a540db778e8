"""The imports of the command line: options become what is asked of `api.imports`, and its report is shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

if TYPE_CHECKING:
    from aggregates.entry import Reason
    from api.cli.faults import Fault
    from api.cli.session import Session
    from api.imports.asked import Ask
    from api.imports.tables.reading import TableFile
    from ledger.tokens import Caller


def take_snapshots(
    folder: Path,
    *,
    people: Path | None,
    create_people: bool,
    create_teams: bool,
    cycles: tuple[str, ...],
    objective_owner: str | None,
    source: str | None,
    accept_faults: bool,
    profile: str | None,
    days: Path | None,
    report_file: Path | None,
    replace: bool,
    token_file: Path | None,
    dry_run: bool,
    json: bool,
) -> None:
    """Import a series of dated snapshots, or show what would be recorded."""
    from api.imports.table_series import is_dated_tables

    if days is not None or is_dated_tables(folder):
        told = {
            "people": people, "create_people": create_people, "create_teams": create_teams,
            "cycle": cycles[0] if len(cycles) == 1 else "",
            "objective_owner": objective_owner, "source": source, "accept_faults": accept_faults, "profile": profile,
            "dry_run": dry_run, "json": json, "token_file": token_file, "report": report_file,
            "replace": replace,
        }  # fmt: skip
        take_series(folder, days, told)
        return
    from api.cli.page import show, write_json
    from api.cli.session import opened, progress
    from api.imports.run import run

    with opened() as session:
        actor = importer(session, token_file)
        with progress("Importing", None) as step:  # how much it is shows only while it is read
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
            raise rows_refused(refused, only_tried=dry_run)


def rows_refused(count: int, *, only_tried: bool) -> Fault:
    """Return the fault that ends an import of which rows were refused; each was listed with its reason before."""
    from api.cli.codes import Code
    from api.cli.faults import Fault

    rows = "1 row" if count == 1 else f"{count} rows"
    verb = "would be" if only_tried else "was" if count == 1 else "were"
    return Fault(Code.REFUSED, f"{rows} {verb} refused, listed with the reason.", reported=True)


def take_table(form: Literal["csv", "xlsx", "jsonl"], file: Path, told: Mapping[str, Any]) -> None:
    """Import one table, or show what would be recorded; `told` are the options as they were given."""
    from api.cli.files import write_anew
    from api.cli.page import show, write_json
    from api.cli.session import opened, progress
    from api.imports.check_ins import beside
    from api.imports.profile_files import profile_as_json
    from api.imports.table_import import import_table
    from api.imports.tables.reading import count_rows

    table = table_of(form, file, told)
    ask = ask_of(told)
    refuse_results(told, file)
    if (kept := told.get("save_profile")) is not None:
        write_anew(kept, profile_as_json(table.profile, kept), replace=told["replace"])
    with opened() as session:
        actor = importer(session, told["token_file"])
        with progress("Importing", count_rows(table)) as step:
            report = import_table(
                session.ledger,
                table,
                ask,
                by=actor,
                check_ins=beside(table, told.get("check_ins")),
                progress=step,
            )
        session.catch_up()
    if told["json"]:
        write_json(report.body())
    else:
        show(report.blocks())
    if report.refused:
        raise rows_refused(report.refused, only_tried=ask.dry_run or ask.strict)


def take_series(folder: Path, days: Path | None, told: Mapping[str, Any]) -> None:
    """Import dated exports of one tool as history, or show what would be recorded."""
    from api.cli.codes import Code
    from api.cli.faults import Fault
    from api.cli.page import show, write_json
    from api.cli.session import opened, progress
    from api.imports.table_series import dated_files, import_series, report_of
    from api.imports.tables.reading import format_of

    if not told["cycle"]:
        raise Fault(
            Code.USAGE, "Name the one cycle of these exports with --cycle KEY=START..END[,COMMIT-BY]."
        )
    files = dated_files(folder, days)
    for one in files:
        refuse_results({**told, "days": days, "report": report_of(told["report"], one.day)}, one.path)
    ask = ask_of({**told, "source": told["source"] or folder.resolve().name})
    with opened() as session:
        actor = importer(session, told["token_file"])
        with progress("Importing", len(files)) as step:
            reports = import_series(
                session.ledger,
                files,
                lambda path: table_of(format_of(path), path, told),
                ask,
                by=actor,
                progress=step,
            )
        session.catch_up()
    if told["json"]:
        write_json([one.body() for one in reports])
    else:
        show(line for one in reports for line in [*one.blocks(), ""])
    refused = sum(one.refused for one in reports)
    if refused:
        raise rows_refused(refused, only_tried=ask.dry_run)


def importer(session: Session, token_file: Path | None) -> Caller:
    """Return whom the token of this run names, who may import: a steward. Raises Fault, ActionIsNotAllowed.

    An import compares with everything that its source told before, so whoever imports sees the whole ledger.
    """
    from api.cli.session import writer
    from replay.sight import Sights

    caller = writer(session, token_file)
    sight = Sights(session.ledger).of(str(caller), session.ledger.head().position, caller.scopes)
    if not sight.may("note_source"):
        session.note("refused", "note_source", caller)
    sight.check("note_source")
    return caller


def table_of(form: Literal["csv", "xlsx", "jsonl"], file: Path, told: Mapping[str, Any]) -> TableFile:
    """Return the table that the options speak of: its profile with what this run says otherwise."""
    from api.imports.profile_files import load_profile, with_options
    from api.imports.tables.reading import TableFile

    delimiter = told.get("delimiter")
    options: dict[str, Any] = {
        name: told.get(name)
        for name in ("encoding", "decimal", "thousands", "dates", "percent", "digits", "tab")
    }
    options |= {
        "delimiter": "\t" if delimiter == "tab" else delimiter,
        "header": told.get("header_row"),
        "keep": tuple(told.get("keep") or ()),
        "columns": _pairs("--column", told.get("column")),
        "only": _pairs("--only", told.get("only")),
        "said": _pairs("--said", told.get("said")),
        "confidence": _pairs("--confidence", told.get("confidence")),
        "fill_down": told.get("fill_down") or None,
        "cut_titles": told.get("cut_titles") or None,
    }
    return TableFile(file, form, with_options(load_profile(told.get("profile")), options))


def ask_of(told: Mapping[str, Any]) -> Ask:
    """Return what the options ask of an import."""
    from api.imports.asked import Ask

    return Ask(
        cycle=told["cycle"],
        source=told.get("source"),
        on=day_of_option("--on", told.get("on")),
        version=told.get("version"),
        people=told.get("people"),
        create_people=told.get("create_people", False),
        create_teams=told.get("create_teams", False),
        objective_owner=told.get("objective_owner"),
        accept_faults=told.get("accept_faults", False),
        strict=told.get("strict", False),
        as_drafts=told.get("as_drafts", False),
        dry_run=told.get("dry_run", False),
        report=told.get("report"),
    )


def refuse_results(told: Mapping[str, Any], source: Path | None) -> None:
    """Refuse files to write that are there already, unless --replace gives them up, and what is read itself.

    The report of an earlier run gives way to that of this one, and so does a profile to the same one. Raises Fault.
    """
    from api.cli.codes import Code
    from api.cli.faults import Fault
    from api.cli.files import refuse_taken
    from api.imports.table_report import is_report

    report, propose, kept = told.get("report"), told.get("propose"), told.get("save_profile")
    named = (source, *(told.get(name) for name in ("check_ins", "people", "days")))
    read = [path for path in named if path is not None]
    used = (
        [Path(told["profile"])] if told.get("profile") else []
    )  # its own place is where a profile may be kept
    for path, others in ((report, [*read, *used]), (propose, [*read, *used]), (kept, read)):
        if path is not None and any(_is_same(path, other) for other in others):
            raise Fault(Code.USAGE, f"{path} is read by this command; give what it writes another name.")
    refuse_taken(report, propose, kept, replace=True)
    taken = [propose, None if report is not None and is_report(report) else report]
    refuse_taken(*taken, replace=told.get("replace", False))


def _is_same(one: Path, other: Path) -> bool:
    """Return whether two names are of one file, by whatever way, as by a link."""
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return one.absolute() == other.absolute()


def day_of_option(name: str, text: str | None) -> date | None:
    """Return the day of an option."""
    from api.cli.codes import Code
    from api.cli.faults import Fault

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise Fault(Code.USAGE, f"{name} {text!r} is not a day such as 2026-07-01.") from None


def _pairs(name: str, given: list[str] | None) -> dict[str, str]:
    """Return what a repeated option says: left of the equals sign, and right of it."""
    from api.cli.codes import Code
    from api.cli.faults import Fault

    pairs: dict[str, str] = {}
    for one in given or ():
        left, sign, right = one.partition("=")
        if not (sign and left.strip() and right.strip()):
            raise Fault(
                Code.USAGE, f"{name} {one!r} cannot be read; write it with an equals sign between two words."
            )
        pairs[left.strip()] = right.strip()
    return pairs


def write_sheet(cycle: str, out: Path, as_of: str | None, *, replace: bool) -> None:
    """Write the sheet of a cycle, as far as whoever asks sees it; one that is there may have been edited."""
    import sys

    from api.cli.files import refuse_taken, write_whole
    from api.cli.session import opened
    from api.imports.sheet import Sheet, check_format

    check_format(out, written=True)
    refuse_taken(out, replace=replace)
    with opened() as session:
        reader = session.noted(session.reader(), "sheet", cycle)
        content, position = Sheet(session.ledger, reader).write(cycle, out, as_of=as_of)
        write_whole(out, [content], replace=replace)
    sys.stderr.write(f"Sheet of {cycle} at position {position}, to {out}.\n")


def take_sheet(file: Path, told: Mapping[str, Any]) -> None:
    """Compare an edited sheet with the ledger; record or propose the difference where that was asked for."""
    from api.cli.codes import Code
    from api.cli.faults import Fault
    from api.cli.files import write_whole
    from api.cli.page import show, write_json
    from api.cli.session import opened, writer
    from api.imports.sheet import Sheet, check_format

    if not told["record_proposal"]:
        check_format(file)
    if told["propose"] is not None and (told["record"] or told["record_proposal"]):
        raise Fault(Code.USAGE, "--propose records nothing; give it without --record.")
    refuse_results(told, file)
    with opened() as session:
        actor = writer(session, told["token_file"])
        sheet = Sheet(session.ledger, session.noted(session.reader(), "import sheet", None))
        if told["record_proposal"]:
            report, asked = sheet.proposed(file)
        else:
            profile = table_of("csv", file, told).profile
            report, asked = sheet.compare(
                file, profile, reason=_reason(told), decision=_identifier(told["decision"])
            )
        recorded = told["record"] or told["record_proposal"]
        if told["propose"] is not None:
            write_whole(told["propose"], sheet.propose(report, asked, by=actor), replace=told["replace"])
        sheet.record(report, asked, by=actor, dry_run=not recorded)
        session.catch_up()
    if told["json"]:
        write_json(report.body())
    else:
        show(report.blocks())
    if report.refused:
        raise rows_refused(report.refused, only_tried=not recorded)


def reconcile_table(file: Path, told: Mapping[str, Any]) -> None:
    """List where the ledger and a table disagree, as far as whoever asks sees the ledger."""
    from api.cli.codes import Code
    from api.cli.faults import Fault
    from api.cli.page import show, write_json
    from api.cli.session import opened
    from api.imports.people import PeopleMap, read_people
    from api.imports.reconcile import reconcile
    from api.imports.tables.reading import format_of

    table = table_of(format_of(file), file, told)
    people = read_people(told["people"]) if told["people"] is not None else PeopleMap()
    with opened() as session:
        when = {"as_of": told["as_of"], "effective_at": told["effective_at"]}
        reader = session.noted(session.reader(), "reconcile", told["cycle"])
        found = reconcile(session.ledger, reader, table, told["cycle"], people, source=told["source"], **when)
    if told["json"]:
        write_json(found.body())
    else:
        show(found.blocks())
    if found.found:
        raise Fault(Code.REFUSED, f"The two disagree in {len(found.found)} places.", reported=True)


def _reason(told: Mapping[str, Any]) -> Reason | None:
    from aggregates.entry import Reason

    return None if told["reason"] is None else Reason(kind=told["reason_class"], text=told["reason"])


def _identifier(text: str | None) -> UUID | None:
    from api.cli.codes import Code
    from api.cli.faults import Fault

    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise Fault(Code.USAGE, f"--decision {text!r} is not an identifier.") from None
