"""Answers that are kept: what was recorded elsewhere only moves them on, and a changed name shows all the same."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from aggregates.values import day_of
from api.kept import WORTH_COMPRESSING
from ledger.place import Place
from replay import presenting
from replay.questions import BoardOf, DriftOf, FindingsOf, HistoryOf, Question, Reader
from tests.api.conftest import House


def raw(house: House, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """Return an answer with its bytes as they were sent."""
    with house["rita"].stream("GET", path, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


def questions(house: House, objective: str) -> dict[str, Question]:
    return {
        "/v1/cycles/now/board": BoardOf("now"),
        "/v1/cycles/now/drift": DriftOf("now"),
        "/v1/cycles/now/findings": FindingsOf("now"),
        f"/v1/objectives/{objective}/history": HistoryOf(objective),
    }


def test_answers_move_on_with_every_check_in_and_say_what_one_made_anew_says(house: House) -> None:
    """Given kept answers, when somebody checks in, then each is that of a reader that keeps nothing."""
    here, key_result = house.objective("now")
    elsewhere, _ = house.objective("now", title="Fresher coffee")
    for number in range(4):
        value = {"value": f"{80 - number}", "confidence": "0.6", "what_changed": "Going well."}
        position = house.post(f"/v1/key-results/{key_result}/check-ins", value, by="ines")["position"]
        for item in (here, elsewhere):
            for path, question in questions(house, item).items():
                plain, body = raw(house, path, **{"Accept-Encoding": "identity"})
                packed, content = raw(house, path, **{"Accept-Encoding": "gzip"})
                anew = Reader(house.ledger, house.desk.engine).ask(question, reader=_sight(house))
                assert body == orjson.dumps(anew.body)
                assert orjson.loads(body)["basis"]["position"] == position
                assert plain.headers["Ledger-Position"] == str(position)
                if packed.headers.get("Content-Encoding") != "gzip":
                    assert len(body) <= WORTH_COMPRESSING
                    continue
                unpacker = zlib.decompressobj(
                    wbits=31
                )  # what a browser does: one member and nothing after it
                assert unpacker.decompress(content) == gzip.decompress(content) == body
                assert unpacker.eof
                assert not unpacker.unused_data
                assert packed.headers["ETag"] == plain.headers["ETag"][:-1] + '-gzip"'
                assert raw(house, path, **{"If-None-Match": packed.headers["ETag"]})[0].status_code == 304


def test_no_etag_is_that_of_an_earlier_position(house: House) -> None:
    """Given an answer that a check-in elsewhere only moves on, then its ETag is another: its basis is another."""
    _, key_result = house.objective("now")
    other, _ = house.objective("now")
    seen = set()
    for number in range(3):
        house.post(f"/v1/key-results/{key_result}/check-ins", {"value": f"{70 - number}"}, by="ines")
        seen.add(house["rita"].get(f"/v1/objectives/{other}/history").headers["ETag"])
    assert len(seen) == 3


def test_somebody_new_is_named_at_once_and_an_erased_name_goes_with_the_next_look(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a kept board, then who joined is named on the next; a name that went goes when the directory is due."""
    assert "Zoe" not in _names(house)
    zoe = house.join("zoe", "owner")
    house.objective("now", owner="zoe")
    assert "Zoe" in _names(house)
    house.ledger.directory.erase(UUID(zoe))
    monkeypatch.setattr(presenting, "NAMES_SECONDS", 0)
    assert "Zoe" not in _names(house)


def test_an_erased_text_goes_with_the_next_look(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given kept histories, of now and of the past, when their author's key is erased, then the text is gone."""
    objective, key_result = house.objective("now")
    house.join("zeno", "steward")
    told = {"value": "64", "confidence": "0.6", "what_changed": "Only Zeno can say."}
    position = house.post(f"/v1/key-results/{key_result}/check-ins", told, by="zeno")["position"]
    paths = [f"/v1/objectives/{objective}/history{at}" for at in ("", f"?as_of={position}")]
    assert all("Only Zeno" in house["rita"].get(path).text for path in paths)
    house.ledger.keys.erase(UUID(house.people["zeno"]))
    monkeypatch.setattr(presenting, "NAMES_SECONDS", 0)
    for path in paths:
        found = house["rita"].get(path)
        assert "Only Zeno" not in found.text
        assert '"text":null' in found.text


def test_who_waited_for_an_answer_reads_no_text_that_was_erased_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective, key_result = house.objective("now")
    house.join("zora", "steward")
    reader = house.desk.reader
    # given a history that is kept, and somebody who looked where everything stands and waits for a place
    for value in ("64", "63"):
        told = {"value": value, "what_changed": "Only Zora can say."}
        house.post(f"/v1/key-results/{key_result}/check-ins", told, by="zora")
        assert "Only Zora" in house["rita"].get(f"/v1/objectives/{objective}/history").text
    found, sight = reader.standing(), _sight(house)
    # when a key is erased, and the time is over for which its text was taken as it was read
    house.ledger.keys.erase(UUID(house.people["zora"]))
    monkeypatch.setattr(presenting, "NAMES_SECONDS", 0)
    today = day_of(found.now, house.ledger.zone)
    answer = reader.from_kept(HistoryOf(objective), found.generation, found.head, today=today, reader=sight)
    # then the answer does not hold it
    assert answer is not None
    assert b"Only Zora" not in answer.content()


def test_a_text_that_could_not_be_opened_is_not_kept_as_an_erased_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a history that was read while the master key was away, when it is back, then the next look opens it."""
    objective, key_result = house.objective("now")
    told = {"value": "64", "confidence": "0.6", "what_changed": "The oven is warm."}
    position = house.post(f"/v1/key-results/{key_result}/check-ins", told, by="ines")["position"]
    paths = [f"/v1/objectives/{objective}/history{at}" for at in ("", f"?as_of={position}")]
    keys = house.ledger.keys
    right = keys._settings, keys._master
    keys._settings, keys._master = replace(keys._settings, master_key="A" * 43 + "="), None
    try:
        assert all('"text":null' in house["rita"].get(path).text for path in paths)
    finally:
        keys._settings, keys._master = right
    monkeypatch.setattr(presenting, "NAMES_SECONDS", 0)
    assert all("The oven is warm." in house["rita"].get(path).text for path in paths)


def test_a_source_s_version_that_was_renamed_is_seen_whatever_its_length(house: House) -> None:
    directory = house.ledger.directory
    directory.note_versions("git", {"a": "Ada wrote this"})
    before = directory.erased()
    assert directory.erased() == before
    with Place.open(house.ledger.settings) as place, place.as_owner() as owner:
        owner.execute("update source_versions set subject = 'Somebody wrote' where version = 'a'")
    assert len("Ada wrote this") == len("Somebody wrote")
    assert directory.erased() != before


def test_a_bare_item_is_made_again_only_when_it_changed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a bare objective that was read, when others are checked in on, then it is not made again; and when it is
    checked in on, when a name or who may see it changes, then what is read is what is so.
    """
    here, key_result = house.objective("now", title="Warm rolls")
    _, elsewhere = house.objective("now")
    made: list[str] = []
    bare = house.desk.reader.bare

    def noted(stream: str, **more: Any) -> dict[str, Any]:
        made.append(stream)
        return bare(stream, **more)

    monkeypatch.setattr(house.desk.reader, "bare", noted)

    def read(by: str = "rita") -> httpx.Response:
        return house[by].get(f"/v1/objectives/{here}")

    # and given that the directory, in which others were erased before, was just read and is not due again
    monkeypatch.setattr(presenting, "NAMES_SECONDS", 0)
    read()
    monkeypatch.setattr(presenting, "NAMES_SECONDS", 1_000_000)
    made.clear()
    first = read()
    house.post(f"/v1/key-results/{elsewhere}/check-ins", {"value": "64"}, by="ines")
    again = read()
    assert made == []
    assert again.content == first.content
    assert int(again.headers["Ledger-Position"]) > int(first.headers["Ledger-Position"])
    house.post(f"/v1/key-results/{key_result}/check-ins", {"value": "63"}, by="ines")
    assert '"63"' in read().text
    assert read().headers["ETag"] != first.headers["ETag"]
    house.post(f"/v1/objectives/{here}/visibilities", {"visibility": "people", "people": ["ines"]})
    assert read().status_code == 404
    assert "Warm rolls" in read("ines").text


def _names(house: House) -> list[Any]:
    people = house.get("/v1/cycles/now/board", by="rita")["people"]
    return [one["name"] for one in people.values()]


def _sight(house: House) -> Any:
    return Reader(house.ledger, house.desk.engine).sights.now(f"person:{house.people['rita']}")
