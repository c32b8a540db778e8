"""Key results: their measures, targets and values, their check-ins and scores."""

from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import ValidationError

from aggregates.commands import COMMANDS
from aggregates.policy import DEFAULT_POLICY
from aggregates.refusals import (
    HorizonIsOutsideTheCycle,
    IdentifierIsTaken,
    KeyResultIsDropped,
    KeyResultIsScored,
    KeyResultIsUnknown,
    NarrativeIsMissing,
    NothingChanges,
    NumberIsOutOfRange,
    ObjectiveIsNotCommitted,
    PersonIsUnknown,
    PolicyContradictsItself,
    TargetDoesNotFitMeasure,
    TargetEqualsBaseline,
    TooManyKeyResults,
    ValueDoesNotFitMeasure,
)
from tests.rules.company import INCREASE, SCOPE, Company

STAGES = {"kind": "stages", "stages": [{"name": "Alpha", "weight": "0.4"}, {"name": "Beta", "weight": "0.6"}]}
SEALED = {"key_id": UUID(int=5), "commitment": "0" * 64, "ciphertext": "c2VhbGVk"}


@pytest.fixture
def company() -> Company:
    return Company()


def add(company: Company, objective: UUID, **fields):
    given = {
        "objective": objective,
        "key_result": company.ledger.new_id(),
        "reference": "KR-77",
        "title": "t",
    }
    return given | INCREASE | {"owner": company.ada} | fields


def test_a_target_that_equals_the_baseline_is_refused(company: Company) -> None:
    objective = company.drafted()
    company.refused(
        TargetEqualsBaseline, "add_key_result", **add(company, objective, baseline="100"), field="/target"
    )
    key_result = company.key_result(objective)
    item = {"objective": objective, "key_result": key_result}
    company.refused(TargetEqualsBaseline, "change_target", **item, target={"kind": "point", "at": "0.0"})
    company.refused(TargetEqualsBaseline, "correct_baseline", **item, baseline="100")
    measured = {"measure": {"kind": "decrease"}, "baseline": "7", "target": {"kind": "point", "at": "7"}}
    company.refused(TargetEqualsBaseline, "change_measure", **item, **measured, field="/target")
    steps = {"kind": "steps", "steps": [{"on": "2026-05-01", "at": "9"}, {"on": "2026-06-01", "at": "5"}]}
    phased = add(company, objective, measure={"kind": "phased"}, baseline="5", target=steps)
    company.refused(TargetEqualsBaseline, "add_key_result", **phased, field="/target")


def test_an_import_that_accepts_faults_takes_an_equal_target(company: Company) -> None:
    objective = company.drafted()
    fields = add(company, objective, baseline="100")
    company.refused(TargetEqualsBaseline, "add_key_result", imported=True, **fields)
    company.do("add_key_result", imported=True, accept_faults=True, **fields)


@pytest.mark.parametrize(
    ("kind", "baseline", "target"),
    [
        ("increase", "10", {"kind": "point", "at": "5"}),
        ("decrease", "5", {"kind": "point", "at": "10"}),
        ("increase", None, {"kind": "point", "at": "5"}),
        ("increase", "1", {"kind": "done"}),
        ("band", None, {"kind": "point", "at": "5"}),
        ("yes_no", None, STAGES),
        ("phased", "1", {"kind": "steps", "steps": [{"on": "2026-07-31", "at": "5"}]}),
    ],
)
def test_a_target_fits_its_measure(company: Company, kind: str, baseline: str | None, target: dict) -> None:
    fields = add(company, company.drafted(), measure={"kind": kind}, baseline=baseline, target=target)
    company.refused(TargetDoesNotFitMeasure, "add_key_result", **fields)


@pytest.mark.parametrize(
    ("kind", "target", "good", "bad"),
    [
        ("at_or_above", {"kind": "point", "at": "5"}, "4.25", True),
        ("band", {"kind": "band", "low": "1", "high": "2"}, "1.5", ["Alpha"]),
        ("milestones", STAGES, ["Alpha"], ["Gamma"]),
        ("milestones", STAGES, ["Alpha", "Beta"], ["Alpha", "Alpha"]),
        ("milestones", STAGES, [], "1"),
        ("yes_no", {"kind": "done"}, True, "1"),
        ("at_or_below", {"kind": "point", "at": "5"}, -3, False),
    ],
)
def test_a_value_fits_its_measure(company: Company, kind: str, target: dict, good, bad) -> None:
    objective = company.drafted()
    key_result = company.key_result(objective, measure={"kind": kind}, target=target)
    company.on("2026-05-20")
    item = {"objective": objective, "key_result": key_result}
    company.refused(ValueDoesNotFitMeasure, "record_value", **item, value=bad, field="/value")
    company.do("check_in", **item, value=good)


def test_a_stage_that_does_not_exist_is_answered_with_those_that_do(company: Company) -> None:
    objective = company.drafted()
    key_result = company.key_result(objective, measure={"kind": "milestones"}, target=STAGES)
    company.on("2026-05-20")
    told = company.refused(
        ValueDoesNotFitMeasure, "record_value", objective=objective, key_result=key_result, value=["Gamma"]
    )
    assert told.detail == (
        "A staged measure takes the names of its finished stages, each once: Alpha, Beta; “Gamma” is none of them."
    )


def test_the_policy_says_how_many_digits_are_kept(company: Company) -> None:
    policy = DEFAULT_POLICY.model_copy(update={"number_digits_before": 3, "number_digits_after": 1})
    company.do("adopt_policy", policy=policy)
    objective = company.drafted()
    key_result = company.key_result(objective)
    company.on("2026-05-20")
    item = {"objective": objective, "key_result": key_result}
    company.refused(NumberIsOutOfRange, "record_value", **item, value="1000", field="/value")
    company.refused(NumberIsOutOfRange, "record_value", **item, value="1.25")
    company.refused(NumberIsOutOfRange, "change_target", **item, target={"kind": "point", "at": "1000"})
    company.refused(NumberIsOutOfRange, "correct_baseline", **item, baseline="0.25", field="/baseline")
    company.do("record_value", **item, value="999.5")


def test_a_policy_does_not_contradict_itself(company: Company) -> None:
    policy = DEFAULT_POLICY.model_copy(update={"confidence_low_below": Decimal("0.9")})
    company.refused(PolicyContradictsItself, "adopt_policy", policy=policy)


@pytest.mark.parametrize(
    "raw",
    ["1e400", "NaN", "Infinity", "-Infinity", 10**15, "1000000000000000", "0.1234567", "ten", True, None, {}],
)
def test_a_number_out_of_range_or_not_finite_never_reaches_the_rules(raw) -> None:
    fields = {"objective": UUID(int=1), "key_result": UUID(int=2), "baseline": raw}
    with pytest.raises(ValidationError):
        COMMANDS["correct_baseline"].model_validate(fields)


@pytest.mark.parametrize("raw", ["a\x00b", "a\nb", "", "   ", "x" * 201, "a\u2028b", "\ud800"])
def test_a_control_character_or_an_over_long_line_never_reaches_the_rules(raw: str) -> None:
    with pytest.raises(ValidationError):
        COMMANDS["reword_objective"].model_validate({"objective": UUID(int=1), "title": raw})
    with pytest.raises(ValidationError):
        COMMANDS["declare_local"].model_validate({"objective": UUID(int=1), "because": "y" * 4001})


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"]
)
def test_an_instant_far_away_or_without_an_offset_never_reaches_the_rules(text: str) -> None:
    with pytest.raises(ValidationError):
        COMMANDS["add_person"].model_validate({"person": UUID(int=1), "effective_at": text})


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("band", {"kind": "band", "low": "2", "high": "2"}),
        ("band", {"kind": "band", "low": "3", "high": "2"}),
        ("milestones", {"kind": "stages", "stages": [{"name": "A", "weight": "0.5"}, {"name": "A", "weight": "0.5"}]}),
        ("milestones", {"kind": "stages", "stages": [{"name": "A", "weight": "0.6"}, {"name": "B", "weight": "0.5"}]}),
        ("phased", {"kind": "steps", "steps": [{"on": "2026-05-01", "at": "1"}, {"on": "2026-04-01", "at": "2"}]}),
        ("phased", {"kind": "steps", "steps": [{"on": "2026-05-01", "at": "1"}, {"on": "2026-05-01", "at": "2"}]}),
    ],
)  # fmt: skip
def test_a_target_that_contradicts_itself_never_reaches_the_rules(
    company: Company, kind: str, target: dict
) -> None:
    fields = add(company, company.drafted(), measure={"kind": kind}, target=target)
    with pytest.raises(ValidationError):
        COMMANDS["add_key_result"].model_validate(fields)


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "2200-01-01", "9999-12-31"])
def test_a_day_far_away_never_reaches_the_rules(day: str) -> None:
    item = {"objective": UUID(int=1), "key_result": UUID(int=2)}
    with pytest.raises(ValidationError):
        COMMANDS["redate_key_result"].model_validate({**item, "ends_on": day})
    with pytest.raises(ValidationError):
        COMMANDS["record_value"].model_validate({**item, "value": "1", "measured_on": day})


def test_a_key_result_ends_within_its_objectives_cycle(company: Company) -> None:
    objective = company.drafted()
    company.refused(
        HorizonIsOutsideTheCycle,
        "add_key_result",
        **add(company, objective, ends_on="2026-07-01"),
        field="/ends_on",
    )
    key_result = company.key_result(objective, ends_on="2026-06-30")
    item = {"objective": objective, "key_result": key_result}
    company.refused(HorizonIsOutsideTheCycle, "redate_key_result", **item, ends_on="2026-03-31")


def test_the_first_and_the_last_day_of_the_cycle_belong_to_a_key_result(company: Company) -> None:
    objective = company.drafted()
    for day in ("2026-04-01", "2026-06-30"):
        company.key_result(objective, ends_on=day)
    steps = [{"on": "2026-04-01", "at": "1"}, {"on": "2026-06-30", "at": "5"}]
    company.key_result(
        objective, measure={"kind": "phased"}, baseline="0", target={"kind": "steps", "steps": steps}
    )


def test_a_key_result_is_known_once(company: Company) -> None:
    objective = company.drafted()
    fields = add(company, objective)
    company.do("add_key_result", **fields)
    company.refused(IdentifierIsTaken, "add_key_result", **fields, field="/key_result")
    company.refused(IdentifierIsTaken, "add_key_result", **add(company, objective), field="/reference")
    company.refused(KeyResultIsUnknown, "drop_key_result", objective=objective, key_result=UUID(int=9))


def test_an_objective_holds_at_most_fifty_key_results(company: Company) -> None:
    objective = company.drafted()
    added = [company.key_result(objective) for _ in range(50)]
    company.refused(TooManyKeyResults, "add_key_result", **add(company, objective))
    company.do("drop_key_result", objective=objective, key_result=added[0])
    company.key_result(objective)


def test_a_dropped_key_result_takes_nothing(company: Company) -> None:
    objective, key_result = company.committed()
    company.on("2026-05-20")
    item = {"objective": objective, "key_result": key_result}
    company.do("drop_key_result", **item, reason=SCOPE)
    company.refused(KeyResultIsDropped, "check_in", **item, confidence="0.5", field="/key_result")
    company.refused(KeyResultIsDropped, "record_value", **item, value="5")
    company.refused(KeyResultIsDropped, "score_key_result", **item, score="0.5")
    company.refused(KeyResultIsDropped, "change_weight", **item, weight="5", reason=SCOPE)
    company.do("key_result_recorded_in_error", **item, reason=SCOPE)
    refused = company.refused(KeyResultIsDropped, "check_in", **item, confidence="0.5")
    assert refused.detail.endswith("was recorded in error.")


def test_a_low_confidence_asks_for_a_word_on_what_changed(company: Company) -> None:
    objective, key_result = company.committed()
    company.on("2026-05-20")
    item = {"objective": objective, "key_result": key_result, "confidence": "0.3"}
    company.refused(NarrativeIsMissing, "check_in", **item, field="/what_changed")
    stranger = {"author": UUID(int=9), **SEALED}
    company.refused(PersonIsUnknown, "check_in", **item, what_changed=stranger, field="/what_changed")
    company.do("check_in", **item, what_changed={"author": company.ada, **SEALED}, said="off_track")
    company.do("check_in", **(item | {"confidence": "0.4"}))
    company.do("check_in", imported=True, **item)
    state = company.state_of(objective, key_result)
    assert (len(state.confidence), len(state.said), len(state.check_in)) == (3, 1, 3)


def test_the_policy_of_its_line_says_when_a_check_in_needs_a_word(company: Company) -> None:
    objective, key_result = company.committed()
    stricter = DEFAULT_POLICY.model_copy(
        update={
            "name": "stricter",
            "confidence_low_below": Decimal("0.6"),
            "confidence_high_from": Decimal("0.8"),
        }
    )
    company.do("adopt_policy", policy=stricter)
    later, other = company.committed()
    company.on("2026-05-20")
    half = {"confidence": "0.5"}
    company.do("check_in", objective=objective, key_result=key_result, **half)
    company.refused(NarrativeIsMissing, "check_in", objective=later, key_result=other, **half)
    company.do("adopt_policy", policy=stricter.model_copy(update={"narrative_when_low": False}))
    latest, third = company.committed()
    company.do("check_in", objective=latest, key_result=third, **half)


def test_what_the_owner_says_alone_is_a_check_in(company: Company) -> None:
    objective, key_result = company.committed()
    company.do("check_in", objective=objective, key_result=key_result, said="behind")
    assert company.state_of(objective, key_result).said.now == "behind"


def test_a_final_score_is_given_once_and_then_amended(company: Company) -> None:
    draft = company.drafted()
    company.refused(
        ObjectiveIsNotCommitted,
        "score_key_result",
        objective=draft,
        key_result=company.key_result(draft),
        score="1",
    )
    objective, key_result = company.committed()
    item = {"objective": objective, "key_result": key_result}
    scored = company.do("score_key_result", **item, score="0.6")
    company.refused(NothingChanges, "score_key_result", **item, score="0.60")
    company.refused(KeyResultIsScored, "score_key_result", **item, score="0.7")
    company.do("amend_entry", position=scored.position, body={"score": "0.7"})
    assert company.state_of(objective, key_result).score.now == Decimal("0.7")
