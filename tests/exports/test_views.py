"""The views for plain SQL say what the answers say, to a role that can do nothing else, whatever moves behind them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from projections import views
from projections.views import VIEWS
from replay.asked import BoardOf, CommitmentsOf, CyclesList, DecisionsOf, DriftOf, FindingsOf, HistoryOf
from replay.generations import RebuildStopped, rebuild
from tests.exports.conftest import Kept, day

GRANTED = [view.name for view in VIEWS if view.granted]


def number(text: Any) -> Decimal | None:
    return Decimal(text) if isinstance(text, str) else None


def cycles(kept: Kept) -> list[str]:
    return [row["key"] for row in kept.ask(CyclesList())["cycles"]]


def test_the_catalogue_of_the_database_is_what_the_document_says(kept: Kept) -> None:
    """Given the views as PostgreSQL knows them, then names, types, order and meanings are those of the document."""
    found = kept.rows(
        "select c.relname as view, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,"
        "       col_description(c.oid, a.attnum) as meaning"
        "  from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = to_regnamespace(%s) and c.relkind = 'v' and c.relname like 'v1\\_%%' and a.attnum > 0"
        " order by c.relname, a.attnum",
        f'"{kept.ledger.schema}"',
    )
    spelled = {"timestamp with time zone": "timestamptz"}
    catalogue = [
        (row["view"], row["name"], spelled.get(row["type"], row["type"]), row["meaning"]) for row in found
    ]
    told = [
        (view.name, column.name, column.type, column.meaning)
        for view in sorted(VIEWS, key=lambda view: view.name)
        for column in view.columns
    ]
    assert catalogue == told


def test_the_present_is_what_the_board_says(kept: Kept) -> None:
    answered = []
    for cycle in cycles(kept):
        for row in kept.ask(BoardOf(cycle))["objectives"]:
            for one in row["key_results"]:
                value, confidence = one["value"] or {}, one["confidence"] or {}
                answered.append(
                    (
                        one["reference"], row["reference"], cycle, row["title"], UUID(row["owner"]["id"]),
                        one["title"], one["measure"]["kind"], number(one["baseline"]), one["target"],
                        Decimal(one["weight"]), one["standing"], value.get("value"), day(value.get("effective_at")),
                        number(confidence.get("value")), one["status"]["said"], number(one["score"]),
                    )
                )  # fmt: skip
    found = kept.rows(
        "select k.reference, o.reference as objective, o.cycle, o.title as wording, o.owner as holder, k.title,"
        "       k.measure, k.baseline, k.target_whole, k.weight, k.standing, k.value_whole, k.value_on, k.confidence,"
        "       k.said, k.score"
        "  from v1_key_results k join v1_objectives o using (objective)"
        " where o.standing <> 'recorded_in_error' and k.standing <> 'recorded_in_error'"
    )
    plain = [tuple(row.values()) for row in found]
    assert len(plain) > 5
    assert sorted(plain, key=str) == sorted(answered, key=str)


def test_lines_are_what_the_commitments_say(kept: Kept) -> None:
    answered = []
    for cycle in cycles(kept):
        for row in kept.ask(CommitmentsOf(cycle))["objectives"]:
            for line in [*row["lines"], *row["added_late"]]:
                told = line["state"].get("key_results", [line["state"]])
                answered.append(
                    (
                        UUID(row["objective"]), line["position"], cycle, line["line"], line["days_late"],
                        number(line["confidence"]), line["grade"], sorted(one["reference"] for one in told),
                    )
                )  # fmt: skip
    plain = kept.rows(
        "select l.objective, l.position, l.cycle, l.line, l.days_late, l.confidence, l.grade,"
        "       array_agg(k.reference order by k.reference) as key_results"
        "  from v1_commitments l left join v1_committed_key_results k on k.line_position = l.position"
        " where l.superseded_by is null group by 1, 2, 3, 4, 5, 6, 7 order by l.position"
    )
    assert sorted(tuple(row.values()) for row in plain) == sorted(answered)


def test_values_and_check_ins_are_those_of_the_history(kept: Kept) -> None:
    entries = [
        entry
        for row in kept.rows("select reference from v1_objectives")
        for entry in kept.ask(HistoryOf(row["reference"]))["entries"]
    ]
    answered = {
        (
            entry["position"],
            change["after"] if isinstance(change["after"], str) else None,
            entry["superseded_at"],
        )
        for entry in entries
        for change in entry["changes"]
        if change["facet"] == "value" and entry["name"] == "key_result.measured"
    }
    plain = kept.rows("select position, value_whole, superseded_by from v1_values")
    texts = {
        (
            row["position"],
            row["value_whole"] if isinstance(row["value_whole"], str) else None,
            row["superseded_by"],
        )
        for row in plain
    }
    assert len(plain) == len(answered) > 5
    assert texts == answered
    check_ins = {entry["position"] for entry in entries if entry["name"] == "key_result.checked_in"}
    assert {row["position"] for row in kept.rows("select position from v1_check_ins")} == check_ins


def test_changes_decisions_and_findings_are_those_of_the_answers(kept: Kept) -> None:
    told = [
        change["position"]
        for cycle in cycles(kept)
        for row in kept.ask(DriftOf(cycle))["objectives"]
        for item in [row, *row["key_results"]]
        for facet in item["facets"]
        for change in facet["changes"]
    ]
    changed = {row["position"] for row in kept.rows("select position from v1_changes")}
    assert told
    assert set(told) <= changed
    decided = [
        (UUID(row["decision"]), row["position"], row["standing"], row["text"], sorted(row["touches"]))
        for row in kept.ask(DecisionsOf())["decisions"]
    ]
    plain = kept.rows(
        "select decision, position, standing, text, touches from v1_decisions order by position"
    )
    assert [(*list(row.values())[:4], sorted(map(str, row["touches"]))) for row in plain] == decided
    found = [
        (row["rule"], row["cause"], row["standing"], len(row["answers"]) > 0)
        for row in kept.ask(FindingsOf())["findings"]
    ]
    asked = kept.rows("select rule, cause, standing, answered_at is not null as answered from v1_findings")
    assert sorted(tuple(row.values()) for row in asked) == sorted(found)


def test_the_reader_selects_from_the_views_and_can_do_nothing_else(kept: Kept) -> None:
    """Given every table, view, sequence and function of the schema, then the role may select from the views alone."""
    for name in GRANTED:
        kept.as_reader(f"select * from {name} limit 1")
    rights = "select", "insert", "update", "delete", "truncate", "references", "trigger"
    allowed = kept.rows(
        "select c.relname as name, c.relkind as kind, w.granted"
        "  from pg_class c cross join unnest(%s::text[]) as w(granted)"
        " where c.relnamespace = to_regnamespace(%s) and c.relkind in ('r', 'v', 'm', 'p', 'f')"
        "   and has_table_privilege(%s, c.oid, w.granted)",
        list(rights),
        f'"{kept.ledger.schema}"',
        kept.ledger.place.reader_role,
    )
    assert sorted((row["name"], row["granted"]) for row in allowed) == sorted(
        (name, "select") for name in GRANTED
    )
    for statement in (
        "select * from entries", "select * from people", "select * from tokens", "select * from v1_directory",
        "select * from entries_json", "select nextval('reference_obj')", "select wait_for_appends()",
        "update v1_objectives set title = 'x'", "create table mine (x int)", "create view mine as select 1",
    ):  # fmt: skip
        with pytest.raises(
            (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)
        ):
            kept.as_reader(statement)
    functions = kept.rows(
        "select p.oid::regprocedure::text as name,"
        "       has_function_privilege(%s, p.oid, 'execute') as allowed"
        "  from pg_proc p where p.pronamespace = to_regnamespace(%s)",
        kept.ledger.place.reader_role,
        f'"{kept.ledger.schema}"',
    )
    assert len(functions) >= 6
    assert not [row["name"] for row in functions if row["allowed"]]


def test_a_private_objective_is_counted_and_in_no_view(kept: Kept) -> None:
    """Given an objective that a decision touches, when it is shown to its team alone, then it is named nowhere."""
    decided = kept.rows(
        "select decision, touches[1] as objective from v1_decisions where touches <> '{}' limit 1"
    )
    objective, decision = str(decided[0]["objective"]), str(decided[0]["decision"])
    names = [objective, decision]
    names += [
        str(row["key_result"])
        for row in kept.rows("select key_result from v1_key_results where objective = %s", objective)
    ]
    before = {name: len(kept.rows(f"select * from {name}")) for name in GRANTED}
    private = kept.rows("select * from v1_private")[0]

    kept.do("set_visibility", objective=objective, visibility="team")

    for view in GRANTED:
        for row in kept.rows(f"select * from {view}"):
            text = str(row)
            assert not [name for name in names if name in text], (view, row)
    after = kept.rows("select * from v1_private")[0]
    assert after["objectives"] == private["objectives"] + 1
    assert after["decisions"] >= private["decisions"] + 1
    assert len(kept.rows("select * from v1_entries")) < before["v1_entries"]

    kept.do("set_visibility", objective=objective, visibility="everyone")

    assert {name: len(kept.rows(f"select * from {name}")) for name in GRANTED if name != "v1_entries"} == {
        name: number for name, number in before.items() if name != "v1_entries"
    }
    assert kept.rows("select * from v1_private")[0] == private


def test_a_function_of_the_readers_own_never_meets_what_is_private(kept: Kept) -> None:
    """Given a cheap function that tells what it is given, when a view is filtered by it, then it sees no hidden row."""
    line = kept.rows("select objective, title from v1_commitments where key_result is null limit 1")[0]
    kept.do("set_visibility", objective=str(line["objective"]), visibility="team")
    spy = sql.SQL(
        "create function pg_temp.spy(text) returns boolean language plpgsql cost 0.0001 as $$ begin"
        " if $1 = {} then raise exception 'seen'; end if; return true; end $$;"
        "select count(*) from v1_commitments where pg_temp.spy(title);"
        "select count(*) from v1_objectives where pg_temp.spy(title)"
    ).format(sql.Literal(line["title"]))
    kept.as_reader(spy.as_string(None))
    kept.do("set_visibility", objective=str(line["objective"]), visibility="everyone")
    with pytest.raises(psycopg.errors.RaiseException, match="seen"):
        kept.as_reader(spy.as_string(None))


def test_the_views_follow_a_rebuild_and_grants_stay(kept: Kept) -> None:
    before = kept.rows("select * from v1_objectives order by objective")
    generation = rebuild(kept.engine)
    assert kept.rows("select generation, stopped from v1_basis") == [
        {"generation": generation.number, "stopped": None}
    ]
    assert kept.rows("select * from v1_objectives order by objective") == before
    assert kept.as_reader("select count(*) from v1_objectives") == [(len(before),)]


@pytest.fixture
def somebody_reads(kept: Kept) -> Iterator[psycopg.Connection[Any]]:
    """A transaction that has read a view and goes on."""
    with psycopg.connect(kept.ledger.place.owner_url) as connection:
        connection.execute(sql.SQL("select * from {}").format(sql.Identifier(kept.ledger.schema, "v1_teams")))
        yield connection


def test_a_rebuild_waits_for_who_reads_a_view_and_writing_goes_on(
    kept: Kept, somebody_reads: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a tool that reads for long, when the rebuild has tried as often as it may, then the old tables stay."""
    monkeypatch.setattr("replay.generations.MOST_ROUNDS", 2)
    monkeypatch.setattr(views, "PATIENCE_MS", 50)
    before = kept.rows("select generation from v1_basis")
    with pytest.raises(RebuildStopped, match="read all the time"):
        rebuild(kept.engine)
    assert kept.rows("select generation from v1_basis") == before
    head = kept.do("form_team", team=str(kept.ledger.new_id()), name="Quiet Readers")
    assert kept.rows("select position from v1_basis") == [{"position": head}]
    somebody_reads.rollback()
    monkeypatch.undo()
    assert rebuild(kept.engine).number > before[0]["generation"]


def test_views_of_a_later_release_stay_as_they_are(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given views that a later release made, then this one neither makes its own nor moves the pointer behind them."""
    monkeypatch.setattr(views, "VERSION", 0)
    comment = kept.rows("select obj_description('v1_basis'::regclass) as told")
    kept.engine.show_views()
    assert kept.rows("select obj_description('v1_basis'::regclass) as told") == comment
    with pytest.raises(RebuildStopped, match="later release"):
        rebuild(kept.engine)
