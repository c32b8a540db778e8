"""The measurements are wired: each figure is known, said and required once, and their company is a true one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aggregates.evolve import EVOLVE
from bench.company import Company
from bench.figures import FIGURES, measure, worst
from ledger.codec import decode, encode, read_line
from replay.fold import Fold

HOUSE = Path(__file__).parent.parent


def test_every_figure_is_listed_with_its_requirement():
    """`python -m bench --list` starts nothing and names what the run would measure."""
    command = [sys.executable, "-m", "bench", "--list"]
    listed = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    for figure in FIGURES:
        assert figure.title in listed
        if figure.sense != "shown":
            assert re.search(rf"{re.escape(figure.title)}.*{figure.sense}", listed)


def test_what_must_be_reached_is_required():
    bounds = {figure.key: (figure.sense, figure.bound) for figure in FIGURES if figure.sense != "shown"}
    assert bounds == {
        "command": ("at least", 0.4),
        "writers": ("at least", 3.0),
        "restore": ("at least", 0.5),
        "import_rate": ("at least", 3_000),
        "csv_import": ("at least", 3_000),
        "csv_memory": ("at most", 32),
        "export_rate": ("at least", 50_000),
        "export_memory": ("at most", 64),
        "catch_up": ("at least", 15_000),
        "fold": ("at least", 0.4),
        "past": ("at most", 2.0),
        "growth": ("at most", 1.3),
        "growth_present": ("at most", 1.3),
        "effective": ("at most", 5.0),
        "http": ("at least", 0.4),
        "rights": ("at least", 0.9),
    }


def test_every_figure_has_one_who_measures_it():
    """The keys that the measuring modules name are those of the catalogue, each once."""
    named: list[str] = []
    for path in sorted((HOUSE / "bench").glob("*.py")):
        named += re.findall(r'(?:measure|worst|_slower)\(\s*"([a-z_]+)"', path.read_text())
    assert sorted(named) == sorted(figure.key for figure in FIGURES)


def test_the_median_of_the_rounds_decides():
    assert measure("command", [0.1, 0.5, 0.6]).passes
    assert not measure("command", [0.3, 0.39, 0.9]).passes
    assert not measure("past", [2.5, 2.1, 1.0]).passes
    assert worst("past", {"early": [1.0, 1.1], "late": [1.9, 2.4]}).median == pytest.approx(2.15)


def test_the_company_is_what_the_rules_would_have_recorded():
    """Each line is spelled as a ledger spells it, can be read, and follows from the ones before it."""
    company = Company(objectives=4)
    states: dict[str, Any] = {}
    fold = Fold()
    names = set()
    for line in company.lines(2_500):
        raw = read_line(line[:-1])
        entry = decode(raw)
        assert encode(entry.stream, entry.version, entry.circumstances, entry.event) == raw.data
        states[raw.stream] = EVOLVE[raw.stream.partition(":")[0]](states.get(raw.stream), entry)
        assert states[raw.stream].version == raw.version
        fold.apply([raw])
        names.add(raw.name)
    assert len(company.complete) >= 2
    assert fold.position == 2_500
    assert {
        "key_result.measured",
        "key_result.checked_in",
        "key_result.target_changed",
        "cycle.closed",
    } <= names
