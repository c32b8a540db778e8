"""`export`, `restore`, `version`: a ledger carried elsewhere, byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from itertools import chain
from pathlib import Path
from typing import IO

from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.files import refuse_taken, write_whole
from api.cli.page import show, write_json
from api.cli.place import PLACE
from api.cli.session import office, opened, progress

_LONGEST_DIRECTORY_LINE = 1 << 20


def export(
    *,
    out: Path | None,
    directory: Path | None,
    replace: bool,
    after: int,
    until: int | None,
    token_file: Path | None = None,
) -> None:
    """Write the entries to a file or to standard output, and the directory to its own file.

    They are whole, whomever an objective is shown to, so a steward's or an auditor's token is needed.
    """
    from ledger.last_line import last_line

    if out is None and sys.stdout.isatty():
        raise Fault(
            Code.USAGE, "Entries are not written to a terminal; give --out FILE, or send stdout to a file."
        )
    if until is not None and until <= after:
        raise Fault(
            Code.USAGE, f"--until {until} does not come after --after {after}; nothing would be written."
        )
    refuse_taken(out, directory, replace=replace)
    with opened() as session:
        caller = office(session, token_file, "export")
        head = session.ledger.head().position
        if after > head:
            raise Fault(
                Code.NOT_FOUND,
                f"--after {after} is beyond the end of the ledger, which stands at position {head}. Either this is the "
                "position of another ledger, or the ledger was restored from an older backup.",
            )
        session.note("exported", "export", caller, f"entries {after + 1} to {min(until or head, head)}")
        last = min(until or head, head)
        with progress("Exporting", last - after) as step:
            entries = _counted(session.ledger.export(after, last), step)
            lines = chain(entries, [last_line(session.ledger.keys.ledger, last)])
            if out is None:
                sys.stdout.buffer.writelines(lines)
                sys.stdout.buffer.flush()
            else:
                write_whole(out, lines, replace=replace)
        if directory is not None:
            write_whole(directory, session.ledger.directory.export(), replace=replace)
        told = f"{max(last - after, 0)} entries of ledger {session.ledger.identifier}"
        told += f", positions {after + 1} to {last}" if last > after else f", which ends at position {head}"
        sys.stderr.write(f"{told}{f', to {out}' if out else ''}.\n")
        if directory is not None:
            sys.stderr.write(
                f"Directory and wrapped keys, to {directory}; without the master key they open nothing.\n"
            )


def restore(file: Path, *, directory: Path | None, older_directory: bool, json: bool) -> None:
    """Put an export, or a backup that equals its manifest, into an empty ledger."""
    from ledger.backup import DIRECTORY, ENTRIES, check, later_beside, later_file_beside
    from ledger.lifecycle import restore as run
    from ledger.lines import read_lines

    until: int | None = None
    if file.is_dir():
        if directory is not None:
            raise Fault(
                Code.USAGE, "A backup's directory holds the names of people already; leave out --directory."
            )
        until = check(file).position
        later, holds = later_beside(file), "holds the same entries and"
        file, directory = file / ENTRIES, file / DIRECTORY
    else:
        later, holds = (
            None if directory is None else later_file_beside(directory),
            "stands at the same position and holds",
        )
    if later is not None and not older_directory:
        raise Fault(
            Code.REFUSED,
            f"{later} {holds} names, keys and tokens as they were later; restore that one, or give --older-directory. "
            "Nothing was restored.",
        )
    size = 0 if str(file) == "-" else file.stat().st_size
    source: IO[bytes] = sys.stdin.buffer if str(file) == "-" else file.open("rb")
    second = directory.open("rb") if directory is not None else nullcontext()
    with source, second as people, progress("Restoring (bytes)", size) as step:
        told = None if people is None else read_lines(people, _LONGEST_DIRECTORY_LINE)
        restored = run(
            PLACE.settings(), _measured(source, step), told, older_directory=older_directory, until=until
        )
    written = restored.written
    if json:
        write_json(
            {
                "ledger": str(restored.ledger),
                "entries": restored.entries,
                "directory": restored.directory,
                "directory_written": None
                if written is None
                else {"position": written.position, "at": written.at},
                "notes": list(restored.notes),
            }
        )
        return
    when = "" if written is None else f", written at {written.at} at position {written.position}"
    holds = f"{restored.entries} entries and {restored.directory} lines of the directory"
    show(
        [
            f"Ledger {restored.ledger}: {holds}{when}.",
            *restored.notes,
            f"Next: {PLACE.command('verify')}",
        ]
    )


def version(*, json: bool) -> None:
    """Say the release, and the ledger that these settings name, if there is one."""
    try:
        release = installed("strategy-ledger")
    except PackageNotFoundError:
        release = "from source"
    found: dict[str, object] = {"release": release, "ledger": None, "position": None}
    unusable: str | None = None
    try:
        with opened() as session:
            found |= {"ledger": str(session.ledger.identifier), "position": session.ledger.head().position}
            restored = session.ledger.restored()
            found["demonstration"] = bool(restored and restored.get("demonstration"))
    except Fault as fault:
        unusable = None if fault.sentence.startswith("There is no ledger ") else fault.sentence
    if json:
        write_json(found)
        return
    show([f"strategy-ledger {release}"])
    if unusable is not None:
        show([unusable])
        return
    if found["ledger"] is None:
        show([f"No ledger in {PLACE.settings().data_dir}."])
    else:
        demonstration = ", a demonstration" if found["demonstration"] else ""
        show([f"Ledger {found['ledger']}, position {found['position']}{demonstration}."])


def _counted(lines: Iterator[bytes], step: object) -> Iterator[bytes]:
    for number, line in enumerate(lines, 1):
        if number % 1_000 == 0:
            step(number)  # type: ignore[operator]
        yield line


def _measured(source: IO[bytes], step: object) -> Iterator[bytes]:
    """Give the lines of a file, also of one packed by gzip; the step is told how much of the file is read."""
    from ledger.lines import read_lines

    measures = source.seekable()
    for number, line in enumerate(read_lines(source, unpacking=True), 1):
        if measures and number % 1_000 == 0:
            step(source.tell())  # type: ignore[operator]
        yield line
