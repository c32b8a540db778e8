"""An answer as a file: CSV, XLSX or NDJSON, to a file or to standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.files import write_whole

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from replay.questions import Question, Reader

FormName = Literal["json", "csv", "xlsx", "ndjson"]
NAMES: tuple[str, ...] = ("json", "csv", "xlsx", "ndjson")


def chosen_form(form: str | None, out: Path | None, *, json: bool, bom: bool) -> str | None:
    """Return the form that the options name, else the one that the file's ending names; None for a page.

    Raises Fault where they contradict each other or name none.
    """
    if json and form not in (None, "json"):
        raise Fault(Code.USAGE, f"--json and --format {form} contradict each other; give one of them.")
    chosen = "json" if json else form
    if chosen is None and out is not None:
        chosen = out.suffix.removeprefix(".").lower()
        if chosen not in NAMES:
            raise Fault(
                Code.USAGE,
                f"The ending of {out.name} names no form; give --format {', '.join(NAMES)}.",
            )
    if bom and chosen != "csv":
        raise Fault(Code.USAGE, "A byte order mark stands before CSV only; give --format csv with --bom.")
    if chosen == "xlsx" and out is None and sys.stdout.isatty():
        raise Fault(
            Code.USAGE, "A workbook is not written to a terminal; give --out FILE, or send stdout to a file."
        )
    return chosen


def write_out(
    form: str,
    out: Path | None,
    question: Question,
    body: dict[str, Any],
    reader: Reader,
    zone: ZoneInfo,
    *,
    replace: bool,
    bom: bool,
    name: str,
) -> None:
    """Write the answer in a form, chunk by chunk, and say on standard error what was written to a file.

    `name` says who reads. Raises TooManyRows, Fault where the file is there and is not to be written over.
    """
    if form == "json":
        import orjson

        chunks = iter([orjson.dumps(body) + b"\n"])
    else:
        from api.exporting.forms import FORMS, Wish, with_teams, written

        chunks = written(Wish(FORMS[form], bom, name), question, with_teams(reader, body), zone)
    if out is None:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(chunks)
        sys.stdout.buffer.flush()
        return
    write_whole(out, chunks, replace=replace)
    basis = body["basis"]
    sys.stderr.write(
        f"{question.name} at position {basis['position']}, effective {basis['effective_at']}, to {out}.\n"
    )
