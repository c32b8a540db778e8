"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli.place import PLACE

CycleKey = Annotated[str, typer.Argument(metavar="CYCLE", help="Key of a cycle, such as 2026-q3.")]
Item = Annotated[
    str, typer.Argument(metavar="ITEM", help="An objective or key result: OBJ-142, KR-311 or an identifier.")
]
CycleOrItem = Annotated[
    str, typer.Argument(metavar="CYCLE|ITEM", help="A cycle such as 2026-q3, or OBJ-142, KR-311.")
]
AnyScope = Annotated[
    str | None,
    typer.Argument(
        metavar="[CYCLE|ITEM]", help="Only this cycle, objective or key result; absent means all."
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="WHEN",
        help="Only what the ledger had been told by then: a position, an instant, a date (its end) "
        "or a mark such as 2026-q3:commit-by.",
    ),
]
EffectiveAt = Annotated[
    str | None,
    typer.Option(
        "--effective-at", metavar="DAY", help="What was true at the end of this day; default today."
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Write JSON, the same bytes as the HTTP answer, and nothing else.")
]
Form = Annotated[
    Literal["json", "csv", "xlsx", "ndjson"] | None,
    typer.Option(
        "--format", help="Write the answer as a flat table (docs/exports.md), or as JSON, and nothing else."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write to this file; its ending may name the form."),
]
Replace = Annotated[bool, typer.Option("--replace", help="Write over a file that is there.")]
Bom = Annotated[
    bool, typer.Option("--bom", help="Put a byte order mark before CSV, for spreadsheets that need one.")
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="File with the token; else STRATEGY_LEDGER_TOKEN.",
        callback=PLACE.ask_with,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be recorded, and record nothing.")]
OnBehalfOf = Annotated[
    str | None,
    typer.Option(
        "--on-behalf-of",
        metavar="PERSON",
        help="For whom this is done, by handle, address or identifier; needs a delegation.",
    ),
]
