"""A house for the tests of the door: one ledger for each module, served on loopback, with a few people in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.door import WIDE_OPEN
from api.reading import Desk
from api.server import in_background
from ledger.lifecycle import initialise
from ledger.settings import load_settings
from ledger.store import Ledger
from replay.engine import Engine
from replay.questions import Reader
from tests.api.holding import hold
from tests.conftest import drop
from tests.waiting import PATIENCE, day_that_lasts, patient_server


@dataclass
class House:
    """One served ledger: who may knock, and what stands in it."""

    address: str
    ledger: Ledger
    steward: str
    today: date
    desk: Desk
    tokens: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def __getitem__(self, name: str) -> httpx.Client:
        """Return a client with the token of somebody; "nobody" has none."""
        if name not in self.clients:
            headers = {"Authorization": f"Bearer {self.tokens[name]}"} if name != "nobody" else {}
            self.clients[name] = httpx.Client(
                base_url=self.address, headers=headers, timeout=PATIENCE, event_hooks={"response": [hold]},
                limits=httpx.Limits(keepalive_expiry=1),  # before the house closes what is idle, not at that moment
            )  # fmt: skip
        return self.clients[name]

    def post(
        self, path: str, body: Any = None, *, by: str = "ada", status: int = 201, **more: Any
    ) -> dict[str, Any]:
        """Send a command and return its answer, which has this status."""
        answer = self[by].post(path, json={} if body is None else body, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path: str, *, by: str = "ada", status: int = 200, **parameters: Any) -> dict[str, Any]:
        """Ask and return the answer, which has this status."""
        answer = self[by].get(path, params=parameters)
        assert answer.status_code == status, answer.text
        return answer.json()

    def refused(
        self, path: str, body: Any, code: str, pointer: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """Send a command that is refused with this code and pointer, and records nothing."""
        before = self.ledger.head().position
        answer = self[more.pop("by", "ada")].post(path, json=body, **more)
        problem = answer.json()
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["type"] == f"/v1/problems/{code}", answer.text
        if pointer is not None:
            assert problem["errors"][0]["pointer"] == pointer, answer.text
        assert self.ledger.head().position == before
        return problem

    def join(self, name: str, *roles: str) -> str:
        """Let somebody join, hold roles and get a token; return the identifier."""
        receipt = self.post(
            "/v1/people", {"name": name.title(), "handle": name, "email": f"{name}@example.org"}
        )
        person = receipt["identifiers"]["person"]
        for role in roles:
            self.post(f"/v1/people/{name}/roles", {"role": role})
        self.people[name] = person
        self.tokens[name] = self.ledger.tokens.issue(f"person:{person}", "test")
        return str(person)

    def cycle(
        self, key: str, *, begins: int = -30, commit_by: int = 10, ends: int = 60, opened: bool = True
    ) -> str:
        """Plan a cycle by days from today, and open it."""
        days = {
            "starts_on": begins,
            "commit_by": commit_by,
            "ends_on": ends,
        }
        body = {name: (self.today + timedelta(days=number)).isoformat() for name, number in days.items()}
        self.post("/v1/cycles", {"cycle": key, "name": key, "kind": "custom", **body})
        if opened:
            self.post(f"/v1/cycles/{key}/openings")
        return key

    def objective(
        self, cycle: str, *, owner: str = "ines", committed: bool = True, title: str = "Fresh coffee"
    ) -> Any:
        """Write an objective with one key result, perhaps committed; return (reference, key result's reference)."""
        drafted = self.post("/v1/objectives", {"cycle": cycle, "title": title, "owner": owner})
        (objective,) = drafted["references"]
        added = self.post(
            f"/v1/objectives/{objective}/key-results",
            {
                "title": "Minutes from oven to bag",
                "owner": owner,
                "measure": {"kind": "decrease", "unit": "minutes", "path": "straight"},
                "baseline": "90",
                "target": {"kind": "point", "at": "30"},
            },
        )
        (key_result,) = added["references"]
        if committed:
            self.post(
                f"/v1/objectives/{objective}/local-declarations", {"because": "It serves the roastery alone."}
            )
            self.post(f"/v1/objectives/{objective}/commitments", {"confidence": "0.7"})
        return objective, key_result


@pytest.fixture(scope="module")
def house(server_environ: dict[str, str], request: pytest.FixtureRequest) -> Iterator[House]:
    """A served ledger with Ada (steward), Ines and Tom (owners) and Rita (reader), and a running cycle `now`."""
    module = request.module.__name__.rpartition(".")[2].removeprefix("test_")
    schema = f"api{os.getpid()}_{module}"  # others may run the same tests on the same server
    settings = load_settings({**server_environ, "STRATEGY_LEDGER_SCHEMA": schema})
    created = initialise(settings, "Example Works", "Europe/Berlin", steward_name="Ada", steward_handle="ada")
    try:
        with patient_server(), Ledger.open(settings) as ledger:
            engine = Engine(ledger)
            engine.catch_up()
            app = create_app(ledger, Reader(ledger, engine, keeps=True), engine, settings, door=WIDE_OPEN)
            with in_background(app) as address:
                today = day_that_lasts(ledger, seconds=600)  # a module's tests
                made = House(address, ledger, str(created.steward), today, app.state.desk)
                made.tokens["ada"] = created.token
                made.join("ines", "owner")
                made.join("tom", "owner")
                made.join("rita", "reader")
                made.join("nora")
                made.cycle("now")
                yield made
                for client in made.clients.values():
                    client.close()
    finally:
        drop(settings)
