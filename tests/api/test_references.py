"""References are said in meetings: a number that was never given makes people ask what it was."""

from __future__ import annotations

from tests.api.conftest import House
from tests.api.test_bad_input import draft, key_result


def test_what_is_refused_uses_up_no_reference(house: House) -> None:
    """Given drafts that are refused, previewed and repeated, then the next one has the next number."""
    objective, first = house.objective("now", committed=False)
    numbers = [int(text.partition("-")[2]) for text in (objective, first)]
    house.refused("/v1/objectives", draft(cycle="never"), "cycle_is_unknown", "/cycle")
    house.refused("/v1/objectives", draft(), "action_is_not_allowed", by="rita")
    same = f"/v1/objectives/{objective}/key-results"
    house.refused(same, key_result(baseline="40"), "target_equals_baseline", "/target")
    house.post("/v1/objectives?dry_run=true", draft(), status=200)
    twice = [house.post("/v1/objectives", draft(), headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [list(one["references"]) for one in twice] == [[f"OBJ-{numbers[0] + 1}"]] * 2
    assert list(house.post("/v1/objectives", draft())["references"]) == [f"OBJ-{numbers[0] + 2}"]
    changes = [
        {"command": "add_key_result", "objective": objective, **key_result(title=name)} for name in ("A", "B")
    ]
    decision = {"text": "We measure more.", "decided_by": "ada", "changes": changes}
    wrong = {**decision, "changes": [*changes, {**changes[0], "baseline": "40"}]}
    house.refused("/v1/decisions", wrong, "target_equals_baseline")
    previewed = house.post("/v1/decisions?dry_run=true", decision, status=200)
    assert sum(one["name"] == "key_result.added" for one in previewed["events"]) == 2
    told = house.post("/v1/decisions", decision)
    assert list(told["references"]) == [f"KR-{numbers[1] + 1}", f"KR-{numbers[1] + 2}"]


def test_who_is_added_again_under_the_same_key_is_written_down_once(house: House) -> None:
    """Given a person who is added twice under one key, then the directory knows one of that name."""
    body, key = {"name": "Once Only"}, {"Idempotency-Key": "one person"}
    first, again = (house.post("/v1/people", body, headers=key) for _ in range(2))
    assert first["identifiers"] == again["identifiers"]
    assert b"".join(house.ledger.directory.export()).count(b"Once Only") == 1
