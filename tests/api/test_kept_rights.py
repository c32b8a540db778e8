"""What is kept and who may see it: rights that change later, a look that failed, tables that were made anew."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from psycopg import sql

from ledger.codec import RawEntry
from projections.base import Generation
from replay.generations import rebuild
from replay.presenting import LatelyNamed
from replay.questions import BoardOf, Reader
from replay.sight import Sights
from replay.stretch import Trail
from tests.api.conftest import House
from tests.waiting import PATIENCE

_REASON = {"kind": "scope", "text": "We do less."}


class Passing:
    """The house's ledger, with something that is done before it reads."""

    def __init__(self, house: House) -> None:
        self._ledger = house.ledger
        self.fails = False
        self.waits = threading.Event()
        self.waits.set()
        self.waiting = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def read_names(self, *asked: Any) -> list[RawEntry]:
        if self.fails:
            raise ConnectionError("the database is away")
        return self._ledger.read_names(*asked)

    def read_page(self, *asked: Any) -> list[RawEntry]:
        self.waiting.set()
        assert self.waits.wait(PATIENCE)
        return self._ledger.read_page(*asked)


def hidden(house: House) -> tuple[str, str]:
    """Return the reference and the identifier of an objective that only Ines and the offices see."""
    reference, _ = house.objective("now", title="Nightfall")
    house.post(f"/v1/objectives/{reference}/visibilities", {"visibility": "people", "people": ["ines"]})
    return reference, str(house.get(f"/v1/objectives/{reference}")["objective"])


def test_a_decision_that_is_hidden_later_is_in_no_kept_answer(house: House) -> None:
    """Given an answer of the past that tells a decision, when it touches something hidden, then it is told no more."""
    _, objective = hidden(house)
    visible, _ = house.objective("now", title="Everybody knows this")
    shown = house.get(f"/v1/objectives/{visible}")["objective"]
    decided = {"text": "Dusk comes early", "decided_by": "ada", "touches": [visible]}
    receipt = house.post("/v1/decisions", decided)
    position, decision = receipt["position"], receipt["identifiers"]["decision"]
    (told,) = [
        row["position"]
        for row in house.get("/v1/decisions", by="rita")["decisions"]
        if row["decision"] == decision
    ]
    paths = [f"{path}?as_of={position}" for path in ("/v1/decisions", f"/v1/objectives/{visible}/history")]
    before = [house["rita"].get(path) for path in paths]
    assert all("Dusk comes early" in answer.text for answer in before)
    body = {"text": "Dusk comes early", "decided_by": house.people.get("ada") or house.steward}
    house.post(
        f"/v1/entries/{told}/amendments", {"body": {**body, "touches": [shown, objective]}, "reason": _REASON}
    )
    for path, answer in zip(paths, before, strict=True):
        again = house["rita"].get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 200
        assert "Dusk comes early" not in again.text
        assert "Dusk comes early" in house["ines"].get(path).text


@pytest.mark.parametrize("entry", ["of the objective", "of a person"])
def test_a_look_that_failed_reveals_nothing(house: House, entry: str) -> None:
    """Given that the database was away when rights were read anew, then what was hidden is hidden afterwards."""
    reference, objective = hidden(house)
    ledger = Passing(house)
    sights: Any = Sights(ledger)
    rita = f"person:{house.people['rita']}"
    assert objective in sights.now(rita).hidden
    if entry == "of a person":
        house.post("/v1/people/nora/roles", {"role": "reader"})
        house.post("/v1/people/nora/role-revocations", {"role": "reader"})
    else:
        house.post(f"/v1/objectives/{reference}/wordings", {"title": "Nightfall at noon", "reason": _REASON})
    ledger.fails = True
    with pytest.raises(ConnectionError):
        sights.now(rita)
    ledger.fails = False
    assert objective in sights.now(rita).hidden
    assert objective in sights.restricted


def test_somebody_new_is_named_though_the_first_look_failed(house: House) -> None:
    """Given that the database was away when names were due, then the next look reads them."""
    names = LatelyNamed(house.ledger.directory)
    names.refresh(1)
    zoe = house.join("zoe", "reader")
    here, names._directory = names._directory, Nobody()  # type: ignore[assignment]
    with pytest.raises(ConnectionError):
        names.refresh(2)
    names._directory = here
    names.refresh(2)
    assert UUID(zoe) in names.names()


class Nobody:
    """A directory that does not answer."""

    def names(self) -> None:
        raise ConnectionError("the database is away")


def test_a_generation_that_was_dropped_is_asked_no_more(house: House) -> None:
    """Given a reader that keeps, when the tables it was told of are gone, then it asks for the answer instead."""
    _, key_result = house.objective("now")
    reader = Reader(house.ledger, house.desk.engine, keeps=True)
    gone = Generation(house.ledger.schema, 999)
    question = BoardOf("now")
    answers = []
    for value in ("64", "65"):
        position = house.post(f"/v1/key-results/{key_result}/check-ins", {"value": value}, by="ines")[
            "position"
        ]
        answers.append(
            reader.from_kept(question, gone, position, today=house.today, reader=reader.sights.now(""))
        )
    assert answers == [None, None]
    assert reader.ask(question).basis.position == house.ledger.head().position


def test_a_kept_answer_of_the_past_is_noted_when_it_is_read_by_office(house: House) -> None:
    """Given a kept answer of the past, when an objective in it is hidden, then a steward's look at it is noted."""
    reference, _ = house.objective("now", title="Open at first")
    path = f"/v1/objectives/{reference}/drift?as_of={house.ledger.head().position}"
    house["ada"].get(path)
    house.post(f"/v1/objectives/{reference}/visibilities", {"visibility": "people", "people": ["ines"]})
    before = _noted(house)
    house["ada"].get(path)
    assert _noted(house) == before + 1


def test_a_kept_item_is_noted_for_who_sees_it_by_office_alone(house: House) -> None:
    """Given a hidden objective that Ines read, who may, when a steward reads what is kept, then that is noted."""
    reference, _ = house.objective("now", title="For Ines alone")
    house.post(f"/v1/objectives/{reference}/visibilities", {"visibility": "people", "people": ["ines"]})
    before = _noted(house)
    house.get(f"/v1/objectives/{reference}", by="ines")
    assert _noted(house) == before
    house.get(f"/v1/objectives/{reference}", by="ada")
    assert _noted(house) == before + 1


def _noted(house: House) -> int:
    with house.ledger.pool.connection() as connection:
        row = connection.execute(
            sql.SQL("select count(*) from {}.security_log where outcome = 'read_by_office'").format(
                sql.Identifier(house.ledger.schema)
            )
        ).fetchone()
    return int(row[0]) if row else 0


def test_tables_that_were_made_anew_are_read_at_once(house: House) -> None:
    """Given a table that was damaged and an answer from it, when all is rebuilt, then the answer is right again."""
    reference, key_result = house.objective("now", title="Lost and found")
    objective = house.get(f"/v1/objectives/{reference}")["objective"]
    engine = house.desk.engine
    with engine.reading() as reading:
        table = sql.Identifier(house.ledger.schema, f"g{reading.generation.number}_lines")
    with house.ledger.pool.connection() as connection:
        connection.execute(sql.SQL("delete from {} where objective = %s").format(table), [objective])
    path = "/v1/cycles/now/commitments"
    assert objective not in [row["objective"] for row in house.get(path)["objectives"]]
    rebuild(engine)
    assert objective in [row["objective"] for row in house.get(path)["objectives"]]
    house.post(f"/v1/key-results/{key_result}/check-ins", {"value": "61"}, by="ines")
    assert objective in [row["objective"] for row in house.get(path)["objectives"]]


def test_what_is_known_is_told_while_somebody_reads_on(house: House) -> None:
    """Given a trail that waits for the database, then the event loop learns what it asks without waiting for it."""
    _, key_result = house.objective("now")
    ledger = Passing(house)
    trail = Trail(ledger)
    trail.follow(house.ledger.head().position)
    start = house.ledger.head().position
    known = house.post(f"/v1/key-results/{key_result}/check-ins", {"value": "62"}, by="ines")["position"]
    trail.follow(known)
    position = house.post(f"/v1/key-results/{key_result}/check-ins", {"value": "63"}, by="ines")["position"]
    ledger.waits.clear()
    ledger.waiting.clear()
    reader = threading.Thread(target=trail.follow, args=(position,))
    reader.start()
    try:
        assert ledger.waiting.wait(PATIENCE)
        asked = threading.Thread(target=trail.touched, args=(start, known), daemon=True)
        asked.start()
        asked.join(PATIENCE)
        assert not asked.is_alive()
        assert len(trail.touched(start, known) or ()) == 1
        assert trail.touched(start, position) is None
    finally:
        ledger.waits.set()
        reader.join()
    assert len(trail.touched(start, position) or ()) == 1
