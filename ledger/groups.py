"""Many commands in few appends: each is decided on the world that the ones before it left, then all are recorded.

For imports and generated histories. What one command alone would have been answered, it is answered here: its receipt,
or the refusal that it met, which leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aggregates.entry import Entry, Idempotency, Recorded
from aggregates.refusals import Refusal
from ledger.errors import IdempotencyKeyReused, KeyedCommandIsDone, StreamsHaveMoved, TooMuchContention
from ledger.execute import Decide, Executor, Order
from ledger.identifiers import new_id
from ledger.library import Pending
from ledger.limits import BYTES_PER_APPEND, EVENTS_PER_APPEND, READS_PER_APPEND, RETRIES
from ledger.receipts import Kept, Receipt, find_keys, read_receipt
from ledger.worlds import LedgerWorld

Answer = Receipt | Refusal
Previewed = list[Recorded] | Receipt | Refusal


class _GroupIsFull(Exception):
    """The next command belongs into the next append."""


@dataclass(slots=True)
class _Group:
    """What was decided so far, for one append: the world it left, the events, and which order has which of them."""

    world: LedgerWorld
    at: datetime
    first: int
    pending: list[Pending] = field(default_factory=list)
    keys: set[tuple[str, str]] = field(default_factory=set)
    size: int = 0
    spans: list[tuple[int, int] | Receipt | Refusal] = field(default_factory=list)


def execute_group(
    executor: Executor, orders: Iterable[Order], decide: Decide, size: int
) -> Iterator[list[Answer]]:
    """Give the answers of the orders, a group at a time, each group recorded in one append when it is given."""
    waiting: list[Order] = []
    for order in orders:
        waiting.append(order)
        if len(waiting) >= size:
            answers = _record(executor, waiting, decide)
            waiting = waiting[len(answers) :]
            yield answers
    while waiting:
        answers = _record(executor, waiting, decide)
        waiting = waiting[len(answers) :]
        yield answers


def _record(executor: Executor, orders: list[Order], decide: Decide) -> list[Answer]:
    """Decide as many of these orders as fit into one append, record them, and return their answers."""
    for _ in range(RETRIES):
        known = _known(executor, orders)
        group = _decide(executor, orders, decide, known)
        if not group.pending:
            moved = executor.states.moved(group.world.looked)
            if moved:
                executor.states.forget(moved)
                continue
            return [answer for answer in group.spans if not isinstance(answer, tuple)]
        written = {one.stream for one in group.pending}
        reads = {stream: version for stream, version in group.world.looked.items() if stream not in written}
        try:
            whole = executor.append(
                group.pending, reads, new_id(), search=group.pending[-1].circumstances.request
            )
        except StreamsHaveMoved as error:
            executor.states.forget(one.stream for one in error.moved)
        except KeyedCommandIsDone:
            continue
        else:
            return [_answer(group, whole, span) for span in group.spans]
    raise TooMuchContention


def _known(executor: Executor, orders: list[Order]) -> dict[tuple[str, str], Kept]:
    keys = [(order.by, order.idempotency.key) for order in orders if order.idempotency is not None]
    if not keys:
        return {}
    with executor.connections.use() as connection:
        return find_keys(connection, keys)


def _decide(
    executor: Executor, orders: list[Order], decide: Decide, known: dict[tuple[str, str], Kept]
) -> _Group:
    at = executor.states.refresh()
    executor.states.look_up({stream for order in orders for stream in order.looks_at})
    group = _Group(
        LedgerWorld(executor.states, executor.connections), at, (executor.states.position or 0) + 1
    )
    for order in orders:
        try:
            group.spans.append(_decide_one(executor, group, order, decide, known))
        except _GroupIsFull:
            break
        except Refusal as refusal:
            moved = executor.states.moved(group.world.looked)
            if moved:
                executor.states.forget(moved)
                if group.spans:
                    break
                return _decide(executor, orders, decide, known)
            group.spans.append(refusal)
    return group


def _decide_one(
    executor: Executor, group: _Group, order: Order, decide: Decide, known: dict[tuple[str, str], Kept]
) -> tuple[int, int] | Receipt:
    """Decide one order, make its events part of the group, and return which they are (or an earlier receipt)."""
    mark = None
    if order.idempotency is not None:
        key = order.idempotency.key
        mark = Idempotency(key=key, fingerprint=executor.fingerprint(order))
        kept = known.get((order.by, key))
        if kept is not None:
            if kept.fingerprint != mark.fingerprint:
                raise IdempotencyKeyReused
            with executor.connections.use() as connection:
                return read_receipt(connection, kept.first_position, kept.position).again()
        if (order.by, key) in group.keys:
            raise _GroupIsFull
    at = group.at + timedelta(microseconds=len(group.pending))
    decided = list(decide(group.world, order.command, order.occasion(at, executor.zone())))
    if not decided:
        return executor.nothing(order.request or new_id())
    if any(group.world.has_absorbed(one.supersedes) for one in decided):
        raise _GroupIsFull
    pending = executor.pending(order, decided, group.world, mark, order.request or new_id())
    size = sum(len(one.data) for one in pending)
    if group.pending and (
        len(group.pending) + len(pending) > EVENTS_PER_APPEND
        or group.size + size > BYTES_PER_APPEND
        or len(group.world.looked) > READS_PER_APPEND
    ):
        raise _GroupIsFull
    start = len(group.pending)
    group.pending += pending
    if mark is not None:
        group.keys.add((order.by, mark.key))
    group.size += size
    group.world.absorb(
        [
            Entry(group.first + place, group.at + timedelta(microseconds=place), one.stream, one.version,
                  one.circumstances, one.event)
            for place, one in enumerate(pending, start)
        ]
    )  # fmt: skip
    return start, len(group.pending)


def _answer(group: _Group, whole: Receipt, span: tuple[int, int] | Receipt | Refusal) -> Answer:
    """Return the receipt of one order within the append of its group."""
    if not isinstance(span, tuple):
        return span
    start, end = span
    own = group.pending[start:end]
    last = whole.first_position + end - 1
    return replace(
        whole,
        first_position=whole.first_position + start,
        position=last,
        recorded_at=whole.recorded_at - timedelta(microseconds=whole.position - last),
        streams={one.stream: one.version for one in own},
        names=tuple(one.event.stored_name for one in own),
        request=own[-1].circumstances.request,
    )


def preview_group(executor: Executor, orders: Iterable[Order], decide: Decide) -> Iterator[Previewed]:
    """Give what each order would record after the ones before it; nothing is recorded.

    An order whose idempotency key is known gives its earlier receipt.
    """
    at = executor.states.refresh()
    world = LedgerWorld(executor.states, executor.connections)
    position = (executor.states.position or 0) + 1
    for order in orders:
        kept = _known(executor, [order])
        if kept:
            first = next(iter(kept.values()))
            with executor.connections.use() as connection:
                yield read_receipt(connection, first.first_position, first.position).again()
            continue
        try:
            decided = list(decide(world, order.command, order.occasion(at, executor.zone())))
        except Refusal as refusal:
            yield refusal
            continue
        pending = executor.pending(order, decided, world, None, new_id())
        world.absorb(
            [
                Entry(position + place, at, one.stream, one.version, one.circumstances, one.event)
                for place, one in enumerate(pending)
            ]
        )
        position += len(pending)
        yield decided
