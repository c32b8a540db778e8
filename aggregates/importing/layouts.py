"""Tables whose rows stand in relation: rows that name their parents, milestones that follow their goal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from aggregates.importing.cells import is_blank, shown
from aggregates.importing.compact import Numbers, fingerprint
from aggregates.importing.header import Header, plain
from aggregates.importing.profile import Profile
from aggregates.importing.reader import RowReader
from aggregates.importing.rows import KeyResultRow, LeftRow, ObjectiveRow, RawRow, Shaped, TableRow
from aggregates.importing.shaping import Shaper, WideShaper, refused, taken
from aggregates.snapshots.cells import one_line

OWN_MEASURE = "the source measures the goal itself: an objective with one key result of the same wording"


class TreeShaper(Shaper):
    """Rows name their parents (Peoplebox): a measured row below another is a key result, any other an objective.

    The first parent is the one that the ledger keeps; the others are kept beside the item and listed.
    """

    def __init__(self, header: Header, profile: Profile, *, accept_faults: bool = False) -> None:
        super().__init__(header, profile, accept_faults=accept_faults)
        self._lines, self._above = Numbers(), Numbers(large=True)
        """The line of each row, and the fingerprint of its first parent, by its key."""
        self._with_children = Numbers()

    @property
    def looks_first(self) -> bool:
        """Return that rows name rows that come later."""
        return True

    def look(self, row: RawRow) -> None:
        """Take note of a row's key, its parents and whether it is measured itself."""
        if not self.counts(row):
            return
        reader = RowReader(row, self.header, self.profile, self.writing)
        key = reader.key("objective_key")
        if key is None or self._skipped(reader):
            return
        parents = self._parents(reader)
        if key not in self._lines and parents:
            self._above.first(key, fingerprint(parents[0]))
        self._lines.first(key, row.line)
        if parents:
            self._with_children.first(parents[0], row.line)

    def shape_row(self, reader: RowReader) -> Iterator[Shaped]:
        """Give an objective or a key result."""
        if self._skipped(reader):
            text = shown(reader.cell("action"))
            why = "the source asks to delete this row; withdraw or drop it in the ledger, with a reason"
            yield TableRow(reader.row.line, left=(LeftRow(reader.row.line, text, why),))
            return
        key, title = reader.key("objective_key"), reader.line("objective")
        parents, owners = self._parents(reader), reader.owners("owner")
        if key is None and is_blank(reader.cell("objective_key")):
            reader.missing("objective_key", "This row has no identifier.", "Give each row one of its own.")
        if title is None and is_blank(reader.cell("objective")):
            reader.missing("objective", "This row has no title.", "Write one line.")
        if not owners and is_blank(reader.cell("owner")):
            reader.missing("owner", "Nobody owns this row.", "Name one person; nobody is assumed.")
        if key is not None and parents:
            self._check_parent(reader, key, parents[0])
        if key is None or title is None or reader.faults:
            self._read_rest(reader)
            yield refused(reader)
            return
        left = tuple(
            LeftRow(
                reader.row.line,
                other,
                "a further parent: kept beside the item, the first one is the alignment",
            )
            for other in parents[1:]
        )
        kept = reader.kept()
        if len(parents) > 1:
            kept[self.header.name("parent")] = ", ".join(parents)
        measured = not self._rolled_up(reader)
        if measured and parents and key not in self._with_children:
            found = self._key_result(reader, key, title, parents[0], kept)
            yield refused(reader) if found is None else taken(reader, None, (found,), left)
            return
        team = self._team(reader)
        if len(team) > 1:
            why = "several teams: kept beside the item, an objective belongs to one"
            left = (*left, LeftRow(reader.row.line, ", ".join(team), why))
            kept[self.header.name("team")] = ", ".join(team)
        objective = ObjectiveRow(
            reader.row.line, key, title, owners, reader.text("description"), parents,
            team=team[0] if len(team) == 1 else None, attributes=kept,
        )  # fmt: skip
        own = self._own(reader, objective) if measured else None
        if reader.faults:
            yield refused(reader)
            return
        yield taken(reader, objective, (own,) if own is not None else (), left)

    def _read_rest(self, reader: RowReader) -> None:
        """Read what else a refused row says, for its faults."""
        reader.text("description")
        reader.kept()
        if not self._rolled_up(reader):
            self.key_result(reader, None, None)

    def _key_result(
        self, reader: RowReader, key: str, title: str, parent: str, kept: dict[str, str]
    ) -> KeyResultRow | None:
        home = ObjectiveRow(self._lines.known(parent) or 0, parent, title)
        found = self.key_result(reader, home, title)
        return None if found is None else replace(found, key=key, attributes=kept)

    def _check_parent(self, reader: RowReader, key: str, parent: str) -> None:
        """Note a first parent that is no row of this file, or that has this row above it."""
        column = self.header.name("parent")
        if parent not in self._lines:
            reader.fault(
                column, parent, "parent_is_unknown", "No row of this file has this identifier.",
                "Correct it, or add the parent's row.",
            )  # fmt: skip
            return
        above, own = fingerprint(parent), fingerprint(key)
        seen = {own}
        while above not in seen:
            seen.add(above)
            higher = self._above.of(above)
            if higher is None:
                return
            above = higher
        if above == own:
            reader.fault(
                column, parent, "parents_form_a_loop", "The parents of this row lead back to it.",
                "Take one of them out.",
            )  # fmt: skip

    def _own(self, reader: RowReader, objective: ObjectiveRow) -> KeyResultRow | None:
        reader.doubts.append(OWN_MEASURE)
        found = self.key_result(reader, objective, objective.title)
        return None if found is None else replace(found, key=f"{objective.key} › itself", attributes={})

    def _skipped(self, reader: RowReader) -> bool:
        word = plain(shown(reader.cell("action")))
        return bool(word) and word in {plain(action) for action in self.profile.skip_actions}

    def _rolled_up(self, reader: RowReader) -> bool:
        text = plain(shown(reader.cell("kind")))
        return (
            any(word.rolled_up and plain(name) == text for name, word in self.profile.measures.items())
            or not text
        )

    def _team(self, reader: RowReader) -> tuple[str, ...]:
        """Return the teams that a row names."""
        text = (reader.line("team") or "").replace(";", ",")
        return tuple(dict.fromkeys(one_line(part) for part in text.split(",") if part.strip()))

    def _parents(self, reader: RowReader) -> tuple[str, ...]:
        text = reader.key("parent") or ""
        found = (one_line(part) for part in text.replace(";", ",").split(","))
        return tuple(dict.fromkeys(part for part in found if part))


class MilestoneShaper(Shaper):
    """Goals, each followed by its milestones (Betterworks): a milestone's progress of 0 to 100 is a key result."""

    def __init__(self, header: Header, profile: Profile, *, accept_faults: bool = False) -> None:
        super().__init__(header, profile, accept_faults=accept_faults)
        self._goal: tuple[RowReader, ObjectiveRow] | None = None
        self._milestones = 0
        self._lost_goal: int | None = None

    def shape_row(self, reader: RowReader) -> Iterator[Shaped]:
        """Give a goal once it is known whether milestones follow it, and each milestone."""
        level = reader.word("level", self.profile.levels)
        if level is None and is_blank(reader.cell("level")):
            reader.missing(
                "level", "Nothing says whether this is a goal or a milestone.", "Write the one or the other."
            )
        title = reader.line("objective")
        if title is None and is_blank(reader.cell("objective")):
            reader.missing("objective", "This row has no name.", "Write one line.")
        if not reader.owners("owner") and is_blank(reader.cell("owner")):
            reader.missing("owner", "Nobody owns this row.", "Name one person; nobody is assumed.")
        if level == "objective":
            yield from self._end_goal()
            self._lost_goal = reader.row.line if reader.faults or title is None else None
        if level is None or title is None or reader.faults:
            self._read_rest(reader)
            yield refused(reader)
            return
        if level == "objective":
            owners = reader.owners("owner")
            objective = ObjectiveRow(
                reader.row.line,
                plain(title),
                title,
                owners,
                reader.text("description"),
                attributes=self._kept(reader),
            )
            if reader.faults:
                self._lost_goal = reader.row.line
                yield refused(reader)
            else:
                self._goal, self._milestones = (reader, objective), 0
            return
        yield from self._milestone(reader, title)

    def finish(self) -> Iterator[Shaped]:
        """Give the last goal."""
        yield from self._end_goal()

    def _milestone(self, reader: RowReader, title: str) -> Iterator[Shaped]:
        if self._goal is None:
            where = (
                f"the goal on line {self._lost_goal} was refused"
                if self._lost_goal
                else "no goal stands above it"
            )
            reader.fault(
                self.header.name("level"), shown(reader.cell("level")), "milestone_has_no_goal",
                f"This milestone belongs to the goal above it, and {where}.", "Correct the goal's row first.",
            )  # fmt: skip
            self._read_rest(reader)
            yield refused(reader)
            return
        if not self._milestones:
            yield taken(*self._goal)
        self._milestones += 1
        found = self._progress(reader, self._goal[1], title)
        yield refused(reader) if found is None else taken(reader, None, (found,))

    def _read_rest(self, reader: RowReader) -> None:
        """Read what else a refused row says, for its faults."""
        reader.text("description")
        self._progress(reader, None, None)

    def _end_goal(self) -> Iterator[Shaped]:
        """Give the goal above where no milestone followed it: its own progress is its key result."""
        goal, self._goal = self._goal, None
        if goal is None or self._milestones:
            return
        reader, objective = goal
        reader.doubts.append(OWN_MEASURE)
        own = self._progress(reader, objective, objective.title)
        yield (
            refused(reader)
            if own is None
            else taken(reader, objective, (replace(own, key=f"{objective.key} › itself", attributes={}),))
        )

    def _progress(
        self, reader: RowReader, objective: ObjectiveRow | None, title: str | None
    ) -> KeyResultRow | None:
        value = reader.number("progress")
        if value is not None and not 0 <= value <= 100:
            reader.fault(
                self.header.name("progress"), shown(reader.cell("progress")), "progress_is_out_of_range",
                "A progress lies between 0 and 100.", "Correct it in the source; it is not clamped.",
            )  # fmt: skip
        found = self.key_result(reader, objective, title)
        return None if found is None or reader.faults else replace(found, value=value)

    def _kept(self, reader: RowReader) -> dict[str, str]:
        kept = reader.kept()
        progress = shown(reader.cell("progress"))
        return {**kept, self.header.name("progress"): progress} if progress else kept


SHAPERS: dict[str, type[Shaper]] = {
    "rows": Shaper,
    "tree": TreeShaper,
    "milestones": MilestoneShaper,
    "wide": WideShaper,
}
"""The shaper of each layout."""
