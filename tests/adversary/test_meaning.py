"""Situations in which an answer once said the wrong thing, each told by hand and asked over a real ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from psycopg import connect, sql

from aggregates.policy import DEFAULT_POLICY
from ledger.place import Place
from ledger.restore import restore
from ledger.settings import Settings
from ledger.store import Ledger
from replay.engine import Engine
from replay.questions import BoardOf, CommitmentsOf, DecisionsOf, DriftOf, FindingsOf, HistoryOf, Reader
from replay.verify import verify
from tests.rules.company import SCOPE, Company

FAULT = {"kind": "measurement_fault", "text": "It was counted twice."}
Ask = Callable[..., dict[str, Any]]


def point(at: str) -> dict[str, str]:
    return {"kind": "point", "at": at}


class Quarter:
    """A company with one objective of one key result, committed on time in the open cycle 2026-q2."""

    def __init__(self) -> None:
        self.company = Company()
        self.company.on("2026-03-25")
        self.objective, self.key_result = self.company.committed()
        self.company.on("2026-04-01").do("open_cycle", cycle="2026-q2")

    @property
    def on(self) -> dict[str, Any]:
        return {"objective": self.objective, "key_result": self.key_result}

    def target(self, at: str, **fields: Any) -> int:
        fields = {"reason": SCOPE, **fields}
        return self.company.do("change_target", **self.on, target=point(at), **fields).position

    def decision(self, **fields: Any) -> tuple[Any, int]:
        """Write a decision down; return it and the position of its entry."""
        decision = self.company.ledger.new_id()
        fields = {"decision": decision, "text": "We decided.", "touches": [self.objective], **fields}
        return decision, self.company.do("record_decision", **fields).first_position


@pytest.fixture
def quarter() -> Quarter:
    return Quarter()


@pytest.fixture
def asking(new_settings: Callable[[], Settings]) -> Iterator[Callable[[Quarter], Ask]]:
    """Restore what was told into a real ledger and give a way to ask it, once verify has found nothing."""
    with ExitStack() as stack:

        def make(told: Quarter) -> Ask:
            settings, ledger_told = new_settings(), told.company.ledger
            restore(settings, (line + b"\n" for line in ledger_told.lines()))
            ledger = stack.enter_context(Ledger.open(settings))
            engine = Engine(ledger)
            verdict = verify(ledger, pairs=60, engine=engine)
            assert verdict.difference is None, verdict.difference.sentence()
            reader = Reader(ledger, engine)

            def ask(question: Any, as_of: int | None = None, **when: Any) -> dict[str, Any]:
                return reader.ask(question, as_of=str(as_of or ledger_told.position), **when).body

            return ask

        yield make


def rules(body: dict[str, Any]) -> list[tuple[str, int]]:
    return [(row["rule"], row["cause"]) for row in body["findings"]]


# -- who decided


def test_a_confirmation_holds_for_the_words_that_were_confirmed(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    # given a decision that its decider confirmed
    company = quarter.company
    decision, first = quarter.decision(text="We lower it to 80.", decided_by=company.ada)
    changed = quarter.target("80", decision=decision)
    company.do("confirm_decision", decision=decision, by=company.ada)
    confirmed = company.ledger.position

    # when somebody else amends its words afterwards
    body = company.entry(first).event.model_dump(mode="json", exclude_none=True)
    company.do("amend_entry", position=first, body={**body, "text": "We lower it to 20."}, reason=FAULT)
    amended = company.ledger.position

    # then it is asserted again, until the decider confirms what it says now; the earlier basis stays as it was
    company.do("confirm_decision", decision=decision, by=company.ada)
    ask = asking(quarter)
    standings = [ask(DecisionsOf(), at)["decisions"][0]["standing"] for at in (confirmed, amended, None)]
    assert standings == ["confirmed", "asserted", "confirmed"]
    change = ask(DriftOf(cycle="2026-q2"), amended)["objectives"][0]["key_results"][0]["facets"][0][
        "changes"
    ][0]
    assert (change["position"], change["decided"]["how"]) == (changed, "asserted")
    assert change["decided"]["confirmed_by"] is None


def test_a_confirmation_by_one_decider_is_not_that_of_another(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    company = quarter.company
    decision, first = quarter.decision(decided_by=company.ada)
    company.do("confirm_decision", decision=decision, by=company.ada)

    body = company.entry(first).event.model_dump(mode="json", exclude_none=True)
    company.do("amend_entry", position=first, body={**body, "decided_by": str(company.ben)}, reason=FAULT)

    row = asking(quarter)(DecisionsOf())["decisions"][0]
    assert (row["decided_by"], row["standing"]) == (str(company.ben), "asserted")
    assert (row["confirmed_by"], row["confirmed_at"], row["confirmed_position"]) == (None, None, None)


def test_a_retracted_decision_ratifies_nothing(quarter: Quarter, asking: Callable[[Quarter], Ask]) -> None:
    # given a change that a later decision ratifies
    company = quarter.company
    changed = quarter.target("50")
    company.on("2026-04-06")
    _, first = quarter.decision(decided_by=company.ben, ratifies=[changed])
    ratified = company.ledger.position

    # when that decision is retracted
    company.do("retract_entry", position=first, reason=FAULT)

    # then the finding says so from that position on, and not before
    ask = asking(quarter)
    before, after = (ask(FindingsOf(cycle="2026-q2"), at)["findings"][0] for at in (ratified, None))
    assert [one["days_later"] for one in before["ratified_by"]] == [5]
    assert after["ratified_by"] == []


def test_an_owner_who_ratifies_their_own_softening_decided_it(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    # given changes without a decision, two of them of a target
    company = quarter.company
    lowered = quarter.target("50")
    again = quarter.target("40")
    worded = company.do("reword_objective", objective=quarter.objective, title="Other", reason=SCOPE).position

    # when their owner ratifies them, and somebody else does too
    company.on("2026-05-01")
    _, own = quarter.decision(decided_by=company.ada, ratifies=[lowered, again, worded])
    quarter.decision(decided_by=company.ben, ratifies=[lowered, again, worded])

    # then an auditor asks about the first
    found = asking(quarter)(FindingsOf(cycle="2026-q2"))["findings"]
    asked = [row for row in found if row["rule"] == "owner_decided_own_target"]
    assert [(row["cause"], row["reference"]) for row in asked] == [(own, "KR-1")]
    assert asked[0]["detail"] == {
        "facets": ["target"], "owner": str(company.ada), "ratifies": [lowered, again]
    }  # fmt: skip


def test_a_change_whose_decision_was_retracted_is_asked_about(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    # given two changes that cite a decision, one of them amended since, and one of a draft
    company = quarter.company
    decision, first = quarter.decision(decided_by=company.ben)
    lowered = quarter.target("50", decision=decision)
    wording = company.do(
        "reword_objective", objective=quarter.objective, title="Other", reason=SCOPE, decision=decision
    )
    amended = company.do(
        "amend_entry", position=wording.position, body={"title": "Another"}, reason=FAULT
    ).position
    company.drafted(decision=decision)
    decided = company.ledger.position

    # when the decision is retracted
    retracted = company.do("retract_entry", position=first, reason=FAULT).position

    # then the change that still stands on it is asked about, from that position on
    ask = asking(quarter)
    assert rules(ask(FindingsOf(cycle="2026-q2"), decided)) == [("change_without_decision", amended)]
    found = ask(FindingsOf(cycle="2026-q2"))["findings"]
    assert [(row["rule"], row["cause"]) for row in found][-1] == ("decision_retracted", retracted)
    assert (found[-1]["reference"], found[-1]["detail"]) == ("OBJ-1", {"changes": [lowered]})
    assert found[-1]["sentence"] == (
        "The decision behind a change was retracted, so nobody has decided: target changed from 100 to 50 "
        f"(entry {lowered})."
    )

    # and it can be answered
    told = {"rule": "decision_retracted", "cause": retracted, "answer": "disputed", "text": "It was taken."}
    company.do("answer_finding", **told, known=True)
    assert asking(quarter)(FindingsOf(item="OBJ-1"))["findings"][-1]["standing"] == "disputed"


# -- what was said, and silence


def test_an_amended_check_in_does_not_speak_of_a_target_that_came_after_it(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    # given a confidence in a target that was changed since
    company = quarter.company
    company.on("2026-04-15")
    said = company.do("check_in", **quarter.on, confidence="0.9", said="on_track").position
    company.on("2026-04-20")
    quarter.target("200")

    # when another field of that check-in is amended
    company.on("2026-04-22")
    company.do("amend_entry", position=said, body={"confidence": "0.9", "said": "behind"})

    # then the forecast is still that of the old target
    row = asking(quarter)(BoardOf("2026-q2"))["objectives"][0]["key_results"][0]
    assert row["confidence"]["stale"] is True
    assert row["status"]["explain"]["rule"] == "nothing_speaks"


def test_a_re_plan_is_no_check_in(quarter: Quarter, asking: Callable[[Quarter], Ask]) -> None:
    # given a key result of which nobody said anything for seven weeks
    company = quarter.company
    company.on("2026-05-20")

    # when the objective is planned again
    company.do(
        "replan", decision=company.ledger.new_id(), text="Again.", decided_by=company.steward, reason=SCOPE,
        objectives=[{"objective": quarter.objective, "confidence": "0.9"}],
    )  # fmt: skip

    # then it is as silent as before
    row = asking(quarter)(BoardOf("2026-q2"))["objectives"][0]
    assert (row["silent_days"], row["status"]["silent"], row["status"]["counts_as"]) == (49, True, "silent")
    assert (row["key_results"][0]["progress"], row["line"]["line"]) == ("0", 2)


def test_nobody_takes_over_what_is_over(quarter: Quarter, asking: Callable[[Quarter], Ask]) -> None:
    company = quarter.company
    withdrawn, _ = company.committed(owner=company.ben)
    kept, _ = company.committed(owner=company.ben)
    company.do("withdraw_objective", objective=withdrawn, reason=SCOPE)
    company.do("person_leaves", person=company.ben)

    gone = asking(quarter)(BoardOf("2026-q2"))["owners_who_left"]
    assert gone == [{"id": str(company.ben), "owns": [company.objective(kept).reference]}]


# -- drift, findings, commitments


def test_amending_a_softening_does_not_make_it_a_correction(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    # given a target that was lowered after the line, the lower one amended then
    softened = quarter.target("50")
    amended = quarter.company.do(
        "amend_entry", position=softened, body={"target": point("60")}, reason=FAULT
    ).position

    drift = asking(quarter)(DriftOf(cycle="2026-q2"), amended)
    facet = drift["objectives"][0]["key_results"][0]["facets"][0]
    assert (facet["kind"], facet["direction"], facet["new"]) == ("retargeted", "softer", point("60"))
    assert drift["counts"]["kinds"] == {"retargeted": 1}


def test_correcting_what_the_line_held_is_a_correction(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    # given a target that was set before the line and amended after it, twice
    company = quarter.company
    objective = company.drafted()
    key_result = company.key_result(objective)
    drafted = company.do(
        "change_target", objective=objective, key_result=key_result, target=point("90"), reason=SCOPE
    ).position
    company.do("declare_local", objective=objective, because="It serves nobody else.")
    company.do("commit_objective", objective=objective, confidence="0.7")
    once = company.do("amend_entry", position=drafted, body={"target": point("95")}, reason=FAULT).position
    company.do("amend_entry", position=once, body={"target": point("94")}, reason=FAULT)

    facet = asking(quarter)(DriftOf(cycle="2026-q2"))["objectives"][1]["key_results"][0]["facets"][0]
    assert (facet["kind"], facet["old"], facet["new"]) == ("corrected", point("90"), point("94"))


def test_what_was_moved_to_another_cycle_is_asked_about_where_it_was_committed(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    # given a commitment that is moved to the next quarter and softened there, nobody having decided
    company = quarter.company
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    moved = company.do(
        "move_objective_to_cycle", objective=quarter.objective, cycle="2026-q3", reason=SCOPE
    ).position
    softened = quarter.target("50")
    ask = asking(quarter)

    # then the quarter in which it was committed asks about both, as its drift shows both
    both = [("change_without_decision", moved), ("change_without_decision", softened)]
    assert rules(ask(FindingsOf(cycle="2026-q2"))) == both
    assert ask(DriftOf(cycle="2026-q2"))["counts"]["softer"] == 2

    # and the quarter it came to does not call it uncommitted
    there = ask(CommitmentsOf("2026-q3"))
    assert (there["objectives"], there["not_committed"]) == ([], [])
    line = company.objective(quarter.objective).lines[0].position
    assert [(row["reference"], row["standing"], row["line"]) for row in there["moved_here"]] == [
        ("OBJ-1", "committed", line)
    ]
    assert ask(CommitmentsOf("2026-q2"))["moved_here"] == []


def test_what_was_dropped_before_the_line_was_not_committed(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    company = quarter.company
    objective = company.drafted()
    committed = company.key_result(objective)
    dropped = company.key_result(objective)
    company.do("drop_key_result", objective=objective, key_result=dropped)
    company.do("declare_local", objective=objective, because="It serves nobody else.")
    company.do("commit_objective", objective=objective, confidence="0.7")

    drift = asking(quarter)(DriftOf(cycle="2026-q2"))["objectives"][1]
    assert [row["key_result"] for row in drift["key_results"]] == [str(committed)]


def test_the_history_of_a_key_result_shows_who_took_a_value_back(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    company = quarter.company
    company.on("2026-04-20")
    value = company.do("record_value", **quarter.on, value="30", measured_on="2026-04-15").position
    retracted = company.do("retract_entry", position=value, reason=FAULT).position
    other = company.key_result(quarter.objective, reason=SCOPE)

    ask = asking(quarter)
    rows = ask(HistoryOf("KR-1"))["entries"]
    assert [(row["position"], row["supersedes"]) for row in rows if row["name"] == "entry.retracted"] == [
        (retracted, value)
    ]
    assert next(row for row in rows if row["position"] == value)["superseded_at"] == retracted
    second = company.state_of(quarter.objective, other).reference
    assert [row["name"] for row in ask(HistoryOf(second))["entries"]] == ["key_result.added"]
    assert retracted not in [row["position"] for row in ask(HistoryOf("KR-1"), value)["entries"]]


def test_a_policy_does_not_reach_a_quarter_that_was_over_when_it_was_adopted(
    asking: Callable[[Quarter], Ask],
) -> None:
    # given a quarter that ended with a measure at its very target, which counts as met
    quarter = Quarter()
    company = quarter.company
    objective = company.drafted()
    keep = company.key_result(objective, measure={"kind": "at_or_above"}, target=point("10"))
    company.do("declare_local", objective=objective, because="It serves nobody else.")
    company.do("commit_objective", objective=objective, confidence="0.7")
    company.on("2026-06-20")
    company.do("record_value", objective=objective, key_result=keep, value="10", measured_on="2026-06-20")
    company.on("2026-07-10").do("close_cycle", cycle="2026-q2")
    closed = company.ledger.position

    # when a stricter policy is adopted weeks after its last day
    company.plan("2026-q4", "2026-10-01", "2026-10-10", "2026-12-31")
    company.on("2026-08-01")
    strict = DEFAULT_POLICY.model_copy(update={"name": "strict", "equal_counts_as_met": False})
    company.do("adopt_policy", policy=strict.model_dump(mode="json"))

    # then the quarter is read as it was, by its own policy, and the next one by the new policy
    ask = asking(quarter)
    for question in (DriftOf(cycle="2026-q2"), DriftOf(item=company.objective(objective).reference)):
        then, now = (ask(question, at) for at in (closed, None))
        scores = [one["objectives"][-1]["scores"]["lines"][0]["score"] for one in (then, now)]
        assert scores == ["1", "1"]
        assert (now["policy_version"], now["basis"]["policy_version"]) == (1, 1)
    board = ask(BoardOf("2026-q2"))
    assert (board["policy"]["version"], board["objectives"][1]["status"]["word"]) == (1, "achieved")
    assert ask(BoardOf("2026-q4"))["basis"]["policy_version"] == 2
    assert ask(FindingsOf())["basis"]["policy_version"] == 2


def test_a_policy_adopted_in_a_quarter_rules_it_from_that_day_on(
    quarter: Quarter, asking: Callable[[Quarter], Ask]
) -> None:
    company = quarter.company
    company.on("2026-05-10")
    other = DEFAULT_POLICY.model_copy(update={"name": "quotients", "bands": "mooncamp"})
    adopted = company.do("adopt_policy", policy=other.model_dump(mode="json")).position

    ask = asking(quarter)
    assert ask(BoardOf("2026-q2"), adopted - 1)["policy"]["bands"] == "viva"
    assert ask(BoardOf("2026-q2"))["policy"]["bands"] == "mooncamp"
    assert ask(BoardOf("2026-q2"), effective_at="2026-05-09")["policy"]["bands"] == "viva"


# -- verify


@pytest.mark.parametrize(
    ("statement", "facet"),
    [
        ("update {} set supersedes = null where supersedes is not null", "supersedes"),
        ("update {} set reference = 'OBJ-77' where reference = 'OBJ-1'", "reference"),
        ("update {} set reference = 'KR-77' where position = 2", "reference"),
    ],
)
def test_verify_names_a_tampered_copy_beside_the_bytes(
    quarter: Quarter, new_settings: Callable[[], Settings], statement: str, facet: str
) -> None:
    changed = quarter.target("50")
    quarter.company.do("amend_entry", position=changed, body={"target": point("60")}, reason=FAULT)
    settings = new_settings()
    restore(settings, (line + b"\n" for line in quarter.company.ledger.lines()))
    with Ledger.open(settings) as ledger:
        tamper(settings, statement)
        difference = verify(ledger, pairs=3).difference
    assert difference is not None
    assert (difference.where, difference.facet) == ("entries", facet)


def test_verify_misses_nothing_at_the_end(quarter: Quarter, new_settings: Callable[[], Settings]) -> None:
    # given a ledger whose last entry was cut off before the projections read it
    settings = new_settings()
    restore(settings, (line + b"\n" for line in quarter.company.ledger.lines()))
    last = quarter.company.ledger.position
    with Ledger.open(settings) as ledger:
        tamper(settings, f"delete from {{}} where position = {last}")
        difference = verify(ledger, pairs=3).difference
    assert difference is not None
    assert difference.position in (last - 1, last)


def tamper(settings: Settings, statement: str) -> None:
    """Change the entries as a superuser can: with the triggers out of the way."""
    with Place.open(settings) as place, connect(place.owner_url, autocommit=True) as connection:
        table = sql.Identifier(settings.schema, "entries")
        connection.execute(sql.SQL("alter table {} disable trigger user").format(table))
        assert connection.execute(sql.SQL(statement).format(table)).rowcount
