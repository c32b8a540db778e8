"""Figures for Prometheus: what the door did, and at each look where the ledger and its projections stand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from api.release import RELEASE
from ledger.store import Ledger
from replay.engine import Engine

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NOWHERE: Final = "none"
"""The route of a request whose address leads nowhere: what was asked is not repeated."""


class Figures:
    """The figures of one process, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._requests = Counter(
            "strategy_ledger_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "strategy_ledger_request_seconds",
            "How long a request took until its answer was sent; the event stream is left out.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=registry,
        )
        # the library looks a figure up anew each time, by what its labels are called
        self._answers, self._times = cache(self._requests.labels), cache(self._seconds.labels)
        self._problems = Counter(
            "strategy_ledger_problems",
            "Refusals and faults by their code: conflicts, denied attempts, bad input.",
            ["code"],
            registry=registry,
        )
        self._commands = Counter(
            "strategy_ledger_commands",
            "Commands carried out: recorded, replayed (the first receipt again), nothing_new, dry_run.",
            ["outcome"],
            registry=registry,
        )
        self.recorded = Counter(
            "strategy_ledger_events_recorded", "Events recorded through this process.", registry=registry
        )
        self.streamed = Counter(
            "strategy_ledger_stream_events", "Entries sent to listeners.", registry=registry
        )
        self.listeners = Gauge("strategy_ledger_stream_listeners", "Who listens just now.", registry=registry)
        self.under_way = Gauge(
            "strategy_ledger_requests_under_way", "Requests that are answered just now.", registry=registry
        )
        self.turned_away = Counter(
            "strategy_ledger_requests_turned_away",
            "Requests refused: at_once, too many were under way; after_waiting, their work had not begun in time.",
            ["when"],
            registry=registry,
        )
        for when in ("at_once", "after_waiting"):
            self.turned_away.labels(when)
        self.left = Counter(
            "strategy_ledger_requests_left",
            "Requests whose caller left before their work began; it was not begun.",
            registry=registry,
        )
        self._limited = Counter(
            "strategy_ledger_rate_limited", "Requests over a token's rate.", ["kind"], registry=registry
        )
        Gauge("strategy_ledger_release_info", "The release.", ["release"], registry=registry).labels(
            RELEASE
        ).set(1)

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """Count an answer; without seconds only that it was given."""
        known = method if method in METHODS else "other"
        self._answers(known, route, status).inc()
        if seconds is not None:
            self._times(known, route).observe(seconds)

    def problem(self, code: str) -> None:
        """Count a problem by its code."""
        self._problems.labels(code).inc()

    def command(self, outcome: str, events: int = 0) -> None:
        """Count a command by what became of it."""
        self._commands.labels(outcome).inc()
        if events:
            self.recorded.inc(events)

    def limited(self, kind: str) -> None:
        """Count a request that was over its token's rate."""
        self._limited.labels(kind).inc()

    def watch(self, ledger: Ledger, engine: Engine) -> None:
        """Look at this ledger whenever the figures are asked for."""
        self.registry.register(_Standing(ledger, engine))

    def text(self) -> bytes:
        """Return all figures in Prometheus' text form."""
        return generate_latest(self.registry)


class _Standing(Collector):
    """Where the ledger stands, asked at each look; what cannot be asked is left out, and `strategy_ledger_up` is 0."""

    def __init__(self, ledger: Ledger, engine: Engine) -> None:
        self._ledger = ledger
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """Give the figures of just now."""
        yield from self._pool(self._ledger.pool.get_stats())
        try:
            found = list(self._standing())
        except Exception:  # noqa: BLE001 (a database that is away is itself the figure)
            yield _gauge("strategy_ledger_up", "Whether the database answers.", 0)
            return
        yield _gauge("strategy_ledger_up", "Whether the database answers.", 1)
        yield from found

    def _standing(self) -> Iterator[Metric]:
        with self._engine.reading() as reading:
            marks = reading.bookmarks
        end = self._ledger.head()  # asked last: no lag is ever negative
        head = end.position
        yield _gauge("strategy_ledger_head_position", "The last position of the ledger.", head)
        ahead = 0.0 if end.recorded_at is None else (end.recorded_at - end.now).total_seconds()
        yield _gauge(
            "strategy_ledger_head_ahead_seconds",
            "By how much the last entry is ahead of the database's clock; above 5 nothing is recorded.",
            max(0.0, ahead),
        )
        place = GaugeMetricFamily(
            "strategy_ledger_projection_position", "The bookmark of each projection.", labels=["projection"]
        )
        lag = GaugeMetricFamily(
            "strategy_ledger_projection_lag_entries", "Entries behind the head.", labels=["projection"]
        )
        stopped = GaugeMetricFamily(
            "strategy_ledger_projection_stopped", "1: it stopped, see /v1/ready.", labels=["projection"]
        )
        for name, mark in sorted(marks.items()):
            place.add_metric([name], mark.position)
            lag.add_metric([name], head - mark.position)
            stopped.add_metric([name], int(mark.stopped_at is not None))
        yield from (place, lag, stopped)

    def _pool(self, stats: dict[str, Any]) -> Iterator[Metric]:
        size, available = stats.get("pool_size", 0), stats.get("pool_available", 0)
        yield _gauge("strategy_ledger_pool_connections", "Connections to the database.", size)
        yield _gauge("strategy_ledger_pool_in_use", "Connections that work just now.", size - available)
        yield _gauge("strategy_ledger_pool_most", "Connections at most.", stats.get("pool_max", 0))
        waiting = stats.get("requests_waiting", 0)
        yield _gauge("strategy_ledger_pool_waiting", "Who waits for a connection just now.", waiting)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
