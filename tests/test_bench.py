"""The measurements are wired: each figure is known, said and required once, and their company is a true one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aggregates.evolve import EVOLVE
from bench.company import Company
from bench.figures import FIGURES, measure, worst
from bench.host import Taken, worked
from bench.load import Load, Told
from bench.report import write_load
from bench.scene import Scene
from ledger.codec import decode, encode, read_line
from ledger.place import Place
from ledger.settings import Settings
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


def test_what_was_taken_of_the_machine_stands_beside_the_verdict():
    """Given a rate that is missed while the host took a fifth, then it is missed and the fifth is said; a share that
    is small is not."""
    missed = replace(measure("catch_up", [9_000]), taken=Taken(by_host=0.2, by_others=0.04))
    assert missed.row()[-1] == "MISS, the host took 20%"
    passed = replace(measure("catch_up", [19_000]), taken=Taken(by_host=0.06, by_others=0.5))
    assert passed.row()[-1] == "pass, the host took 6%, other programs took 50%"
    assert replace(passed, taken=Taken()).row()[-1] == "pass"


def test_processor_time_counts_this_process_and_the_database(settings: Settings):
    """Given work that keeps this process and the database busy for some 50 ms and more, then the processor time of both
    is counted, whatever time it took."""
    with Place.open(settings) as place, psycopg.connect(place.owner_url) as connection:

        def work() -> None:
            begin = time.process_time()
            while time.process_time() - begin < 0.05:
                pass
            connection.execute("select count(*) from generate_series(1, 1500000)")

        begun = time.perf_counter()
        done = worked(work, settings)
        passed = time.perf_counter() - begun
    if done.processor is None:
        pytest.skip("the database server runs on another machine")
    assert done.processor > 0.05 + 0.02
    if settings.database_url is None:  # on a server of one's own, others may work as well
        cores, ticks = os.cpu_count() or 1, 0.5  # each process's time is told in hundredths of a second
        assert done.processor < cores * passed + ticks


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


def test_a_load_passes_by_no_error_and_by_its_slowest_hundredth_and_its_document_says_so(
    tmp_path: Path,
) -> None:
    """Given latencies of reads, then all the rest may be slow; one refusal or one in fifty late misses."""
    load = Load("http://127.0.0.1:1", Scene("q", "p", "2026-01-01", ["OBJ-1"], [("KR-1", "a")], "r"), seed=1)
    load.told = {
        "board": Told([0.01] * 200, Counter({"200": 200})),
        "check-in": Told([9.0], Counter({"201": 1})),
    }
    assert load.passes()
    load.told["board"].latencies[:4] = [0.2] * 4
    assert not load.passes()
    load.told["board"] = Told([0.01] * 200, Counter({"200": 199, "503": 1}))
    assert not load.passes()
    document = tmp_path / "load.md"
    write_load(load.report(), [("Cores", "2")], path=document)
    written = document.read_text(encoding="utf-8")
    assert "| Cores | 2 |" in written
    assert re.search(r"^all reads +200 .* 200:199 503:1$", written, re.MULTILINE)
    assert re.search(r"^all of it +201 ", written, re.MULTILINE)
