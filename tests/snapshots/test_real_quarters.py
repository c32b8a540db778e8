"""The five quarters of ipld/roadmap: commitments, lateness and drift, written out by hand from the files.

Cycles are calendar quarters, commit-by is their first day, days are days in UTC. Every expectation below was read
off the pages by eye; nothing of it was printed by the code that it checks.
"""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aggregates.snapshots.differences import (
    AssigneesChanged,
    Difference,
    FinalChanged,
    KeyResultAppeared,
    KeyResultDisappeared,
    KeyResultMoved,
    KeyResultReworded,
    MidScoreChanged,
    ObjectiveAppeared,
    ObjectiveDisappeared,
    ObjectiveNotesChanged,
    ObjectiveReworded,
    PriorityChanged,
    ProjectedChanged,
)
from aggregates.snapshots.likeness import likeness
from aggregates.snapshots.markdown import parse_markdown
from aggregates.snapshots.matching import Doubt
from aggregates.snapshots.series import SnapshotSeries, read_series
from api.imports.sources import read_folder

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "data" / "ipld-okrs"
UTC = ZoneInfo("UTC")
CYCLES = {
    "2019-q1": (date(2019, 1, 1), date(2019, 3, 31)),
    "2019-q2": (date(2019, 4, 1), date(2019, 6, 30)),
    "2019-q3": (date(2019, 7, 1), date(2019, 9, 30)),
    "2019-q4": (date(2019, 10, 1), date(2019, 12, 31)),
    "2020-q1": (date(2020, 1, 1), date(2020, 3, 31)),
}

pytestmark = pytest.mark.skipif(
    not (FOLDER / "manifest.jsonl").is_file(),
    reason="the real quarters (../shared/data/ipld-okrs) are not here",
)

# 2019-Q1
INTERFACES = "Interfaces are in-line with current IPLD specifications and vision."
CBOR = "`go-ipld-prime` is a usable replacement for `go-ipld-cbor`."
INTERACE = "`js-ipld-interace` refactoring is complete."
INTERFACE = "`js-ipld-interface` refactoring is complete."
MULTIFORMAT = "Multiformat API's are easier to use with IPLD."
BLOCK = "`ipfs-block` API is moved to IPLD project."
VIABLE = "`unixfsv2` is a viable replacement for Protobuf based unixfs."
PATH_SPEC = "`unixfsv2` spec is path based rather than block based."
PATH_JS = "Standalone JS implementation of `unixfsv2` is path based."
MODULAR = "Replication of IPLD graphs is modularized to enable development of new replicators."
BITSWAP = "Demo of IPLD replication without Bitswap."
EXPERIMENTS = "Experiments for the next generation of IPLD are moving forward."
SCHEMA_DEMO = "Demo an IPLD Schema experiment."
BLOCKCHAIN = "IPLD can efficiently replicate blockchain data."
PARSE_GO = "IPLD Selector grammar can be parsed into an AST w/ support for basic grammar in Go."
PARSE_JS = "IPLD Selector grammar can be parsed into an AST w/ support for basic grammar in JS."
TRAVERSE_GO = "A DAG can be traversed to produce blocks matching a specified Selector AST in Go."
TRAVERSE_JS = "A DAG can be traversed to produce blocks matching a specified Selector AST in JS."
# 2019-Q2, and the first objective also of 2019-Q3 and 2019-Q4
PROJECTS = "Projects that depend on IPLD are using new interfaces and specifications"
ITERATORS = "`go-ipld-prime` has satisfying immutable iterators"
TRAVERSALS = "`go-ipld-prime` has satisfying traversals"
STRUCTS = "`go-ipld-prime` can de-serialize common data formats into consistent structs"
BY_IPFS = "`go-ipld-prime` is being using by ipfs."
BY_FILECOIN = "`go-ipld-prime` is being using by filecoin."
CODECS = "JS codec formats are upgraded to new `js-ipld-interface`"
REFACTORS = "`js-ipld-interface` & `js-ipld` refactors are used by ipfs."
UNIXFS_JS = "Usable implementaion of `unixfs-v2` in JavaScript."
UNIXFS_GO = "Usable implementaion of `unixfs-v2` in Go."
NEXT = '"JS IPLD Next" layers and interfaces are documented as a coherent visualization'
FUN = "Building applications on IPLD is simple and fun"
STAC = "Proof-of-concept for [STAC](https://github.com/radiantearth/stac-spec)-like geospatial data on IPLD."
SORTED = "Generic string sorted collection on IPLD is usable in JS"
# 2019-Q3
SCHEMA = "There is a complete IPLD Schema for UnixFSv2"
ATTRIBUTES = "There is a spec for additional attributes in UnixFSv1"
GRAPHSYNC = "GraphSync has the functionality required by Filecoin"
FAST = "go-ipld-prime is fast and easy to use"
VISION = "Realize the vision of decentralized linkable advanced data structures"
FAT = 'The "fat pointers" for Composites problem is resolved'
RUST_CODEC = "Rust has a `dag-cbor` codec"
RUST_WASM = "Rust can compile functions to WASM that can speak the complete data model to JS"
PARSER = "JS Schema Parser works for all existing IPLD schemas"
SORTED_MAP = "A sorted multi-block Map is implemented"
# 2019-Q4
WORKING = "Working implementation of UnixFSv2 in JS"
NEEDS = "IPLD Schema specs meet the needs of IPLD users"
PARSERS = "JS & Go Schema parsers keeps up w/ IPLD Schema Specs"
LOGIC = "Program logic can be content addressed and safely run"
REPORT = (
    "Research report on the performance and constraints of IPLD data model values in WASM "
    "and a host language (JS)"
)
AUDIT = "Audit/Review of Rust multiformat libraries"
# 2020-Q1
RUST = "Rust IPLD is a mature and usable stack"
SUPPORT = "Support rust-filecoin and rust-ipfs IPLD needs"
COMPLETE = "Rust IPLD is feature complete"
GO = "Go IPLD is performant and widely adopted"
ASSEMBLER = "go-ipld-prime merges NodeAssembler & core interface perf improvements to master"
LATEST = "Selectors/Graphsync integrates latest go-ipld-prime"
SELECTORS = "IPLD Selectors are well defined, widely implemented and adopted"
SYNTAX = "Draft spec for user facing selector syntax"
CAR = "CAR file format is well defined, widely implemented and adopted"
CAR_NOW = "Land spec describing current CAR format and issues"
CAR_V2 = "Land spec describing proposed v2 CAR format"
WEBSITE = "IPLD Specifications website fully represents current state"
COVERAGE = "Increase the website build coverage to all specs and concept docs"

# quarter: commit of the line, no record at the start, days late
LINES = {
    "2019-q1": ("0210223", False, 0),
    "2019-q2": ("bae5180", False, 0),
    "2019-q3": ("9ba9028", True, 57),  # 27 August: 31 days of July after the 1st, 26 of August
    "2019-q4": ("5bb2c51", False, 0),  # the afternoon before the quarter
    "2020-q1": ("64f01cd", True, 41),  # 11 February: 31 days of January after the 1st, 10 of February
}

# What stood on the page at the line: who, priority, mid-quarter, projected and final score.
COMMITTED: dict[str, dict[str, list[tuple[str, ...]]]] = {
    "2019-q1": {
        INTERFACES: [
            (CBOR, "@warpfork", "", "", "", ""),
            (INTERACE, "@vmx", "", "", "", ""),
            (MULTIFORMAT, "@vmx", "", "", "", ""),
            (BLOCK, "@mikeal", "", "", "", ""),
        ],
        VIABLE: [(PATH_SPEC, "@mikeal", "", "", "", ""), (PATH_JS, "@mikeal", "", "", "", "")],
        MODULAR: [(BITSWAP, "@vmx", "", "", "", "")],
        EXPERIMENTS: [(SCHEMA_DEMO, "@warpfork", "", "", "", "")],
    },
    "2019-q2": {
        PROJECTS: [
            (ITERATORS, "@warpfork", "p0", "", "", ""),
            (TRAVERSALS, "@warpfork", "p0", "", "", ""),
            (STRUCTS, "@warpfork", "p2", "", "", ""),
            (BY_IPFS, "@warpfork", "p2", "", "", ""),
            (BY_FILECOIN, "@warpfork", "p2", "", "", ""),
            (CODECS, "@vmx", "p0", "", "", ""),
            (REFACTORS, "@vmx", "p1", "", "", ""),
            (UNIXFS_JS, "@mikeal", "p1", "", "", ""),
            (UNIXFS_GO, "@warpfork", "p1", "", "", ""),
            (NEXT, "@mikeal", "p1", "", "", ""),
        ],
        FUN: [(STAC, "@vmx", "p2", "", "", ""), (SORTED, "@rvagg", "p0", "", "", "")],
    },
    "2019-q3": {
        PROJECTS: [
            (SCHEMA, "@mikeal", "p0", "", "1", ""),
            (ATTRIBUTES, "@mikeal", "p0", "", "1", ""),
            (GRAPHSYNC, "@hannahhoward", "p0", "", "", ""),
            (FAST, "@warpfork", "p0", "", "0.5", ""),
        ],
        VISION: [
            (FAT, "@mikeal", "p1", "", "", ""),
            (RUST_CODEC, "@vmx", "p0", "0.1", "0.5", ""),
            (RUST_WASM, "@vmx", "p1", "0.1", "0.5", ""),
            (PARSER, "@rvagg", "p0", "", "", ""),
            (SORTED_MAP, "@rvagg", "p1", "", "", ""),
        ],
    },
    "2019-q4": {
        PROJECTS: [
            (WORKING, "@mikeal", "p0", "0.9", "1", ""),
            (FAST, "@warpfork", "p0", "", "0.5", ""),
            (NEEDS, "@rvagg @warpfork", "p0", "0.6", "0.9", ""),
            (PARSERS, "@rvagg", "p0", "0.6", "0.9", ""),
        ],
        LOGIC: [(REPORT, "@vmx", "p1", "0", "1", ""), (AUDIT, "@vmx", "p1", "0", "1", "")],
    },
    "2020-q1": {
        RUST: [(SUPPORT, "@vmx", "p0", "", "0.2", ""), (COMPLETE, "@vmx", "p1", "", "0.3", "")],
        GO: [(LATEST, "@warpfork", "p0", "", "1", "")],
        SELECTORS: [(SYNTAX, "@creationix", "p0", "", "1", "")],
        CAR: [(CAR_NOW, "@rvagg", "p0", "", "1", ""), (CAR_V2, "@rvagg", "p1", "", "0.8", "")],
        WEBSITE: [(COVERAGE, "@rvagg", "p1", "", "0.3", "")],
    },
}

# What each later version changed. Scores: (what, key result, value).
DRIFT: dict[str, dict[str, list[tuple[str, ...]]]] = {
    "2019-q1": {
        "006f28b": [
            ("objective appeared", BLOCKCHAIN),
            ("added", PARSE_GO, "@warpfork", "p0"),
            ("added", PARSE_JS, "@vmx", "p0"),
            ("added", TRAVERSE_GO, "@warpfork", "p0"),
            ("added", TRAVERSE_JS, "@vmx", "p0"),
            ("objective disappeared", MODULAR),
            ("dropped with its objective", BITSWAP, "@vmx", ""),
            ("priority", CBOR, "p1"),
            ("priority", INTERACE, "p1"),
            ("priority", MULTIFORMAT, "p2"),
            ("priority", BLOCK, "p2"),
            ("priority", PATH_SPEC, "p1"),
            ("priority", PATH_JS, "p2"),
            ("priority", SCHEMA_DEMO, "p2"),
        ],
        "521082f": [
            ("reworded", INTERACE, INTERFACE),
            ("mid", PARSE_GO, "0.5"),
            ("mid", PARSE_JS, "0.5"),
            ("mid", TRAVERSE_GO, "0.5"),
            ("mid", TRAVERSE_JS, "0.5"),
            ("mid", CBOR, "0.6"),
            ("mid", INTERFACE, "0.5"),
            ("mid", MULTIFORMAT, "1"),
            ("mid", BLOCK, "0"),
            ("mid", PATH_SPEC, "1"),
            ("mid", PATH_JS, "0"),
            ("mid", SCHEMA_DEMO, "1"),
            ("projected", PARSE_GO, "1"),
            ("projected", PARSE_JS, "1"),
            ("projected", TRAVERSE_GO, "1"),
            ("projected", TRAVERSE_JS, "1"),
            ("projected", CBOR, "0.5"),
            ("projected", INTERFACE, "0.8"),
            ("projected", MULTIFORMAT, "1"),
            ("projected", BLOCK, "1"),
            ("projected", PATH_SPEC, "1"),
            ("projected", PATH_JS, "0.8"),
            ("projected", SCHEMA_DEMO, "1"),
            ("score", PATH_SPEC, "1"),
            ("score", SCHEMA_DEMO, "1"),
        ],
        "7de9a7b": [
            ("score", PARSE_JS, "1"),
            ("score", TRAVERSE_JS, "1"),
            ("score", INTERFACE, "0.5"),
            ("score", MULTIFORMAT, "1"),
            ("score", PATH_JS, "0.4"),
        ],
        "76018ec": [
            ("score", PARSE_GO, "1"),
            ("score", TRAVERSE_GO, "1"),
            ("score", CBOR, "0.9"),
            ("score", BLOCK, "1"),
        ],
        "30db991": [("amendment", PATH_JS, "0.4", "1")],
    },
    "2019-q2": {
        "ed4a6c1": [
            ("mid", CODECS, "1"),
            ("mid", REFACTORS, "1"),
            ("mid", STAC, "0.2"),
            ("projected", CODECS, "1"),
            ("projected", REFACTORS, "1"),
            ("projected", STAC, "1"),
        ],
        "3ea4a2e": [
            ("mid", UNIXFS_JS, "1"),
            ("mid", NEXT, "0"),
            ("projected", UNIXFS_JS, "0.7"),
            ("projected", NEXT, "0.8"),
            ("score", CODECS, "1"),
            ("score", REFACTORS, "1"),
            ("score", UNIXFS_JS, "0.5"),
            ("score", NEXT, "1"),
        ],
        "5a89d71": [
            ("mid", SORTED, "0"),
            ("projected", SORTED, "0.5"),
            ("score", STAC, "1"),
            ("score", SORTED, "0.2"),
        ],
        "4582e1d": [
            ("mid", ITERATORS, "0.5"),
            ("mid", TRAVERSALS, "0.5"),
            ("mid", STRUCTS, "0"),
            ("mid", BY_IPFS, "0"),
            ("mid", BY_FILECOIN, "0"),
            ("mid", UNIXFS_GO, "0"),
            ("projected", ITERATORS, "0.9"),
            ("projected", TRAVERSALS, "0.9"),
            ("projected", STRUCTS, "0"),
            ("projected", BY_IPFS, "0"),
            ("projected", BY_FILECOIN, "0"),
            ("projected", UNIXFS_GO, "0"),
            ("score", ITERATORS, "0.9"),
            ("score", TRAVERSALS, "0.9"),
            ("score", STRUCTS, "0.1"),
            ("score", BY_IPFS, "0"),
            ("score", BY_FILECOIN, "0"),
            ("score", UNIXFS_GO, "0"),
        ],
    },
    "2019-q3": {
        "92b21f6": [
            ("mid", PARSER, "0.6"),
            ("mid", SORTED_MAP, "0"),
            ("projected", PARSER, "0.9"),
            ("projected", SORTED_MAP, "0"),
        ],
        "7a1fa84": [
            ("dropped", GRAPHSYNC, "@hannahhoward", "p0"),
            ("mid", SCHEMA, "0.9"),
            ("mid", ATTRIBUTES, "0.7"),
            ("mid", FAT, "0"),
            ("projected", FAT, "1"),
        ],
        "899c8a8": [("notes", VISION), ("score", RUST_CODEC, "1"), ("score", RUST_WASM, "0.1")],
        "aac476d": [("score", FAT, "0"), ("score", SORTED_MAP, "0"), ("score", PARSER, "1")],
    },
    "2019-q4": {
        "c0bc02c": [
            ("score", WORKING, "0.9"),
            ("score", NEEDS, "0.6"),
            ("score", PARSERS, "0.9"),
            ("score", REPORT, "0"),
            ("score", AUDIT, "1"),
        ],
    },
    "2020-q1": {
        "d90c5d4": [
            ("added", ASSEMBLER, "@warpfork", "p0"),
            ("mid", SUPPORT, "0.1"),
            ("mid", COMPLETE, "0"),
            ("mid", ASSEMBLER, "0.8"),
            ("mid", LATEST, "0"),
            ("mid", SYNTAX, "1"),
            ("mid", CAR_NOW, "1"),
            ("mid", CAR_V2, "0.1"),
            ("mid", COVERAGE, "0"),
            ("projected", ASSEMBLER, "1"),
        ],
        "8462666": [
            ("notes", RUST),
            ("score", SUPPORT, "0.2"),
            ("score", COMPLETE, "0.2"),
            ("score", ASSEMBLER, "1"),
            ("score", LATEST, "0.8"),
            ("score", CAR_NOW, "1"),
            ("score", CAR_V2, "0.6"),
            ("score", COVERAGE, "0"),
        ],
    },
}

# Values whose day lies outside their quarter: (commit, day, key result, original).
NOT_PLACED: dict[str, list[tuple[str, str, str, str]]] = {
    "2019-q1": [],
    "2019-q2": [
        ("3ea4a2e", "2019-07-10", UNIXFS_JS, "1.0"),
        ("3ea4a2e", "2019-07-10", NEXT, "0"),
        ("5a89d71", "2019-07-10", SORTED, "0"),
        ("4582e1d", "2019-07-15", ITERATORS, "0.5"),
        ("4582e1d", "2019-07-15", TRAVERSALS, "0.5"),
        ("4582e1d", "2019-07-15", STRUCTS, "0"),
        ("4582e1d", "2019-07-15", BY_IPFS, "0"),
        ("4582e1d", "2019-07-15", BY_FILECOIN, "0"),
        ("4582e1d", "2019-07-15", UNIXFS_GO, "0"),
    ],
    "2019-q3": [],
    "2019-q4": [
        ("5bb2c51", "2019-09-30", WORKING, "0.9"),
        ("5bb2c51", "2019-09-30", NEEDS, "0.6"),
        ("5bb2c51", "2019-09-30", PARSERS, "0.6"),
        ("5bb2c51", "2019-09-30", REPORT, "0"),
        ("5bb2c51", "2019-09-30", AUDIT, "0"),
    ],
    "2020-q1": [],
}

NEVER_SCORED = {
    "2019-q1": set(),
    "2019-q2": set(),
    "2019-q3": {SCHEMA, ATTRIBUTES, FAST},
    "2019-q4": {FAST},
    "2020-q1": {SYNTAX},
}

NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "2019-q1": (("@mikeal", "@vmx", "@warpfork"), (), ("Mikeal Rogers",)),
    "2019-q2": (
        ("@mikeal", "@rvagg", "@vmx", "@warpfork"),
        (),
        ("Eric Myhre", "Mikeal Rogers", "Volker Mische"),
    ),
    "2019-q3": (
        ("@hannahhoward", "@mikeal", "@rvagg", "@vmx", "@warpfork"),
        (),
        ("Mikeal Rogers", "Rod Vagg", "Volker Mische"),
    ),
    "2019-q4": (
        ("@mikeal", "@rvagg", "@vmx", "@warpfork"),
        ("@rvagg & @warpfork",),
        ("Mikeal Rogers",),
    ),
    "2020-q1": (("@creationix", "@rvagg", "@vmx", "@warpfork"), (), ("Mikeal Rogers",)),
}


@pytest.fixture(scope="module")
def quarters() -> dict[str, SnapshotSeries]:
    """Return the series of each quarter, read from the files."""
    return {
        series.name: read_series(
            [parse_markdown(file.content, file.version) for file in series.versions],
            start=CYCLES[series.name][0],
            commit_by=CYCLES[series.name][0],
            end=CYCLES[series.name][1],
            zone=UTC,
        )
        for series in read_folder(FOLDER)
    }


def plain(score: Decimal | None) -> str:
    return "" if score is None else f"{score.normalize():f}"


def in_words(change: Difference, titles: dict[str, str]) -> tuple[str, ...]:
    """Say a difference the way the lists above do."""
    match change:
        case ObjectiveAppeared(title=title, again=again):
            return ("objective appeared" + " again" * again, title)
        case ObjectiveDisappeared(title=title):
            return ("objective disappeared", title)
        case ObjectiveReworded(before=before, after=after):
            return ("objective reworded", before, after)
        case ObjectiveNotesChanged(objective=key):
            return ("notes", titles[key])
        case KeyResultAppeared(row=row, again=again):
            return ("added" + " again" * again, row.title, " ".join(row.assignees), row.priority or "")
        case KeyResultDisappeared(row=row, with_objective=whole):
            said = "dropped" + " with its objective" * whole
            return (said, row.title, " ".join(row.assignees), row.priority or "")
        case KeyResultReworded(before=before, after=after):
            return ("reworded", before, after)
        case KeyResultMoved(key_result=key):
            return ("moved", titles[key])
        case AssigneesChanged(key_result=key, after=after):
            return ("re-owned", titles[key], " ".join(after))
        case PriorityChanged(key_result=key, before=None, after=str(after)):
            return ("priority", titles[key], after)
        case MidScoreChanged(key_result=key, before=None, after=after):
            return ("mid", titles[key], plain(after))
        case ProjectedChanged(key_result=key, before=None, after=after):
            return ("projected", titles[key], plain(after))
        case FinalChanged(key_result=key, before=None, after=after, kind="score"):
            return ("score", titles[key], plain(after))
        case FinalChanged(key_result=key, before=before, after=after, kind="amendment"):
            return ("amendment", titles[key], plain(before), plain(after))
    return ("unexpected", repr(change))


def titles_of(page: Any) -> dict[str, str]:
    titles = {one.key: one.objective.title for one in page}
    return titles | {item.key: item.row.title for one in page for item in one.key_results}


@pytest.mark.parametrize("quarter", CYCLES)
def test_the_line_is_the_last_version_in_time_or_else_the_first(quarters, quarter):
    series = quarters[quarter]
    commit, no_record, late = LINES[quarter]

    assert series.line_version.commit.startswith(commit)
    assert (series.no_record_at_start, series.late_by_days) == (no_record, late)


@pytest.mark.parametrize("quarter", CYCLES)
def test_what_was_committed_and_by_whom(quarters, quarter):
    committed = {
        one.objective.title: [
            (
                item.row.title,
                " ".join(item.row.assignees),
                item.row.priority or "",
                plain(item.row.mid_score),
                plain(item.row.projected),
                plain(item.row.final),
            )
            for item in one.key_results
        ]
        for one in quarters[quarter].commitments
    }

    assert committed == COMMITTED[quarter]
    assert list(committed) == list(COMMITTED[quarter])


@pytest.mark.parametrize("quarter", CYCLES)
def test_what_changed_after_the_line(quarters, quarter):
    changed = {
        step.later.commit[:7]: sorted(in_words(change, titles_of(step.page)) for change in step.differences)
        for step in quarters[quarter].after_line
    }

    assert changed == {commit: sorted(changes) for commit, changes in DRIFT[quarter].items()}


@pytest.mark.parametrize("quarter", CYCLES)
def test_nothing_was_drafted_before_the_line_and_nothing_was_unclear(quarters, quarter):
    series = quarters[quarter]

    assert len(series.before_line) == 1
    assert series.before_line[0].not_before is None
    assert series.faults == ()
    assert series.unassigned == ()


@pytest.mark.parametrize("quarter", CYCLES)
def test_nobody_was_re_owned_and_no_key_result_moved(quarters, quarter):
    kinds = {type(change) for step in quarters[quarter].after_line for change in step.differences}

    assert kinds.isdisjoint({AssigneesChanged, KeyResultMoved, ObjectiveReworded})


@pytest.mark.parametrize("quarter", CYCLES)
def test_a_value_outside_its_quarter_is_listed_with_its_original(quarters, quarter):
    listed = [
        (one.version.commit[:7], one.day.isoformat(), one.title, one.original)
        for one in quarters[quarter].not_placed
    ]

    assert sorted(listed) == sorted(NOT_PLACED[quarter])
    assert {one.why for one in quarters[quarter].not_placed} == {
        "2019-q2": {"after the cycle"},
        "2019-q4": {"before the cycle"},
    }.get(quarter, set())


@pytest.mark.parametrize("quarter", CYCLES)
def test_which_key_results_never_got_a_final_score(quarters, quarter):
    last = quarters[quarter].steps[-1].page

    bare = {item.row.title for one in last for item in one.key_results if item.row.final is None}

    assert bare == NEVER_SCORED[quarter]


@pytest.mark.parametrize("quarter", CYCLES)
def test_the_names_that_a_people_map_must_cover(quarters, quarter):
    names = quarters[quarter].names

    assert (names.assignees, names.combined, names.authors) == NAMES[quarter]


def test_a_p0_key_result_disappears_in_a_commit_called_a_scoring_fix(quarters):
    series = quarters["2019-q3"]
    step = next(step for step in series.steps if step.later.commit.startswith("7a1fa84"))

    [gone] = [change for change in step.differences if isinstance(change, KeyResultDisappeared)]

    assert step.later.subject == "fix: mid-q scoring (#14)"
    assert step.later.author == "Mikeal Rogers"
    assert (gone.row.title, gone.row.assignees, gone.row.priority) == (GRAPHSYNC, ("@hannahhoward",), "p0")
    assert (gone.key_result, gone.line, gone.judgement.doubt) == ("o1k3", 8, Doubt.CERTAIN)
    assert step.not_before is not None
    assert step.not_before.isoformat() == "2019-08-28T22:43:40+00:00"
    assert step.effective_at.isoformat() == "2019-08-28T22:44:00+00:00"


def test_the_one_rewording_is_a_spelling_and_certain(quarters):
    changes = [change for series in quarters.values() for step in series.steps for change in step.differences]

    [reworded] = [change for change in changes if isinstance(change, KeyResultReworded)]

    assert reworded.key_result == "o1k2"
    assert (reworded.judgement.similarity, reworded.judgement.doubt) == (Decimal("0.91"), Doubt.CERTAIN)


def test_the_figures_on_which_the_thresholds_rest(quarters):
    pairs = {
        frozenset((one.title, other.title))
        for series in quarters.values()
        for step in series.steps
        for one, other in itertools.combinations(
            [item.row for objective in step.page for item in objective.key_results], 2
        )
    }

    alike = sorted(likeness(*sorted(pair)).similarity for pair in pairs)
    twins = [pair for pair in pairs if likeness(*sorted(pair)).similarity > Decimal("0.51")]

    assert len(alike) == 217
    assert alike[-7:] == [Decimal(text) for text in ("0.51", "0.70", "0.79", "0.86", "0.88", "0.95", "0.96")]
    assert all(likeness(*sorted(pair)).exchanged for pair in twins)


def test_what_came_after_the_line_has_a_line_of_its_own(quarters):
    late = {
        quarter: {
            (line.key, line.late_by_days) for line in series.lines if line.version != series.line_version
        }
        for quarter, series in quarters.items()
    }

    # 22 January is 21 days after the 1st, 23 February 53.
    assert late["2019-q1"] == {("o5", 21), ("o5k1", 21), ("o5k2", 21), ("o5k3", 21), ("o5k4", 21)}
    assert late["2020-q1"] == {("o2k2", 53)}
    assert late["2019-q2"] == late["2019-q3"] == late["2019-q4"] == set()


def test_the_row_of_two_assignees_is_reported_once_and_not_decided(quarters):
    [row] = quarters["2019-q4"].several_assignees

    assert (row.title, row.assignees, row.original) == (NEEDS, ("@rvagg", "@warpfork"), "@rvagg & @warpfork")
    assert (row.key_result, row.line) == ("o1k3", 8)
    assert all(not series.several_assignees for name, series in quarters.items() if name != "2019-q4")


def test_reordered_rows_and_other_spellings_of_a_number_are_no_difference(quarters):
    # The last version of 2019-Q3 moves a row up; that of 2020-Q1 writes 0.1 for .1 and 0.2 for .2.
    third, last = quarters["2019-q3"].steps[-1], quarters["2020-q1"].steps[-1]

    assert [item.key for item in third.page[1].key_results] == ["o2k1", "o2k5", "o2k2", "o2k3", "o2k4"]
    assert {type(change) for change in third.differences} == {FinalChanged}
    assert {type(change) for change in last.differences} == {FinalChanged, ObjectiveNotesChanged}
    assert last.page[0].key_results[0].row.original("mid_score") == "0.1"
