"""Attacks on the HTTP door: what is no command, who sends slowly, what must not be told.

Every test here failed once, or holds a wall that was leaned on.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from api import connection as door
from tests.api.conftest import House, house
from tests.waiting import PATIENCE, until

__all__ = ["house"]


def test_the_longest_narratives_are_taken(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # given two narratives of the longest kind, which filled more than a page of the database
    _, key_result = house.objective("now")
    body = {"confidence": "0.5", "what_changed": "a" * 4_000, "needs_decision": "b" * 4_000}
    house.post(f"/v1/key-results/{key_result}/check-ins", body, by="ines")
    # and when they are too long for an entry, that is said at once and not "connection lost" after many attempts
    application, attempts = house.ledger._application, list[int]()
    put = application.put

    def noted(*told: Any, **more: Any) -> Any:
        attempts.append(1)
        return put(*told, **more)

    monkeypatch.setattr(application, "put", noted)
    body = {"confidence": "0.5", "what_changed": "\N{GRINNING FACE}" * 4_000, "needs_decision": "漢" * 4_000}
    house.refused(f"/v1/key-results/{key_result}/check-ins", body, "append_is_too_large", by="ines")
    assert len(attempts) <= 1


def test_sealed_text_from_outside_is_refused_and_cannot_stop_a_history(house: House) -> None:
    # given an owner's check-in with a narrative
    objective, key_result = house.objective("now")
    body = {"confidence": "0.5", "what_changed": "The new oven came."}
    receipt = house.post(f"/v1/key-results/{key_result}/check-ins", body, by="ines")
    stored = house.get(f"/v1/entries/{receipt['position']}")["data"]["body"]
    # when the owner amends it with a seal that opens nothing
    forged = {
        **stored,
        "what_changed": {**stored["what_changed"], "commitment": "0" * 64, "ciphertext": "AAAA"},
    }
    house.refused(
        f"/v1/entries/{receipt['position']}/amendments",
        {"body": forged},
        "body_is_invalid",
        "/body/what_changed",
        by="ines",
    )
    # then it is refused; the seal as it stands is taken, and the history answers
    house.post(
        f"/v1/entries/{receipt['position']}/amendments", {"body": {**stored, "confidence": "0.6"}}, by="ines"
    )
    house.get(f"/v1/objectives/{objective}/history", by="rita")


def test_without_its_master_key_everything_but_personal_text_is_answered(house: House) -> None:
    objective, key_result = house.objective("now")
    path = f"/v1/key-results/{key_result}/check-ins"
    house.post(path, {"confidence": "0.5", "what_changed": "Only Ines may know."}, by="ines")
    keys = house.ledger.keys
    right, keys._settings, keys._master = (
        keys._settings,
        replace(keys._settings, master_key="A" * 43 + "="),
        None,
    )
    try:
        house.get(f"/v1/objectives/{objective}/history", by="rita")
        for body, headers in (
            ({"confidence": "0.5", "what_changed": "x"}, {}),
            ({"confidence": "0.5"}, {"Idempotency-Key": "lost"}),
        ):
            answer = house["ines"].post(path, json=body, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (503, "/v1/problems/master_key_is_away")
    finally:
        keys._settings, keys._master = right, None


def test_nobody_ratifies_what_was_changed_on_another_s_objective(house: House) -> None:
    # given Tom's softened target, and Ines, who owns another objective
    mine, _ = house.objective("now", owner="ines")
    _, his = house.objective("now", owner="tom", title="Another")
    change = {
        "target": {"kind": "point", "at": "50"},
        "reason": {"kind": "recalibration", "text": "Too hard."},
    }
    cause = house.post(f"/v1/key-results/{his}/target-changes", change, by="tom")["position"]
    # when she writes down a decision on her own objective that ratifies his change
    told = {"text": "We agreed.", "decided_by": "ines", "touches": [mine], "ratifies": [cause]}
    # then that is refused: it would answer the auditor's question about him
    house.refused("/v1/decisions", told, "action_is_not_allowed", by="ines")


@pytest.mark.parametrize("item", ["OBJ-99999999999999999999", "KR-4294967296", "OBJ-\u0663", "OBJ-0"])
def test_a_reference_that_cannot_be_is_unknown(house: House, item: str) -> None:
    for path in ("/v1/objectives/{}/history", "/v1/key-results/{}/history", "/v1/objectives/{}/drift"):
        assert house["rita"].get(path.format(item)).status_code == 404


@pytest.mark.parametrize("name", ["Ev\u202eil", "a\u2066b"])
def test_no_name_reads_in_another_order_than_it_is_kept(house: House, name: str) -> None:
    house.refused("/v1/teams", {"name": name}, "body_is_invalid", "/name")


def knock(house: House, data: bytes, *, seconds: float = PATIENCE) -> bytes:
    """Send these bytes and return what comes back until the door closes the connection."""
    place = urlsplit(house.address)
    with socket.create_connection((place.hostname, place.port or 80), timeout=seconds) as raw:
        raw.sendall(data)
        parts = []
        while part := raw.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def request_of(house: House, path: str, length: int, by: str = "ada") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.tokens[by]}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()


def test_half_a_command_is_none(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a command whose body may be empty, sent with a body that is cut off
    house.cycle("cut", opened=False)
    before = house.ledger.head().position
    place, left, lost = urlsplit(house.address), list[str](), door.PunctualProtocol.connection_lost

    def noted(connection: Any, error: Any) -> None:
        cycle = connection._answering
        lost(connection, error)
        if cycle is not None and cycle.scope["path"].endswith("/cut/openings"):
            left.append(cycle.scope["path"])

    monkeypatch.setattr(door.PunctualProtocol, "connection_lost", noted)
    for number, part in enumerate((b"", b'{"reason":{"kind":"external","text":"It'), 1):
        with socket.create_connection((place.hostname, place.port or 80)) as raw:
            raw.sendall(request_of(house, "/v1/cycles/cut/openings", 500) + part)
        until(lambda number=number: len(left) == number)  # type: ignore[misc]
    # then nothing was recorded: once the part that came was taken for the whole
    house.get("/v1/cycles")
    assert house.ledger.head().position == before


@pytest.mark.parametrize("whole", ["GET /v1/health HTTP/1.1\r\nHost: x\r\n", "body"])
def test_who_sends_slowly_is_hung_up_on(house: House, whole: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "REQUEST_SECONDS", 0.5)
    slow = request_of(house, "/v1/teams", 100) + b"{" if whole == "body" else whole.encode()
    began, answer = time.monotonic(), b""
    with suppress(ConnectionError):  # where it came too late even for its first byte
        answer = knock(house, slow)
    assert answer == b""
    assert time.monotonic() - began > 0.3


def test_what_is_no_http_is_answered_as_a_problem(house: House) -> None:
    for nonsense in (b"GET\r\n\r\n", b"\x00\x01\r\n\r\n", request_of(house, "/v1/teams", -5)):
        answer = knock(house, nonsense)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in head
        assert json.loads(body)["type"] == "/v1/problems/request_is_malformed"


@pytest.mark.parametrize(
    ("head", "status", "says"),
    [
        ("GET /v1/health HTTP/1.1\r\n", 400, "Host"),
        ("GET /v1/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400, "Host"),
        ("GET /v1/health HTTP/2.0\r\nHost: a\r\n", 505, "HTTP/1.1"),
        (f"GET /v1/health?{'x' * 20_000} HTTP/1.1\r\nHost: a\r\n", 400, "16,384 bytes"),
        (f"GET /v1/health HTTP/1.1\r\nHost: a\r\n{'X: ' + 'x' * 20_000}", 400, "16,384 bytes"),
        ("MISLAY /v1/health HTTP/1.1\r\nHost: a\r\n", 405, "method"),
        (
            "POST /v1/teams HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            400,
            "HTTP/1.1",
        ),
    ],
)
def test_a_head_that_must_not_be_answered_is_refused_in_words(
    house: House, head: str, status: int, says: str
) -> None:
    answer, _, body = knock(house, f"{head}\r\n".encode()).partition(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert says in json.loads(body)["detail"] + json.loads(body)["title"]


def test_nonsense_behind_a_request_is_no_answer_to_it(house: House) -> None:
    # given a request that is whole, and behind it what is no HTTP
    whole = request_of(house, "/v1/cycles/cut-off/openings", 2) + b"{}"
    answer = knock(house, whole + b"\x00\x01\r\n\r\n")
    # then the request has its own answer, and nothing else is said on this connection
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_who_asks_for_another_protocol_is_answered_in_this_one(house: House) -> None:
    head = b"GET /v1/health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    answer = knock(house, head + b"\x81\x05frame")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer


def test_two_tokens_are_none(house: House) -> None:
    headers = [
        ("Authorization", f"Bearer {house.tokens['ada']}"),
        ("Authorization", "Bearer strategy_ledger_p_other"),
    ]
    for sent in (headers, headers[::-1]):
        assert house["nobody"].get("/v1/cycles", headers=sent).status_code == 401


def test_two_senders_of_one_idempotency_key_record_once(house: House) -> None:
    _, key_result = house.objective("now")
    before = house.ledger.head().position
    together = threading.Barrier(8)

    def send(_: int) -> int:
        together.wait()
        body = {"confidence": "0.5"}
        path = f"/v1/key-results/{key_result}/check-ins"
        return house["ines"].post(path, json=body, headers={"Idempotency-Key": "race"}).status_code

    house["ines"].get("/v1/cycles")
    with ThreadPoolExecutor(8) as senders:
        found = set(senders.map(send, range(8)))
    assert found <= {201, 409}
    assert house.ledger.head().position == before + 1


def test_a_fingerprint_is_no_way_to_guess_an_erased_text(house: House) -> None:
    # given a short narrative under an idempotency key, whose fingerprint is kept for ever
    _, key_result = house.objective("now", owner="tom")
    path, body = f"/v1/key-results/{key_result}/check-ins", {"confidence": "0.5", "what_changed": "ill"}
    headers = {"Idempotency-Key": "erased"}
    first = house["tom"].post(path, json=body, headers=headers)
    assert first.status_code == 201
    assert house["tom"].post(path, json=body, headers=headers).json() == first.json()
    # when its author's key is erased
    house.ledger.keys.erase(UUID(house.people["tom"]))
    # then not even who holds the master key can test a guess against it
    again = house["tom"].post(path, json=body, headers=headers)
    assert again.json()["type"] == "/v1/problems/idempotency_key_reused"


def test_a_key_that_was_used_for_oneself_is_not_good_for_another(house: House) -> None:
    for name in ("rolf", "runa"):
        house.join(name, "steward")
    house.post("/v1/people/rolf/delegations", {"principal": "runa"})
    # given a command under a key, on behalf of somebody or for oneself
    for first, then in (({"On-Behalf-Of": "runa"}, {}), ({}, {"On-Behalf-Of": "runa"})):
        key, body = {"Idempotency-Key": f"for {len(first)}"}, {"name": f"Bakers {len(first)}"}
        receipt = house.post("/v1/teams", body, by="rolf", headers={**first, **key})
        # when it is sent again, then it is answered; but not for whom it was not recorded
        assert house.post("/v1/teams", body, by="rolf", headers={**first, **key}) == receipt
        other = house.post("/v1/teams", body, by="rolf", headers={**then, **key}, status=422)
        assert other["type"] == "/v1/problems/idempotency_key_reused"


def test_a_number_of_any_length_in_an_amendment_is_refused(house: House) -> None:
    _, key_result = house.objective("now")
    position = house.post(f"/v1/key-results/{key_result}/check-ins", {"confidence": "0.5"}, by="ines")[
        "position"
    ]
    for number in (10**30, 10**300):
        for headers in ({}, {"Idempotency-Key": f"long {number % 7}"}):
            path = f"/v1/entries/{position}/amendments"
            house.refused(
                path, {"body": {"confidence": number}}, "amendment_does_not_fit", by="ines", headers=headers
            )


def test_readiness_tells_strangers_nothing_of_an_entry(house: House) -> None:
    # given a projection that stopped with a sentence that repeats what an entry says
    engine = house.desk.engine
    with house.ledger.pool.connection() as connection:
        generation = engine.control.prepare(connection)
        engine.bookmarks.stop(
            connection, generation, "board", 7, "Entry 7: input_value='Only Ines may know.'"
        )
        try:
            stranger, steward = (house[who].get("/v1/ready") for who in ("nobody", "ada"))
        finally:
            engine.bookmarks.stop(connection, generation, "board", None, None)  # type: ignore[arg-type]
    assert (stranger.status_code, steward.status_code) == (503, 503)
    assert set(stranger.json()) == {"status", "detail"}
    assert steward.json()["stopped"]["board"]["entry"] == 7
    assert "Ines" not in stranger.text + steward.text


def test_the_server_s_log_repeats_no_row(house: House) -> None:
    # given an address that is taken, which the database refuses with the row in its detail
    if not house.ledger.place.embedded:
        pytest.skip("the log of a server of your own is its operator's")
    house.refused("/v1/people", {"name": "P", "email": "ines@example.org"}, "handle_is_taken")
    log = house.ledger.settings.data_dir / "postgres" / "server.log"
    assert "ines@example.org" not in log.read_text(errors="replace")
