"""An invented company that keeps 500 objectives and 1,500 key results a quarter and checks in every week.

Its first entries come from a rehearsal, that is from the rules themselves. What follows is written straight as native
lines, as the rules would have recorded it; `tests/test_bench.py` holds it to that. The same seed gives the same lines,
so a shorter history is the beginning of a longer one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from uuid import UUID

from aggregates.commands import COMMANDS
from ledger.rehearsal import Rehearsal

ZONE = "Europe/Oslo"
FIRST_DAY = date(2018, 1, 1)
WEEKS = 13
PEOPLE, TEAMS = 100, 20
REQUEST = "01890a5d-ac96-774b-bcce-b302099a8057"
_SEALED = (
    f'{{"author":"%s","key_id":"{REQUEST}","commitment":"{"5e" * 32}","ciphertext":"{"QUJDREVGR0hJ" * 20}"}}'
)


@dataclass(slots=True)
class Quarter:
    """One cycle of the history and the positions at which it stood at certain moments."""

    key: str
    starts_on: date
    marks: dict[str, int] = field(default_factory=dict)
    """`committed`, `middle` (after the seventh week), `ended` (after the last week), `closed`."""

    @property
    def ends_on(self) -> date:
        """Return the last day."""
        return self.starts_on + timedelta(weeks=WEEKS, days=-1)

    def day(self, week: int) -> date:
        """Return the day of the check-in in a week, from 0."""
        return self.starts_on + timedelta(weeks=week, days=4)


class Company:
    """The company's history, line by line; `quarters` holds the cycles that were reached so far."""

    def __init__(self, *, objectives: int = 500, seed: int = 1) -> None:
        self.objectives = objectives
        self.quarters: list[Quarter] = []
        self.position = 0
        self._random = Random(seed)
        self._versions: dict[str, int] = {}
        self._references = {"OBJ": 0, "KR": 0}
        self._day, self._millisecond = FIRST_DAY, 0
        self._rehearsal = self._founded()
        self.steward = str(self._rehearsal.steward)

    def lines(self, number: int) -> Iterator[bytes]:
        """Give this many native lines, each with its line break."""
        return islice(self._history(), number)

    @property
    def complete(self) -> list[Quarter]:
        """Return the quarters that were closed."""
        return [quarter for quarter in self.quarters if "closed" in quarter.marks]

    def _founded(self) -> Rehearsal:
        start = datetime(2017, 12, 1, 9, tzinfo=UTC)
        rehearsal = Rehearsal(UUID(int=5), "Fjell", ZONE, start, random=self._random)
        self.people, self.teams = [], []
        for _ in range(PEOPLE):
            person = rehearsal.new_id()
            rehearsal.do(COMMANDS["add_person"].model_validate({"person": person}))
            grant = {"actor": f"person:{person}", "role": "owner"}
            rehearsal.do(COMMANDS["grant_role"].model_validate(grant))
            self.people.append(str(person))
        for number in range(TEAMS):
            team = rehearsal.new_id()
            rehearsal.do(COMMANDS["form_team"].model_validate({"team": team, "name": f"Team {number}"}))
            self.teams.append(str(team))
        return rehearsal

    def _history(self) -> Iterator[bytes]:
        for raw, line in zip(self._rehearsal.entries, self._rehearsal.lines(), strict=True):
            self.position, self._versions[raw.stream] = raw.position, raw.version
            yield line + b"\n"
        self._set(FIRST_DAY - timedelta(days=5))
        yield self._planned()
        while True:
            yield from self._quarter(self.quarters[-1])

    def _planned(self) -> bytes:
        """Plan the next quarter; its line is written before it starts."""
        number = len(self.quarters)
        quarter = Quarter(f"q{number}", FIRST_DAY + timedelta(weeks=WEEKS * number))
        self.quarters.append(quarter)
        key, starts_on = quarter.key, quarter.starts_on
        planned = (
            f'{{"key":"{key}","name":"Quarter {key}","kind":"quarter","starts_on":"{starts_on}",'
            f'"commit_by":"{starts_on + timedelta(days=10)}","ends_on":"{quarter.ends_on}"}}'
        )
        return self._line(f"cycle:{key}", "cycle.planned", planned, f"person:{self.steward}")

    def _quarter(self, quarter: Quarter) -> Iterator[bytes]:
        key, stream, steward = quarter.key, f"cycle:{quarter.key}", f"person:{self.steward}"
        self._set(quarter.starts_on + timedelta(days=1))
        yield self._line(stream, "cycle.opened", "{}", steward)
        key_results: list[tuple[str, str, str]] = []
        for _ in range(self.objectives):
            yield from self._objective(key, key_results)
        quarter.marks["committed"] = self.position
        for week in range(WEEKS):
            self._set(quarter.day(week))
            yield from self._week(quarter, week, key_results)
            if week == WEEKS // 2:
                quarter.marks["middle"] = self.position
        quarter.marks["ended"] = self.position
        yield self._planned()
        self._set(quarter.ends_on + timedelta(days=1))
        yield self._line(stream, "cycle.scoring_started", "{}", steward)
        for objective, key_result, by in key_results:
            yield self._line(
                objective, "key_result.scored", f'{{"key_result":"{key_result}","score":"0.7"}}', by
            )
        yield self._line(stream, "cycle.closed", "{}", steward)
        quarter.marks["closed"] = self.position

    def _objective(self, key: str, key_results: list[tuple[str, str, str]]) -> Iterator[bytes]:
        stream, some = f"objective:{self._identifier()}", self._random.choice
        owner = some(self.people)
        by = f"person:{owner}"
        yield self._line(
            stream,
            "objective.drafted",
            f'{{"reference":"{self._reference("OBJ")}","cycle":"{key}","title":"Become the first choice of schools",'
            f'"owner":"{owner}","team":"{some(self.teams)}"}}',
            by,
        )
        yield self._line(stream, "objective.declared_local", '{"because":"It serves this team alone."}', by)
        for _ in range(3):
            key_result = self._identifier()
            key_results.append((stream, key_result, by))
            yield self._line(
                stream,
                "key_result.added",
                f'{{"key_result":"{key_result}","reference":"{self._reference("KR")}",'
                f'"title":"Raise the share of schools that renew","owner":"{owner}","measure":{{"kind":"increase",'
                '"unit":"%","indicator":"leading","path":"straight"},"baseline":"10",'
                '"target":{"kind":"point","at":"80"},"weight":"1","ambition":"committed"}',
                by,
            )
        yield self._line(
            stream,
            "objective.committed",
            '{"line":1,"confidence":"0.6","policy":1,"synthesised":false,"no_record_at_start":false}',
            by,
        )

    def _week(self, quarter: Quarter, week: int, key_results: list[tuple[str, str, str]]) -> Iterator[bytes]:
        """Give a week's values and check-ins; some tell what changed, some targets move, some values were wrong."""
        chances = self._random.random
        days = [(quarter.day(week) - timedelta(days=back)).isoformat() for back in range(5)]
        for stream, key_result, by in key_results:
            chance = chances()
            day = f'"effective_at":"{days[int(chance * 5)]}",'
            body = f'{{"key_result":"{key_result}","value":"{10 + week * 5}"}}'
            yield self._line(stream, "key_result.measured", body, by, day)
            measured = self.position
            told = f',"what_changed":{_SEALED % by[7:]}' if chance < 0.3 else ""
            body = f'{{"key_result":"{key_result}","confidence":"0.{5 + week % 4}","said":"on_track"{told}}}'
            yield self._line(stream, "key_result.checked_in", body, by)
            if chance > 0.98:
                reason = '"reason":{"kind":"recalibration","text":"The market moved."},'
                body = f'{{"key_result":"{key_result}","target":{{"kind":"point","at":"{82 + week}"}}}}'
                yield self._line(stream, "key_result.target_changed", body, by, reason)
            elif chance > 0.97:
                reason = '"reason":{"kind":"measurement_fault","text":"The report was wrong."},'
                body = f'{{"key_result":"{key_result}","value":"{9 + week * 5}"}}'
                yield self._line(
                    stream, "key_result.measured", body, by, f"{day}{reason}", f'"supersedes":{measured},'
                )

    def _line(self, stream: str, name: str, body: str, by: str, before: str = "", after: str = "") -> bytes:
        """Return the next line; `before` and `after` stand on either side of the request."""
        self.position += 1
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        self._millisecond += 1
        minutes, rest = divmod(self._millisecond, 60_000)
        at = f"{self._day}T09:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}000Z"
        return (
            f'{{"position":{self.position},"recorded_at":"{at}","stream":"{stream}","version":{version},'
            f'"name":"{name}","data":{{"stream":"{stream}","version":{version},"name":"{name}","by":"{by}",'
            f'{before}"request":"{REQUEST}",{after}"body":{body}}}}}\n'
        ).encode()

    def _set(self, day: date) -> None:
        self._day, self._millisecond = day, 0

    def _identifier(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _reference(self, kind: str) -> str:
        self._references[kind] += 1
        return f"{kind}-{self._references[kind]}"
