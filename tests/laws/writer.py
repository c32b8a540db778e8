"""A writer in a process of its own, to be run beside others and to be killed.

`python -m tests.laws.writer <steward> <seed> <steps>` gives a play on the ledger of the environment and prints a line
for each receipt. `python -m tests.laws.writer <steward> keyed <first> <last>` gives numbered commands, each under the
idempotency key of its number; it prints a line when it begins one and a line with its receipt.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any
from uuid import UUID, uuid5

import orjson
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from aggregates.commands import COMMANDS
from aggregates.decide import decide
from ledger.errors import AppendIsUncertain, CommandInFlight, LedgerIsBusy, TooMuchContention
from ledger.receipts import IdempotencyKey, Receipt
from ledger.settings import load_settings
from ledger.store import Ledger
from tests.laws.commands import Asked, Improviser, LedgerStage, play_of

NAMES = UUID("6f3ad6d0-5b60-4a3c-9d1e-0e3c2f1b7a55")


def told(receipt: Receipt) -> dict[str, Any]:
    """Return what two answers to one command have in common."""
    return {
        "first": receipt.first_position, "last": receipt.position, "recorded_at": receipt.recorded_at.isoformat(),
        "names": list(receipt.names), "request": str(receipt.request),
    }  # fmt: skip


def numbered(number: int, steward: str, item: tuple[UUID, UUID] | None = None) -> Asked:
    """Return the command of this number: a team of its own, or a value that others also write."""
    if item is not None and number % 3 == 0:
        fields = {"objective": item[0], "key_result": item[1], "confidence": "0.5", "value": str(number)}
        return Asked(COMMANDS["check_in"].model_validate(fields), steward)
    return Asked(
        COMMANDS["form_team"].model_validate({"team": uuid5(NAMES, str(number)), "name": f"T{number}"}),
        steward,
    )


def item_of(ledger: Ledger) -> tuple[UUID, UUID]:
    """Return the objective and the key result that were committed first."""
    raw = next(raw for raw in ledger.read_page(0, 200) if raw.name == "key_result.added")
    return UUID(raw.stream.partition(":")[2]), UUID(orjson.loads(raw.data)["body"]["key_result"])


def give(ledger: Ledger, number: int, steward: str, item: tuple[UUID, UUID]) -> Receipt:
    """Give the command of a number under its key."""
    asked = numbered(number, steward, item)
    return ledger.execute(asked.command, decide, by=steward, idempotency=IdempotencyKey(f"number {number}"))


def give_until_answered(ledger: Ledger, number: int, steward: str, item: tuple[UUID, UUID]) -> Receipt:
    """Give the command of a number again and again, as a client does whose server went away."""
    for _ in range(6_000):
        try:
            return give(ledger, number, steward, item)
        except (
            AppendIsUncertain,
            CommandInFlight,
            LedgerIsBusy,
            TooMuchContention,
            OperationalError,
            PoolTimeout,
        ):
            threading.Event().wait(0.02)
    raise AssertionError(f"number {number} was never answered")


def _say(**fields: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(fields) + b"\n")
    sys.stdout.buffer.flush()


def main(steward: str, *arguments: str) -> None:
    """Write as the arguments say."""
    with Ledger.open(load_settings(os.environ)) as ledger:
        if arguments[0] == "keyed":
            item = item_of(ledger)
            for number in range(int(arguments[1]), int(arguments[2])):
                _say(begun=number)
                receipt = give_until_answered(ledger, number, steward, item)
                _say(number=number, **told(receipt))
            return
        company = Improviser(LedgerStage(ledger, decide), UUID(steward.partition(":")[2]))
        company.knows(ledger.read_page(0, 10_000)).gives(play_of(int(arguments[0]), int(arguments[1])))
        for _, receipt in company.accepted:
            _say(**told(receipt))


if __name__ == "__main__":
    main(*sys.argv[1:])
