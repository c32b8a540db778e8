"""What an import recorded or would record, what was recorded before, what was refused, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from api.imports.planned import Left, Planned


@dataclass
class SeriesReport:
    """The report of one series: its line, and each thing of the source with what became of it."""

    cycle: str
    line: str
    line_at: str
    no_record_at_start: bool
    late_by_days: int
    recorded: list[tuple[Planned, int | None]] = field(default_factory=list)
    """What was recorded and its position; None in a dry run."""
    known: int = 0
    refused: list[tuple[Planned, str, str]] = field(default_factory=list)
    """What was refused: the thing, the code, the sentence."""
    left: list[Left] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report ready for JSON."""
        return {
            "cycle": self.cycle,
            "line": {
                "version": self.line,
                "effective_at": self.line_at,
                "no_record_at_start": self.no_record_at_start,
                "late_by_days": self.late_by_days,
            },
            "recorded": [
                {**_planned(one), "position": position, "doubt": one.doubt} for one, position in self.recorded
            ],
            "known": self.known,
            "refused": [
                {**_planned(one), "code": code, "detail": detail} for one, code, detail in self.refused
            ],
            "left": [_left(one) for one in self.left],
        }


@dataclass
class Report:
    """The report of an import; `people` are the persons that it added, `missing` the names that no line covers."""

    source: str
    dry_run: bool
    people: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    series: list[SeriesReport] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """Return the report ready for JSON."""
        return {
            "source": self.source,
            "dry_run": self.dry_run,
            "people": self.people,
            "missing": self.missing,
            "unused": self.unused,
            "series": [one.as_dict() for one in self.series],
        }

    def blocks(self) -> list[str]:
        """Return the report as lines for people."""
        verb = "would be recorded" if self.dry_run else "recorded"
        lines = [f"Import of {self.source}{' (dry run: nothing is recorded)' if self.dry_run else ''}"]
        if self.people:
            lines.append(f"  people added: {', '.join(self.people)}")
        if self.missing:
            lines.append(f"  no line of the people map names: {', '.join(self.missing)}")
        lines += [f"  line of the people map that no name needs: {name}" for name in self.unused]
        for one in self.series:
            lines += ["", *_blocks(one, verb, detailed=self.dry_run)]
        return lines


def _blocks(one: SeriesReport, verb: str, *, detailed: bool) -> list[str]:
    entries = f"{len(one.recorded)} {verb}, {one.known} known already, {len(one.refused)} refused"
    lines = [f"{one.cycle}: {entries}, {len(one.left)} left out"]
    flag = "; no record at the start" if one.no_record_at_start else ""
    late = f"{one.late_by_days} days late" if one.late_by_days else "on time"
    lines.append(f"  line: version {one.line[:12]} of {one.line_at}, {late}{flag}")
    for planned, _ in one.recorded:
        if detailed or planned.doubt:
            doubt = f"  [{planned.doubt}]" if planned.doubt else ""
            lines.append(f"  {_version(planned):<12}  {planned.words}{doubt}")
    lines += [f"  refused {planned.words}: {detail} ({code})" for planned, code, detail in one.refused]
    for left in one.left:
        version = left.version.commit[:12] if left.version else ""
        title = f"“{left.title}” " if left.title else ""
        lines.append(f"  not placed: {version} line {left.line} {title}{left.original!r}: {left.why}")
    return lines


def _version(planned: Planned) -> str:
    return planned.version.commit[:12] if planned.version else ""


def _planned(one: Planned) -> dict[str, Any]:
    return {"row": one.row, "version": one.version.commit if one.version else None, "what": one.words}


def _left(one: Left) -> dict[str, Any]:
    return {
        "version": one.version.commit if one.version else None,
        "line": one.line,
        "title": one.title,
        "original": one.original,
        "why": one.why,
    }
