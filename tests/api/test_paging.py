"""Lists page by page: every row once, all of one reading, whatever is recorded meanwhile; and what came after."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.api.conftest import House


@pytest.fixture(scope="module")
def scene(house: House) -> tuple[str, str]:
    """An objective whose key result was changed seven times, and a decision for four of these changes."""
    objective, key_result = house.objective("now")
    for at in range(31, 38):
        body: dict[str, Any] = {
            "target": {"kind": "point", "at": str(at)},
            "reason": {"kind": "scope", "text": "Less."},
        }
        house.post(f"/v1/key-results/{key_result}/target-changes", body)
    for number in range(4):
        house.post("/v1/decisions", {"text": f"Decision {number}.", "decided_by": "ada"})
    return objective, key_result


def pages(house: House, path: str, member: str, **parameters: Any) -> list[dict[str, Any]]:
    """Return every page of a list, followed by its links, which say the same as `next_cursor`."""
    answer = house["ada"].get(path, params=parameters)
    found = [answer.json()]
    while "next" in answer.links:
        following = answer.links["next"]["url"]
        assert found[-1]["next_cursor"] in following
        answer = house["ada"].get(following)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
    assert "next_cursor" not in found[-1]
    return found


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("/v1/objectives/{objective}/history", "entries"),
        ("/v1/key-results/{key_result}/history", "entries"),
        ("/v1/findings", "findings"),
        ("/v1/cycles/now/findings", "findings"),
        ("/v1/decisions", "decisions"),
    ],
)
def test_pages_hold_every_row_once(house: House, scene: tuple[str, str], path: str, member: str) -> None:
    path = path.format(objective=scene[0], key_result=scene[1])
    whole = house.get(path)
    found = pages(house, path, member, limit=3)
    assert len(found) > 1
    assert all(len(page[member]) <= 3 for page in found)
    assert [row for page in found for row in page[member]] == whole[member]
    assert {page["basis"]["position"] for page in found} == {whole["basis"]["position"]}


def test_people_come_in_pages_too(house: House, scene: tuple[str, str]) -> None:
    whole = house.get("/v1/people")["people"]
    found = pages(house, "/v1/people", "people", limit=2)
    assert [name for page in found for name in page["people"]] == list(whole)


def test_all_pages_are_of_one_reading(house: House, scene: tuple[str, str]) -> None:
    # given the first page of a list
    first = house.get("/v1/decisions", limit=2)
    # when something is decided before the second is asked for
    house.post("/v1/decisions", {"text": "Meanwhile.", "decided_by": "ada"})
    second = house.get("/v1/decisions", limit=100, cursor=first["next_cursor"])
    # then it is not among them, and the basis is that of the first page
    assert second["basis"] == first["basis"]
    texts = [row["text"] for page in (first, second) for row in page["decisions"]]
    assert "Meanwhile." not in texts
    assert len(set(texts)) == len(texts) == 4


def test_a_page_names_only_whom_it_speaks_of(house: House, scene: tuple[str, str]) -> None:
    page = house.get("/v1/decisions", limit=1)
    assert len(page["people"]) == 1


def test_a_past_list_is_paged_at_its_own_basis(house: House, scene: tuple[str, str]) -> None:
    head = house.ledger.head().position
    found = pages(house, "/v1/findings", "findings", limit=3, as_of=head - 2)
    assert {page["basis"]["position"] for page in found} == {head - 2}


def test_a_cursor_of_elsewhere_is_refused_in_words(house: House, scene: tuple[str, str]) -> None:
    cursor = house.get("/v1/decisions", limit=2)["next_cursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    forged = base64.urlsafe_b64encode(raw[:8] + raw[8:].replace(b"[", b"[ ")).decode().rstrip("=")
    for path, text in [
        ("/v1/findings", cursor),  # of another list
        ("/v1/decisions", forged),
        ("/v1/decisions", cursor[:-3]),
        ("/v1/decisions", "x"),
        ("/v1/decisions", "ä"),
        ("/v1/decisions", "A" * 199),
    ]:
        problem = house.get(path, status=400, cursor=text)
        assert problem["type"] == "/v1/problems/cursor_is_not_valid", text
        assert "next_cursor" in problem["detail"]
    # and with another parameter beside it
    assert house.get("/v1/decisions", status=400, cursor=cursor, since=1)["type"].endswith(
        "cursor_is_not_valid"
    )


@pytest.mark.parametrize("limit", ["0", "5001", "-1", "x"])
def test_a_limit_has_bounds(house: House, limit: str) -> None:
    assert house.get("/v1/decisions", status=422, limit=limit)["errors"][0]["pointer"] == "/query/limit"


def test_a_board_takes_no_limit(house: House) -> None:
    assert house["ada"].get("/v1/cycles/now/board", params={"limit": 3}).status_code == 422


def test_since_gives_what_was_recorded_after(house: House, scene: tuple[str, str]) -> None:
    objective, _ = scene
    entries = house.get(f"/v1/objectives/{objective}/history")["entries"]
    middle = sorted(row["position"] for row in entries)[len(entries) // 2]
    later = house.get(f"/v1/objectives/{objective}/history", since=middle)
    assert later["since"] == middle
    assert [row["position"] for row in later["entries"]] == [
        row["position"] for row in entries if row["position"] > middle
    ]
    drift = house.get("/v1/cycles/now/drift", since=middle)
    changes = [
        change["position"]
        for row in drift["objectives"]
        for one in (row, *row["key_results"])
        for facet in one["facets"]
        for change in facet["changes"]
    ]
    assert changes
    assert min(changes) > middle
    # and a finding that was answered since is there again
    old = house.get("/v1/findings")["findings"][0]
    head = house.ledger.head().position
    assert house.get("/v1/findings", since=head)["findings"] == []
    answer = {"answer": "explained", "text": "So it was."}
    house.post(f"/v1/findings/{old['rule']}/{old['cause']}/answers", answer)
    (again,) = house.get("/v1/findings", since=head)["findings"]
    assert (again["rule"], again["cause"]) == (old["rule"], old["cause"])


def test_since_is_a_position_an_instant_a_date_or_a_mark(house: House, scene: tuple[str, str]) -> None:
    whole = house.get("/v1/decisions")["decisions"]
    first = house.ledger.entry(whole[0]["position"])
    assert first is not None
    at = first.recorded_at.isoformat()
    assert house.get("/v1/decisions", since=0)["decisions"] == whole
    assert house.get("/v1/decisions", since=at)["decisions"] == whole[1:]
    assert house.get("/v1/decisions", since="now:opened")["decisions"] == whole
    for text in ("soon", "999999", "2026-02-30"):
        problem = house.get("/v1/decisions", status=422, since=text)
        assert problem["errors"][0]["pointer"] == "/query/since", problem
        assert "as_of" not in problem["detail"]
