"""`import csv`, `xlsx`, `jsonl`, `sheet` and `reconcile`: their arguments; the work is in `api.cli.taking`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.faults import spoken
from api.cli.options import AsOf, CycleKey, DryRun, EffectiveAt, Json, TokenFile

File = Annotated[Path, typer.Argument(metavar="FILE", help="The table.")]
ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME|FILE",
        help="How the source writes: table, peoplebox, betterworks, culture-amp, sheet-tracker, agency-goals, "
        "or a JSON or TOML file. Default: table.",
    ),
]
SaveProfile = Annotated[
    Path | None,
    typer.Option(
        "--save-profile", metavar="FILE", help="Keep the profile with the options of this run as JSON."
    ),
]
ReplaceThese = Annotated[
    bool, typer.Option("--replace", help="Write over files that are there, edited or not.")
]
CycleDays = Annotated[
    str,
    typer.Option(
        "--cycle",
        metavar="KEY[=START..END[,COMMIT-BY]]",
        help="The cycle that the table speaks of; its days where this ledger does not know them.",
    ),
]
On = Annotated[str | None, typer.Option("--on", metavar="DAY", help="The day of the table; default today.")]
SourceName = Annotated[
    str | None,
    typer.Option(
        "--source", metavar="NAME", help="What entries call the source; keep it the same. Default: the file."
    ),
]
Version = Annotated[
    str | None,
    typer.Option(
        "--version",
        metavar="NAME",
        help="What entries call this version; default the day and the file's digest.",
    ),
]
People = Annotated[
    Path | None, typer.Option("--people", metavar="FILE", help="Which name of the source is which person.")
]
CreatePeople = Annotated[
    bool, typer.Option("--create-people", help="Add the people of the source who are not known yet.")
]
CreateTeams = Annotated[
    bool, typer.Option("--create-teams", help="Form the teams of the source that are not known yet.")
]
ObjectiveOwner = Annotated[
    str | None,
    typer.Option(
        "--objective-owner",
        metavar="PERSON|first",
        help="Who owns objectives for which the source names nobody; first: the owner of the first key result.",
    ),
]
AcceptFaults = Annotated[
    bool,
    typer.Option(
        "--accept-faults", help="Take over a baseline that equals its target; it counts 0 and is listed."
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Record nothing where one row would be refused.")]
AsDrafts = Annotated[bool, typer.Option("--as-drafts", help="Draw no lines: everything stays a draft.")]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="What became of each row, as .json or .csv."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="OURS=THEIRS",
        help="Which column holds what, such as target=Goal; may be repeated.",
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep", metavar="COLUMN", help="Keep the texts of this column beside the item; may be repeated."
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="COLUMN=WORD", help="Read only rows with this word in this column; may be repeated."
    ),
]
Words = Annotated[
    list[str] | None,
    typer.Option(
        "--said",
        metavar="THEIRS=OURS",
        help="on_track, behind, off_track, achieved or nothing; may be repeated.",
    ),
]
Confidences = Annotated[
    list[str] | None,
    typer.Option(
        "--confidence",
        metavar="THEIRS=0.0-1.0",
        help="What a word or number of theirs means; may be repeated.",
    ),
]
Decimal = Annotated[str | None, typer.Option("--decimal", metavar="SIGN", help="The decimal sign: . or ,")]
Thousands = Annotated[
    str | None,
    typer.Option("--thousands", metavar="SIGN", help="The sign between thousands: . or , or ' or a blank."),
]
Dates = Annotated[
    str | None,
    typer.Option(
        "--dates", metavar="ORDER", help="Order of a day's parts: dmy, mdy or ymd; 2026-07-01 is always read."
    ),
]
Percents = Annotated[
    str | None,
    typer.Option("--percent", metavar="RULE", help="What 45 % means: points (45) or fraction (0.45)."),
]
Digits = Annotated[
    int | None,
    typer.Option("--digits", metavar="N", help="Round numbers to N digits after the point, at most 6."),
]
Header = Annotated[
    int | None, typer.Option("--header-row", metavar="N", help="The row of the header; default 1.")
]
FillDown = Annotated[
    bool, typer.Option("--fill-down", help="A blank objective means the one above, as merged cells do.")
]
CutTitles = Annotated[
    bool,
    typer.Option(
        "--cut-titles", help="Cut titles over 200 characters; the whole text is kept beside the item."
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding", metavar="NAME", help="utf-8, cp1252, utf-16 …; default by its mark, else utf-8."
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        "--delimiter", metavar="SIGN", help="Between cells; default as the header tells. tab is a tab."
    ),
]
Tab = Annotated[
    str | None, typer.Option("--tab", metavar="NAME", help="The tab of the workbook; default the first.")
]
CheckInsFile = Annotated[
    Path | None,
    typer.Option(
        "--check-ins", metavar="FILE", help="The check-ins beside the table, where they are a file."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands below `import`."""
    app.command("csv")(spoken(import_csv))
    app.command("xlsx")(spoken(import_xlsx))
    app.command("jsonl")(spoken(import_jsonl))
    app.command("sheet")(spoken(import_sheet))


def register_beside(app: typer.Typer) -> None:
    """Add the commands that stand beside `import`."""
    app.command("sheet")(spoken(sheet))
    app.command("reconcile")(spoken(reconcile))


def import_csv(
    file: File,
    cycle: CycleDays,
    profile: ProfileName = None,
    on: On = None,
    source: SourceName = None,
    version: Version = None,
    people: People = None,
    create_people: CreatePeople = False,
    create_teams: CreateTeams = False,
    objective_owner: ObjectiveOwner = None,
    check_ins: CheckInsFile = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    dates: Dates = None,
    percent: Percents = None,
    digits: Digits = None,
    header_row: Header = None,
    column: Columns = None,
    keep: Keep = None,
    only: Only = None,
    said: Words = None,
    confidence: Confidences = None,
    fill_down: FillDown = False,
    cut_titles: CutTitles = False,
    accept_faults: AcceptFaults = False,
    strict: Strict = False,
    as_drafts: AsDrafts = False,
    report: ReportFile = None,
    save_profile: SaveProfile = None,
    replace: ReplaceThese = False,
    token_file: TokenFile = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Import a table of objectives and key results from CSV.

    Each row is recorded by the rules or refused with its line, its column and the reason. A second
    run of the same table records nothing; a later version records what differs.
    """
    from api.cli.taking import take_table

    take_table("csv", file, locals())


def import_xlsx(
    file: File,
    cycle: CycleDays,
    profile: ProfileName = None,
    tab: Tab = None,
    on: On = None,
    source: SourceName = None,
    version: Version = None,
    people: People = None,
    create_people: CreatePeople = False,
    create_teams: CreateTeams = False,
    objective_owner: ObjectiveOwner = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    dates: Dates = None,
    percent: Percents = None,
    digits: Digits = None,
    header_row: Header = None,
    column: Columns = None,
    keep: Keep = None,
    only: Only = None,
    said: Words = None,
    confidence: Confidences = None,
    fill_down: FillDown = False,
    cut_titles: CutTitles = False,
    accept_faults: AcceptFaults = False,
    strict: Strict = False,
    as_drafts: AsDrafts = False,
    report: ReportFile = None,
    save_profile: SaveProfile = None,
    replace: ReplaceThese = False,
    token_file: TokenFile = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Import a table of objectives and key results from a workbook.

    Typed cells keep their type; formulas count with the value that the spreadsheet program computed.
    """
    from api.cli.taking import take_table

    take_table("xlsx", file, locals())


def import_jsonl(
    file: File,
    cycle: CycleDays,
    profile: ProfileName = None,
    on: On = None,
    source: SourceName = None,
    version: Version = None,
    people: People = None,
    create_people: CreatePeople = False,
    create_teams: CreateTeams = False,
    objective_owner: ObjectiveOwner = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    dates: Dates = None,
    percent: Percents = None,
    digits: Digits = None,
    column: Columns = None,
    keep: Keep = None,
    only: Only = None,
    said: Words = None,
    confidence: Confidences = None,
    cut_titles: CutTitles = False,
    accept_faults: AcceptFaults = False,
    strict: Strict = False,
    as_drafts: AsDrafts = False,
    report: ReportFile = None,
    save_profile: SaveProfile = None,
    replace: ReplaceThese = False,
    token_file: TokenFile = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Import objectives and key results from JSON lines: one object on each line, its names are the columns."""
    from api.cli.taking import take_table

    take_table("jsonl", file, locals())


def sheet(
    cycle: CycleKey,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where the sheet is written: .xlsx or .csv.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over a sheet that is there, edited or not.")
    ] = False,
    as_of: AsOf = None,
    _token_file: TokenFile = None,
) -> None:
    """Write a cycle's objectives and key results as a sheet that can be edited and imported again.

    Its first row names the basis: leave it as it is. `import sheet` shows what an edited sheet would change.
    """
    from api.cli.taking import write_sheet

    write_sheet(cycle, out, as_of, replace=replace)


def import_sheet(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An edited sheet, or a proposal that was made of one.")
    ],
    record: Annotated[
        bool, typer.Option("--record", help="Record the difference, not only show it.")
    ] = False,
    propose: Annotated[
        Path | None,
        typer.Option("--propose", metavar="FILE", help="Write the difference for somebody else to record."),
    ] = None,
    replace: ReplaceThese = False,
    record_proposal: Annotated[
        bool, typer.Option("--record-proposal", help="FILE is a proposal: record what it asks for.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why what is committed changes.")
    ] = None,
    reason_class: Annotated[
        str,
        typer.Option(
            "--class", metavar="CLASS", help="recalibration, scope, measurement_fault, external or editorial."
        ),
    ] = "recalibration",
    decision: Annotated[
        str | None, typer.Option("--decision", metavar="ID", help="The decision behind the changes.")
    ] = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    dates: Dates = None,
    percent: Percents = None,
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Compare an edited sheet with the ledger: a dry run, unless --record.

    Unchanged cells ask for nothing. A row that somebody changed here meanwhile is named and left. A new row without
    an identifier is something new; to end an item, write withdraw or drop in the column Action.
    """
    from api.cli.taking import take_sheet

    take_sheet(file, locals())


def reconcile(
    file: File,
    cycle: Annotated[str, typer.Option("--cycle", metavar="KEY", help="The cycle that the table speaks of.")],
    profile: ProfileName = None,
    source: SourceName = None,
    people: People = None,
    tab: Tab = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    dates: Dates = None,
    percent: Percents = None,
    digits: Digits = None,
    header_row: Header = None,
    column: Columns = None,
    only: Only = None,
    said: Words = None,
    confidence: Confidences = None,
    fill_down: FillDown = False,
    cut_titles: CutTitles = False,
    as_of: AsOf = None,
    effective_at: EffectiveAt = None,
    _token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """List where the ledger and another tool's export disagree; exit code 1 where they do.

    Items are found by the identifiers that an import of the same --source gave them, else by their titles.
    """
    from api.cli.taking import reconcile_table

    reconcile_table(file, locals())
