"""Reads one version of a page of objectives kept as Markdown pipe tables.

The format: `## Objective: …`, then a table `Key Result | Assignee | Priority | Mid-Q Score | Projected Score |
Final Score` whose columns are found by their headers, in any order, only the first being required. Text between
heading and table, and after it, is kept as notes. Source of the format: the pages of ipld/roadmap; of the syntax:
GitHub Flavored Markdown. What a reader of the page does not see (code fences, comments) holds no key results.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from aggregates.snapshots.cells import is_rule, one_line, quote, split_row
from aggregates.snapshots.page import Fault, Snapshot, SnapshotKeyResult, SnapshotObjective, SourceVersion
from aggregates.snapshots.tables import Columns, read_header, read_row
from aggregates.values import LINE_LENGTH, TEXT_LENGTH, clean_text

LARGEST_PAGE = 1_000_000
LONGEST_LINE = 4_000
MOST_LINES = 20_000
MOST_OBJECTIVES = 200
MOST_KEY_RESULTS = 1_000
MOST_FAULTS = 200
_LOST_HEADING = "#"


@dataclass(slots=True)
class _Reader:
    """What has been read so far; `closing` is what ends the code fence or comment begun at line `open_at`."""

    faults: list[Fault] = field(default_factory=list)
    objectives: list[SnapshotObjective] = field(default_factory=list)
    page_notes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: list[SnapshotKeyResult] = field(default_factory=list)
    total: int = 0
    inside: bool = False
    level: int = 0
    columns: Columns | None = None
    closing: str = ""
    open_at: int = 0

    def list_faults(self, *faults: Fault) -> None:
        """Keep these faults; after 200 only that there are more."""
        for fault in faults:
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(fault)
            elif len(self.faults) == MOST_FAULTS:
                what, remedy = "There are more faults than are listed.", "Correct the ones above first."
                self.faults.append(Fault(fault.line, "", "", "too_many_faults", what, remedy, loses_row=True))

    def note(self, line: str) -> None:
        """Keep a line of text with the objective it stands under, or with the page."""
        (self.notes if self.inside else self.page_notes).append(line.rstrip())

    def close_objective(self) -> None:
        """End the objective that is being read, with its rows and notes."""
        self.columns = None
        if self.inside:
            current = self.objectives[-1]
            notes = "\n".join(self.notes).strip()
            self.objectives[-1] = replace(current, notes=notes, key_results=tuple(self.rows))
            if len(notes) > TEXT_LENGTH:
                what = f"These notes have {len(notes)} characters; at most {TEXT_LENGTH} can be recorded."
                remedy = "Shorten the notes in the source."
                self.list_faults(
                    Fault(current.line, "", quote(current.title), "notes_are_too_long", what, remedy)
                )
        self.rows, self.notes, self.inside = [], [], False


def parse_markdown(content: bytes, version: SourceVersion) -> Snapshot:
    """Return what this version of the page says; it never raises, whatever the bytes are.

    `content` is UTF-8. A page over one million bytes, 20,000 lines, 200 objectives or 1,000 key results is not read
    at all (`unread`, one fault): half a page would make the other half look dropped.
    """
    if len(content) > LARGEST_PAGE or content.count(b"\n") >= MOST_LINES:
        return _unread(version, f"The page has more than {LARGEST_PAGE:,} bytes or {MOST_LINES:,} lines.")
    reader = _Reader()
    lines = list(_lines(content, reader))
    for index, (number, line) in enumerate(lines):
        _read_line(reader, number, line, lines[index + 1][1] if index + 1 < len(lines) else "")
        if len(reader.objectives) > MOST_OBJECTIVES or reader.total > MOST_KEY_RESULTS:
            return _unread(
                version,
                f"The page has more than {MOST_OBJECTIVES} objectives or {MOST_KEY_RESULTS:,} key results.",
            )
    if reader.closing:
        what, remedy = f"Nothing ends this block with {reader.closing}.", "Close it in the source."
        reader.list_faults(Fault(reader.open_at, "", "", "block_is_not_closed", what, remedy, loses_row=True))
    reader.close_objective()
    _list_repeated_titles(reader)
    faults = tuple(sorted(reader.faults, key=lambda fault: fault.line))
    return Snapshot(version, tuple(reader.objectives), faults, "\n".join(reader.page_notes).strip())


def _unread(version: SourceVersion, what: str) -> Snapshot:
    fault = Fault(0, "", "", "page_is_too_large", what, "Split the page.", loses_row=True)
    return Snapshot(version, faults=(fault,), unread=True)


def _lines(content: bytes, reader: _Reader) -> Iterator[tuple[int, str]]:
    """Yield each line that can be read, numbered from 1; a line that cannot is a fault and left out.

    A lost heading leaves a bare one in its place, so that what follows is not taken for the objective before it.
    """
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        heading = raw.lstrip().startswith(b"#")
        try:
            line = raw.removesuffix(b"\r").decode().replace("\t", " ")
        except UnicodeDecodeError:
            line = raw[:LINE_LENGTH].decode(errors="backslashreplace")
            code, what, remedy = "line_is_not_utf8", "This line is not UTF-8.", "Save the page as UTF-8."
        else:
            control = next((sign for sign in line if ord(sign) < 32 or 127 <= ord(sign) < 160), None)
            if control is None and len(line) <= LONGEST_LINE:
                yield number, line
                continue
            code, what = "line_is_too_long", f"This line has more than {LONGEST_LINE:,} characters."
            if control is not None:
                code, what = (
                    "line_has_control_character",
                    f"This line holds the control character U+{ord(control):04X}.",
                )
            remedy = "Correct the line in the source, or leave this version out."
        reader.list_faults(
            Fault(number, "", quote(line), code, what, remedy, loses_row=heading or b"|" in raw)
        )
        if heading:
            yield number, _LOST_HEADING


def _read_line(reader: _Reader, number: int, line: str, following: str) -> None:
    text = line.strip()
    if reader.closing:
        reader.note(line)
        if text.startswith(reader.closing) or (reader.closing == "-->" and "-->" in text):
            reader.closing = ""
    elif text.startswith(("```", "~~~", "<!--")):
        reader.columns = None
        reader.note(line)
        if not (text.startswith("<!--") and "-->" in text):
            reader.closing, reader.open_at = ("-->" if text.startswith("<!--") else text[:3]), number
    elif (heading := _heading(line)) is not None:
        _read_heading(reader, number, *heading, line)
    elif _names_objective(text.lstrip("#*_ ")):
        reader.close_objective()
        what, remedy = "This names an objective and is not a heading.", "Write `## Objective: …` on its line."
        reader.list_faults(
            Fault(number, "", quote(text), "heading_is_malformed", what, remedy, loses_row=True)
        )
    elif reader.columns is not None and text:
        if not is_rule(split_row(text)):
            row, faults = read_row(reader.columns, number, text)
            reader.list_faults(*faults)
            if row is not None:
                reader.rows.append(row)
                reader.total += 1
    else:
        reader.columns = None
        if "|" in text:
            reader.columns, faults = read_header(number, text, following, inside=reader.inside)
            reader.list_faults(*faults)
        if reader.columns is None:
            reader.note(line)


def _heading(line: str) -> tuple[int, str] | None:
    """Return level and words of a heading (`## …`), or None."""
    marks = line.lstrip(" ")
    words = marks.lstrip("#")
    level = len(marks) - len(words)
    if len(line) - len(marks) > 3 or not 1 <= level <= 6 or words[:1] not in ("", " "):
        return None
    return level, one_line(words.strip().rstrip("#"))


def _names_objective(words: str) -> bool:
    label, colon, _ = words.partition(":")
    return bool(colon) and label.strip().casefold() == "objective"


def _read_heading(reader: _Reader, number: int, level: int, words: str, line: str) -> None:
    """Begin an objective, or end one: a heading of the same or a higher level that names none ends it."""
    if not _names_objective(words):
        if reader.inside and level > reader.level:
            reader.columns = None
        else:
            reader.close_objective()
        reader.note(line)
        return
    reader.close_objective()
    try:
        title = clean_text(one_line(words.partition(":")[2]), longest=LINE_LENGTH, newlines=False)
    except ValueError as error:
        remedy = "Give the objective one printable line as its title."
        reader.list_faults(
            Fault(number, "", quote(line), "objective_is_unreadable", str(error), remedy, loses_row=True)
        )
        return
    reader.inside, reader.level = True, level
    reader.objectives.append(SnapshotObjective(title, len(reader.objectives) + 1, number))


def _list_repeated_titles(reader: _Reader) -> None:
    """List titles that stand twice: which of the two another version means cannot be told."""
    groups = [[(objective.title, objective.line) for objective in reader.objectives]]
    groups += [[(row.title, row.line) for row in objective.key_results] for objective in reader.objectives]
    for group in groups:
        seen: set[str] = set()
        for title, line in group:
            if title in seen:
                what, remedy = "This title stands twice.", "Give each its own title."
                reader.list_faults(Fault(line, "", quote(title), "title_is_repeated", what, remedy))
            seen.add(title)
