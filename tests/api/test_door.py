"""The door as those see it who run it: its rates, its log, its figures, its traces, its readiness."""

from __future__ import annotations

import io
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from api import middleware, readiness
from api.app import create_app
from api.cli.listening import is_loopback
from api.connection import PunctualProtocol
from api.door import WIDE_OPEN, Door
from api.logs import configure
from api.middleware import BODY_LIMIT
from api.rates import Buckets
from api.readiness import Past
from api.server import in_background
from ledger.settings import SettingsError
from replay.engine import Engine
from replay.questions import Reader
from tests.api.conftest import House
from tests.waiting import PATIENCE


@contextmanager
def another_door(house: House, door: Door = WIDE_OPEN, **more: Any) -> Iterator[httpx.Client]:
    """The same ledger behind a door of its own; nobody's client."""
    engine = Engine(house.ledger)
    app = create_app(
        house.ledger,
        Reader(house.ledger, engine, keeps=True),
        engine,
        house.ledger.settings,
        door=door,
        **more,
    )
    with in_background(app) as address, httpx.Client(base_url=address, timeout=PATIENCE) as client:
        yield client


def of(house: House, name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {house.tokens[name]}"}


# -- rates


def test_a_bucket_fills_at_its_rate() -> None:
    now = [0.0]
    buckets = Buckets("reads", 10, clock=lambda: now[0])
    taken = [buckets.take(b"a") for _ in range(21)]
    assert [one.wait > 0 for one in taken if one] == [False] * 20 + [True]
    other = buckets.take(b"b")
    assert other is not None
    assert other.wait == 0
    now[0] += 0.5
    after = [buckets.take(b"a") for _ in range(6)]
    assert [one.wait > 0 for one in after if one] == [False] * 5 + [True]
    assert Buckets("reads", 0).take(b"a") is None


def test_over_its_rate_a_token_waits_and_others_do_not(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        middleware, "Buckets", partial(Buckets, clock=lambda: 0.0)
    )  # no bucket fills meanwhile
    door = Door(reads_per_second=2, writes_per_second=1, waiting_seconds=0)
    with another_door(house, door) as client:
        answers = [client.get("/v1/cycles", headers=of(house, "rita")) for _ in range(8)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 4
        assert answers[0].headers["ratelimit-policy"] == '"reads";q=4;w=2'
        assert answers[0].headers["ratelimit"] == '"reads";r=3;t=1'
        problem = refused[0].json()
        assert problem["type"] == "/v1/problems/too_many_requests"
        assert "2 reads in a second" in problem["detail"]
        assert int(refused[0].headers["retry-after"]) >= 1
        # writes have a bucket of their own, and so has somebody else; what is open to all has none
        assert client.get("/v1/cycles", headers=of(house, "tom")).status_code == 200
        made = [
            client.post("/v1/teams?dry_run=true", json={"name": "T"}, headers=of(house, "ada"))
            for _ in range(6)
        ]
        assert [answer.status_code for answer in made] == [200] * 2 + [429] * 4
        assert all(client.get("/v1/health").status_code == 200 for _ in range(10))
        figures = client.get("/v1/metrics", headers=of(house, "ada")).text
        assert f'strategy_ledger_rate_limited_total{{kind="reads"}} {len(refused)}.0' in figures


@pytest.mark.parametrize("text", ["-1", "many", "1.5", "9999999", "١"])
def test_a_rate_that_is_none_is_refused_in_words(text: str) -> None:
    with pytest.raises(SettingsError, match="STRATEGY_LEDGER_READS_PER_SECOND"):
        Door.load({"STRATEGY_LEDGER_READS_PER_SECOND": text})
    assert Door.load({"STRATEGY_LEDGER_WRITES_PER_SECOND": "0"}).writes_per_second == 0


# -- the log


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The server's log as JSON lines."""
    out = io.StringIO()
    root = logging.getLogger()
    level = root.level
    handler = configure("json", out)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


def lines(house: House, log: io.StringIO) -> list[dict[str, Any]]:
    """The lines of requests; a line is written after its answer was sent, and before the next request is taken."""
    house["nobody"].get("/v1/health")
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in told if line["logger"] == "strategy_ledger.requests"]


def test_each_request_is_one_line_that_names_nobody(house: House, log: io.StringIO) -> None:
    answers = [
        house["rita"].get("/v1/people/ines@example.org"),
        house["rita"].get("/v1/cycles", params={"as_of": "secret words"}),
        house["rita"].get("/v1/ines@example.org"),
        house["ada"].post(
            "/v1/people", json={"name": "Secret", "email": "secret@example.org"}, params={"dry_run": "true"}
        ),
        house["nobody"].get("/v1/cycles", headers={"Authorization": "Bearer sl_secret"}),
    ]
    told = lines(house, log)
    assert [line["route"] for line in told] == [
        "/v1/people/{person}", "/v1/cycles", "none", "/v1/people", "/v1/cycles",
    ]  # fmt: skip
    assert [line["status"] for line in told] == [answer.status_code for answer in answers]
    assert [line["request"] for line in told] == [answer.headers["x-request-id"] for answer in answers]
    assert [line["bytes"] for line in told] == [len(answer.content) for answer in answers]
    assert told[0]["actor"] == f"person:{house.people['rita']}"
    assert told[0]["position"] == int(answers[0].headers["ledger-position"])
    assert told[1]["problem"] == "basis_is_unknown"
    assert told[4]["actor"] is None
    assert all(line["duration_ms"] > 0 and line["level"] == "info" for line in told)
    assert all(datetime.fromisoformat(line["time"]).tzinfo is not None for line in told)
    for word in ("example.org", "ecret", house.tokens["rita"], "sl_"):
        assert word not in log.getvalue()


def test_an_accident_is_logged_under_its_request(house: House, log: io.StringIO, monkeypatch: Any) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("by design")

    monkeypatch.setattr(house.desk.ledger, "entry", fail)
    answer = house["rita"].get("/v1/entries/1")
    assert answer.status_code == 500
    assert "by design" not in answer.text
    assert lines(house, log)[-1]["level"] == "warning"
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    accident = next(line for line in told if line["level"] == "error")
    assert accident["request"] == answer.headers["x-request-id"]
    assert "by design" in accident["message"]


def test_what_machines_ask_every_few_seconds_is_not_logged(house: House, log: io.StringIO) -> None:
    house["nobody"].get("/v1/health")
    house["nobody"].get("/v1/ready")
    house["ada"].get("/v1/metrics")
    assert lines(house, log) == []
    house["rita"].get("/v1/metrics")
    assert lines(house, log)[0]["status"] == 403


# -- figures


def figures(house: House) -> dict[tuple[str, ...], float]:
    """Return the figures by name and labels."""
    answer = house["ada"].get("/v1/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_figures_count_what_happened(house: House) -> None:
    before = figures(house)
    house.get("/v1/cycles/now/board", by="rita")
    house["rita"].get("/v1/cycles/none/board")
    house["rita"].get("/v1/no-such-place")
    house.post("/v1/teams", {"name": "Counted"}, headers={"Idempotency-Key": "count"})
    house.post("/v1/teams", {"name": "Counted"}, headers={"Idempotency-Key": "count"})
    house["ada"].request("PROPFIND", "/v1/cycles")
    after = figures(house)

    def grown(*name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert grown("strategy_ledger_requests_total", "GET", "/v1/cycles/{cycle}/board", "200") == 1
    assert grown("strategy_ledger_requests_total", "GET", "/v1/cycles/{cycle}/board", "404") == 1
    assert grown("strategy_ledger_requests_total", "GET", "none", "404") == 1
    assert grown("strategy_ledger_requests_total", "other", "/v1/cycles", "405") == 1
    assert grown("strategy_ledger_request_seconds_count", "GET", "/v1/cycles/{cycle}/board") == 2
    assert grown("strategy_ledger_problems_total", "cycle_is_unknown") == 1
    assert grown("strategy_ledger_commands_total", "recorded") == 1
    assert grown("strategy_ledger_commands_total", "replayed") == 1
    assert grown("strategy_ledger_events_recorded_total") == 1
    head = house.ledger.head().position
    assert after["strategy_ledger_head_position",] == head
    assert after["strategy_ledger_projection_position", "board"] == head
    assert after["strategy_ledger_projection_lag_entries", "history"] == 0
    assert after["strategy_ledger_projection_stopped", "drift"] == 0
    assert after["strategy_ledger_up",] == 1
    assert after["strategy_ledger_pool_most",] >= after["strategy_ledger_pool_connections",] >= 1


def test_the_figures_are_for_those_who_operate(house: House) -> None:
    house.join("otto", "operator")
    assert house["otto"].get("/v1/metrics").status_code == 200
    assert house["rita"].get("/v1/metrics").status_code == 403
    assert house["nobody"].get("/v1/metrics").status_code == 401


# -- traces


def test_a_request_is_a_span_that_names_nobody(house: House) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with another_door(house, telemetry={"tracer_provider": provider}) as client:
        answer = client.get(
            "/v1/people/ines@example.org", headers={**of(house, "rita"), "traceparent": parent}
        )
        client.get("/v1/cycles?as_of=ines@example.org", headers=of(house, "rita"))
        client.get("/v1/ines@example.org", headers=of(house, "rita"))
    first, second, third = exporter.get_finished_spans()
    assert first.name == "GET /v1/people/{person}"
    told = dict(first.attributes or {})
    assert told["http.route"] == told["url.path"] == "/v1/people/{person}"
    assert told["http.response.status_code"] == 200
    assert told["strategy_ledger.position"] == int(answer.headers["ledger-position"])
    assert told["strategy_ledger.request_id"] == answer.headers["x-request-id"]
    assert first.parent is not None
    assert f"{first.context.trace_id:032x}" == parent.split("-")[1]
    for span in (first, second, third):
        assert "example.org" not in span.to_json()


def test_who_is_refused_before_a_route_is_reached_has_a_span_of_its_name(house: House) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with another_door(house, telemetry={"tracer_provider": provider}) as client:
        client.get("/v1/people/ines@example.org", headers={"Authorization": "Bearer nobody's"})
        client.post("/v1/teams", content=b" " * (BODY_LIMIT + 1), headers=of(house, "ada"))
        client.head("/v1/cycles", headers=of(house, "rita"))
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["GET /v1/people/{person}", "POST /v1/teams", "HEAD /v1/cycles"]
    assert [(span.attributes or {})["http.response.status_code"] for span in spans] == [401, 413, 200]
    for span in spans:
        assert (span.attributes or {})["http.route"] == span.name.split()[1]
        assert "example.org" not in span.to_json()


# -- readiness


def test_readiness_is_a_word_for_anybody_and_all_of_it_for_those_who_operate(house: House) -> None:
    head = house.ledger.head().position
    assert house["nobody"].get("/v1/ready").json() == {"status": "ready", "detail": "Everything is level."}
    assert house["rita"].get("/v1/ready").json() == {"status": "ready", "detail": "Everything is level."}
    whole = house["ada"].get("/v1/ready").json()
    assert whole["position"] == whole["projections"] == whole["bookmarks"]["board"] == head
    assert (whole["behind"], whole["stopped"]) == (0, {})
    false = house["nobody"].get("/v1/ready", headers={"Authorization": "Bearer sl_no"})
    assert false.status_code == 401


def test_a_projection_that_stopped_is_named_with_its_entry(house: House) -> None:
    engine = house.desk.engine
    with house.ledger.pool.connection() as connection:
        generation = engine.control.prepare(connection)
        engine.bookmarks.stop(
            connection, generation, "drift", 5, "drift does not know objective.sung (entry 5)"
        )
        try:
            answer = house["ada"].get("/v1/ready")
            stopped = figures(house)["strategy_ledger_projection_stopped", "drift"]
        finally:
            engine.bookmarks.stop(connection, generation, "drift", None, None)  # type: ignore[arg-type]
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["status"] == "stopped"
    assert "stopped at entry 5" in answer.json()["stopped"]["drift"]["detail"]
    assert stopped == 1


def test_projections_that_are_far_behind_are_not_ready(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "MOST_BEHIND", -1)
    answer = house["ada"].get("/v1/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "behind")


def test_a_schema_of_another_release_is_not_ready(house: House) -> None:
    with house.ledger.place.as_owner() as owner:
        owner.execute("insert into migrations (number, name, digest) values (9999, '9999_later', 'x')")
    try:
        answer = house["ada"].get("/v1/ready")
    finally:
        with house.ledger.place.as_owner() as owner:
            owner.execute("delete from migrations where number = 9999")
    assert (answer.status_code, answer.json()["status"]) == (503, "another_release")
    assert "migration 9999" in answer.json()["schema"]


def test_a_head_that_went_backwards_is_noticed_and_said(house: House) -> None:
    # given a process that has seen an entry which the ledger does not hold any more
    head = house.ledger.head()
    past = Past(head.position + 3, datetime(2026, 1, 1, tzinfo=UTC))
    found = readiness.state_of(house.ledger, house.desk.engine, past)
    assert found.status == "head_went_back"
    assert f"ends at {head.position}" in found.details["past"]
    # and one that has seen another entry at a position which the ledger has passed since
    replaced = Past(head.position - 3, datetime(2026, 1, 1, tzinfo=UTC))
    assert readiness.state_of(house.ledger, house.desk.engine, replaced).status == "head_went_back"
    # and one whose past is whole
    whole = Past()
    states = [readiness.state_of(house.ledger, house.desk.engine, whole) for _ in range(2)]
    assert {state.status for state in states} == {"ready"}


def test_a_database_that_is_away_is_said_soon(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    def away(*_: Any) -> Any:
        raise psycopg.OperationalError("connection refused to host db.internal")

    monkeypatch.setattr("api.routes.service.state_of", away)
    answer = house["ada"].get("/v1/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "ledger_is_away")
    assert "db.internal" not in answer.text


# -- connections


def test_who_takes_nothing_of_an_answer_is_cut_off(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.connection.TAKING_SECONDS", 0.3)
    cut: list[bool] = []
    before = PunctualProtocol._cut

    def cut_off(self: PunctualProtocol, waited: int) -> None:
        before(self, waited)
        cut.append(self.transport.is_closing())

    monkeypatch.setattr(PunctualProtocol, "_cut", cut_off)
    host, port = house.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as knocking:
        knocking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        request = f"GET /v1/openapi.json HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        knocking.sendall(request * 20)  # more than the buffers of both sides hold
        while not any(cut):
            house["nobody"].get("/v1/health")
    assert cut[-1]


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_an_address_that_others_reach_is_told_apart(host: str, only_here: bool) -> None:
    assert is_loopback(host) is only_here
