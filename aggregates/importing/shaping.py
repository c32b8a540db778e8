"""From rows under a header to objectives and key results: one key result in each row, or numbered columns of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from aggregates.importing.cells import is_blank, read_line, shown
from aggregates.importing.header import Header, plain
from aggregates.importing.profile import ColumnOf, Profile
from aggregates.importing.reader import RowReader
from aggregates.importing.rows import (
    KeyResultRow,
    LeftRow,
    Named,
    ObjectiveRow,
    RawRow,
    RefusedRow,
    Shaped,
    TableRow,
)
from aggregates.measures import Measure, PointTarget
from aggregates.objective.events import Said
from aggregates.snapshots.cells import one_line, quote
from aggregates.values import LINE_LENGTH, TEXT_LENGTH

_OF_AN_OBJECTIVE: tuple[ColumnOf, ...] = (
    "objective", "objective_key", "description", "objective_owner", "parent", "local", "team",
)  # fmt: skip
_OF_A_KEY_RESULT: tuple[ColumnOf, ...] = (
    "baseline", "target", "value", "low", "high", "key_result_key", "steps", "stages",
)  # fmt: skip


class Shaper:
    """Shapes the rows of one table; rows come in the order of the file."""

    def __init__(self, header: Header, profile: Profile, *, accept_faults: bool = False) -> None:
        self.header, self.profile, self.accept_faults = header, profile, accept_faults
        self.writing = profile.writing()
        self.above: tuple[str, str] | None = None
        """Key and title of the last objective, for tables whose cells are filled down."""
        self._told: tuple[object, ObjectiveRow | None, Named] | None = None
        self._objective_places = [self.header.columns.get(column) for column in _OF_AN_OBJECTIVE]

    def look(self, row: RawRow) -> None:
        """Take note of a row before any is shaped; for layouts whose rows name each other."""

    @property
    def looks_first(self) -> bool:
        """Return whether every row has to be looked at before the first is shaped."""
        return False

    def shape(self, row: RawRow) -> Iterator[Shaped]:
        """Give what a row says; nothing for an empty row or one that is not chosen."""
        if not self.counts(row):
            return
        reader = RowReader(row, self.header, self.profile, self.writing)
        extra = [shown(cell) for cell in row.cells[len(self.header.names) :] if not is_blank(cell)]
        if extra:
            reader.fault(
                "", extra[0], "row_has_too_many_cells",
                f"{len(row.cells)} cells stand under {len(self.header.names)} columns.",
                "Put a text that holds the delimiter in quotes.",
            )  # fmt: skip
            yield refused(reader)
            return
        yield from self.shape_row(reader)

    def finish(self) -> Iterator[Shaped]:
        """Give what is only known at the end of the table."""
        return iter(())

    def counts(self, row: RawRow) -> bool:
        """Return whether a row says anything, and is among those that the profile chooses."""
        if all(cell is None or cell == "" for cell in row.cells):
            return False
        for place, word in self.header.only:
            cell = row.cells[place] if place < len(row.cells) else None
            if plain(shown(cell)) != word:
                return False
        return any(not is_blank(cell) for cell in row.cells)

    def shape_row(self, reader: RowReader) -> Iterator[Shaped]:
        """Give an objective and its key result, both said by one row."""
        objective = self.objective(reader)
        key_result = None
        if not is_blank(reader.cell("key_result")):
            key_result = self.key_result(reader, objective, reader.line("key_result"))
        elif self._has_figures(reader):
            reader.missing("key_result", "This row has figures and no key result.", "Write one line.")
        if reader.faults or objective is None:
            yield refused(reader)
            return
        yield taken(reader, objective, (key_result,) if key_result is not None else ())

    def _has_figures(self, reader: RowReader) -> bool:
        """Return whether a row without a key result says what only a key result has."""
        told = any(not is_blank(reader.cell(column)) for column in _OF_A_KEY_RESULT)
        return told and "key_result" in self.header.columns

    def objective(self, reader: RowReader) -> ObjectiveRow | None:
        """Return the objective that a row names; None with the fault noted."""
        if is_blank(reader.cell("key_result")):
            return self._read_objective(reader)
        # The rows of one objective repeat its cells; they are read once.
        told = [None if place is None else reader.at(place) for place in self._objective_places]
        if self._told is not None and self._told[0] == told:
            reader.named += self._told[2]
            return self._told[1]
        faults = len(reader.faults)
        found = self._read_objective(reader)
        good = found is not None and len(reader.faults) == faults
        self._told = (told, found, tuple(reader.named)) if good else None
        return found

    def _read_objective(self, reader: RowReader) -> ObjectiveRow | None:
        title, key = reader.line("objective"), reader.key("objective_key")
        if title is None and is_blank(reader.cell("objective")):
            if self.profile.fill_down and self.above is not None and key is None:
                key, title = self.above[0] or None, self.above[1]
            else:
                reader.missing(
                    "objective", "This row names no objective.",
                    "Write its objective, or give --fill-down where a blank means the one above.",
                )  # fmt: skip
        if title is not None:
            self.above = (key or "", title)
        with_key_result = "key_result" in self.header.columns and not is_blank(reader.cell("key_result"))
        owners = reader.owners("objective_owner")
        if not owners and not with_key_result:
            owners = reader.owners("owner")
        parent, description = reader.key("parent"), reader.text("description")
        local, team = reader.text("local"), reader.line("team")
        kept = {} if with_key_result else with_whole_title(reader, "objective", reader.kept())
        if title is None:
            return None
        return ObjectiveRow(
            line=reader.row.line,
            key=key or plain(title),
            title=title,
            owners=owners,
            description=description,
            parents=(parent,) if parent else (),
            local=local,
            team=team,
            attributes=kept,
            doubts=(),
        )

    def key_result(
        self, reader: RowReader, objective: ObjectiveRow | None, title: str | None
    ) -> KeyResultRow | None:
        """Return the key result of a row; None with the faults noted: those of all its cells, also without a title."""
        owners = reader.owners("owner")
        if not owners and is_blank(reader.cell("owner")):
            reader.missing("owner", "Nobody owns this key result.", "Name one person; nobody is assumed.")
        measured = reader.measured(self.accept_faults)
        confidence, said = reader.confidence(), self.said(reader)
        weight, on, ends_on = reader.weight(), reader.day("on"), reader.day("ends_on")
        ambition = reader.word("ambition", self.profile.ambition)
        score, own_key = reader.share("score"), reader.key("key_result_key")
        kept = with_whole_title(reader, "key_result", reader.kept())
        if measured is None or reader.faults or objective is None or title is None:
            return None
        measure, baseline, target, value = measured
        return KeyResultRow(
            reader.row.line, own_key or f"{objective.key} › {plain(title)}", objective.key, title, owners, measure,
            baseline, target, value, on, confidence, said, score, weight, ambition, ends_on, kept, tuple(reader.doubts),
        )  # fmt: skip

    def said(self, reader: RowReader) -> Said | None:
        """Return what the owner said, in our words; the source's word is kept as a doubt of the entry."""
        found = reader.word("said", self.profile.said)
        if found is None or found == "nothing":
            return None
        word = shown(reader.cell("said")).strip()
        if plain(word).replace(" ", "_") != found:
            reader.doubts.append(f"{reader.header.name('said')} “{word}” read as {found.replace('_', ' ')}")
        return found


class WideShaper(Shaper):
    """An objective in each row, with its key results in numbered columns; completions are shares of 1.

    The status of the row is the objective's, so it is kept beside it and is nobody's word on a key result.
    """

    def shape_row(self, reader: RowReader) -> Iterator[Shaped]:
        """Give the objective of a row and each key result that it names."""
        objective = self.objective(reader)
        owners = objective.owners if objective is not None else ()
        if objective is not None and not owners and is_blank(reader.cell("owner")):
            reader.missing("owner", "Nobody owns this objective.", "Name one person; nobody is assumed.")
        key_results = []
        left: list[LeftRow] = []
        for number, (place, completion) in enumerate(self.header.pairs, 1):
            title = reader.read_at(place, lambda cell: read_line(cell, cut=self.profile.cut_titles))
            done = None if completion is None else reader.share_at(completion)
            if title is None:
                if done is not None:
                    text = shown(reader.at(completion or 0))
                    why = f"a completion of key result {number}, which has no title"
                    left.append(LeftRow(reader.row.line, text, why))
                continue
            if objective is None:
                continue
            key_results.append(
                KeyResultRow(
                    reader.row.line, f"{objective.key} › {plain(title)}", objective.key, title, owners,
                    Measure(kind="increase"), Decimal(self.profile.baseline or 0),
                    PointTarget(at=Decimal(self.profile.target or 1)), done, doubts=tuple(reader.doubts),
                )
            )  # fmt: skip
        if reader.faults or objective is None:
            yield refused(reader)
            return
        yield taken(reader, objective, tuple(key_results), left)

    def objective(self, reader: RowReader) -> ObjectiveRow | None:
        """Return the objective, named with its owner: two people may have the same one."""
        found = super().objective(reader)
        if found is None:
            return None
        key = f"{plain(shown(reader.cell('owner')))} › {plain(found.title)}"
        return ObjectiveRow(
            found.line, key, found.title, found.owners, found.description, attributes=found.attributes
        )


def refused(reader: RowReader) -> RefusedRow:
    """Return the row as refused, with its faults."""
    places = {quote(name): place for place, name in reversed(list(enumerate(reader.header.names)))}
    faults = sorted(reader.faults, key=lambda fault: places.get(fault.column, -1))
    return RefusedRow(reader.row.line, tuple(faults), tuple(dict.fromkeys(reader.named)), tuple(reader.days))


def taken(
    reader: RowReader,
    objective: ObjectiveRow | None,
    key_results: tuple[KeyResultRow, ...] = (),
    left: Iterable[LeftRow] = (),
) -> TableRow:
    """Return the row as taken over, with what of it could not be placed."""
    return TableRow(
        reader.row.line, objective, key_results, (*left, *reader.left), tuple(dict.fromkeys(reader.named))
    )


def with_whole_title(reader: RowReader, column: ColumnOf, kept: dict[str, str]) -> dict[str, str]:
    """Return what is kept, and the whole title where it was cut."""
    cell = reader.cell(column)
    whole = one_line(shown(cell)) if isinstance(cell, str) else ""
    if len(whole) > LINE_LENGTH and reader.profile.cut_titles:
        kept["whole title"] = whole[:TEXT_LENGTH]
        reader.doubts.append("the title was cut to 200 characters")
    return kept
