"""A bakery whose ledger takes tables over: its people, its files, and its entries as lines that can be read aloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from aggregates.importing.profile import Profile
from aggregates.importing.profiles import PROFILES
from api.imports.asked import Ask
from api.imports.check_ins import beside
from api.imports.profile_files import with_options
from api.imports.table_import import import_table
from api.imports.table_report import TableReport
from api.imports.tables.reading import TableFile, format_of
from ledger.codec import decode
from ledger.lifecycle import initialise
from ledger.settings import Settings
from ledger.store import Ledger
from tests.cli.conftest import CommandLine, empty, line

__all__ = ["CommandLine", "empty", "line"]

FILES = Path(__file__).parent / "files"
PEOPLE = """source,person,name
ada@bakery.example,ada@bakery.example,Ada
ben@bakery.example,ben@bakery.example,Ben
cleo@bakery.example,cleo@bakery.example,Cleo
OVEN,ben@bakery.example,
BAKE,cleo@bakery.example,
"""
QUARTER = "2026-q3"
AUGUST = date(2026, 8, 31)


class Bakery:
    """A fresh ledger with three people who were there before the quarter began, and a steward."""

    def __init__(self, ledger: Ledger, steward: str, room: Path) -> None:
        self.ledger, self.steward, self.room = ledger, steward, room
        self.people = self.file("people.csv", PEOPLE)
        self.ask = Ask(cycle=QUARTER, source="tool", on=AUGUST, people=self.people)

    def file(self, name: str, content: str | bytes) -> Path:
        """Return a file with this content."""
        path = self.room / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def takes(
        self,
        path: Path,
        profile: str | Profile = "table",
        options: dict[str, Any] | None = None,
        **asked: Any,
    ) -> TableReport:
        """Import a table and return its report."""
        named = PROFILES[profile] if isinstance(profile, str) else profile
        table = TableFile(path, format_of(path), with_options(named, options or {}))
        ask = replace(self.ask, **asked)
        return import_table(self.ledger, table, ask, by=self.steward, check_ins=beside(table, None))

    @property
    def head(self) -> int:
        return self.ledger.head().position

    def entries(self, after: int = 0) -> list[str]:
        """Return what was recorded, each entry as a line: its day, its name, what it says, and its doubt."""
        named: dict[str, str] = {}
        for one in self.ledger.directory.names().values():
            named[str(one.identifier)] = (one.email or one.handle or "?").partition("@")[0]
        lines = []
        for raw in self.ledger.read_page(0, 10_000):
            entry = decode(raw)
            told = entry.event.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            if "reference" in told:
                named[told.get("key_result") or entry.stream.partition(":")[2]] = told.pop("reference")
            source = entry.circumstances.source
            doubt = f"  [{source.doubt}]" if source is not None and source.doubt else ""
            about = named.get(told.pop("key_result", None) or entry.stream.partition(":")[2], "")
            words = " ".join(f"{name}={_plain(value, named)}" for name, value in told.items())
            if raw.position > after:
                day = str(entry.effective_at)[:10]
                lines.append(f"{day} {entry.event.stored_name} {about} {words}{doubt}".rstrip())
        return lines


def _plain(value: Any, named: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} {_plain(inner, named)}" for name, inner in value.items()) + "}"
    return named.get(value, value) if isinstance(value, str) else value


@pytest.fixture
def bakery(new_settings: Callable[[], Settings], tmp_path: Path) -> Iterator[Bakery]:
    """A bakery with Ada, Ben and Cleo, who joined before the quarter."""
    from datetime import UTC, datetime

    from aggregates.decide import decide
    from aggregates.person.commands import AddPerson

    settings = new_settings()
    created = initialise(settings, "Corner Bakery", "UTC", steward_name="Steward")
    with Ledger.open(settings) as ledger:
        steward = f"person:{created.steward}"
        for name in ("Ada", "Ben", "Cleo"):
            person: UUID = ledger.new_id()
            command = AddPerson(person=person, effective_at=datetime(2026, 1, 1, tzinfo=UTC))
            ledger.execute(command, decide, by=steward)
            ledger.directory.add(person, name, email=f"{name.lower()}@bakery.example")
        yield Bakery(ledger, steward, tmp_path)


def refused(report: TableReport) -> list[str]:
    """Return what was refused: line, column and code."""
    return [
        f"{one.line} {one.column}: {one.code}".replace(" :", ":")
        for one in report.rows
        if one.became == "refused"
    ]


def others(report: TableReport, became: str) -> list[str]:
    """Return what became something else: line and code."""
    return [f"{one.line} {one.code}" for one in report.rows if one.became == became]
