"""Many commands in few appends: each is decided on the world that the ones before it left, then all are recorded.

For imports and generated histories. What one command alone would have been answered, it is answered here: its receipt,
or the refusal that it met, which leaves the others as they are. While the database appends a group, the next one is
decided on what it will leave; where it lands elsewhere, or not at all, that is forgotten and decided again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

from aggregates.entry import Entry, Idempotency, Recorded
from aggregates.refusals import Refusal
from ledger.errors import IdempotencyKeyReused, KeyedCommandIsDone, StreamsHaveMoved, TooMuchContention
from ledger.execute import Decide, Executor, Order
from ledger.foreseen import ForeseenWorld
from ledger.identifiers import new_id
from ledger.library import Loaded, Pending
from ledger.limits import BYTES_PER_APPEND, EVENTS_PER_APPEND, READS_PER_APPEND, RETRIES
from ledger.receipts import Kept, Receipt, find_keys, read_receipts
from ledger.worlds import LedgerWorld

Answer = Receipt | Refusal
Previewed = list[Recorded] | Receipt | Refusal
Key = tuple[str, str]
"""An idempotency key with its actor."""
_STEP = timedelta(microseconds=1)
"""The time between two entries of one append."""
TOGETHER = 100
"""Orders of a preview whose keys and streams are looked up at once."""
ALONE = 4
"""Groups that are recorded one after the other once somebody else was seen to write meanwhile."""


class _GroupIsFull(Exception):
    """The next command belongs into the next append."""


@dataclass(slots=True)
class _Group:
    """What was decided so far, for one append: the world it left, the events, and which order has which of them."""

    world: LedgerWorld
    at: datetime
    first: int
    orders: list[Order] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    keys: set[Key] = field(default_factory=set)
    size: int = 0
    spans: list[tuple[int, int] | Receipt | Refusal] = field(default_factory=list)
    undated: set[str] = field(default_factory=set)
    """Streams with an event, of this group or of the one before it, that takes effect when it is recorded: at a time
    that nobody knows before."""

    def hold(self, events: int = 0, size: int = 0) -> None:
        """Raise _GroupIsFull where so much more, with what was looked at, is too much; one order fits in any case."""
        if self.spans and (
            len(self.pending) + events > EVENTS_PER_APPEND
            or self.size + size > BYTES_PER_APPEND
            or len(self.world.looked) > READS_PER_APPEND
        ):
            raise _GroupIsFull

    def left(self) -> list[Loaded]:
        """Return the states of objectives after this group, which are true where it lands as foreseen."""
        written = dict.fromkeys(one.stream for one in self.pending)
        kept = (one for one in written if one.startswith("objective:") and one not in self.undated)
        return [self.world.loaded(stream) for stream in kept]


def execute_group(
    executor: Executor, orders: Iterable[Order], decide: Decide, size: int
) -> Iterator[list[Answer]]:
    """Give the answers of the orders, a group at a time, each group recorded in one append before it is given."""
    with ThreadPoolExecutor(1, thread_name_prefix="append") as thread:
        yield from _Groups(executor, orders, decide, size, thread).answers()


class _Groups:
    """The groups of one run: one of them on its way into the database, the next one being decided."""

    def __init__(
        self,
        executor: Executor,
        orders: Iterable[Order],
        decide: Decide,
        size: int,
        thread: ThreadPoolExecutor,
    ) -> None:
        self._executor, self._decide, self._size, self._thread = executor, decide, size, thread
        self._coming = iter(orders)
        self._ended = False
        self._broken: Exception | None = None
        self._waiting: list[Order] = []
        self._alone = 0

    def answers(self) -> Iterator[list[Answer]]:
        """Give the answers of each group; what the orders raise is raised once those before it are answered."""
        flying: tuple[_Group, Future[Receipt | None]] | None = None
        while True:
            self._fill()
            if flying is None and not self._waiting:
                break
            if flying is None and (self._ended or self._alone):
                yield self._recorded()
                continue
            following = self._following(None if flying is None else flying[0]) if self._waiting else None
            if flying is not None:
                group, whole = flying[0], flying[1].result()
                if whole is None:  # others moved what it stands on: decide again, and the next one after it
                    self._waiting[:0], flying = group.orders, None
                    yield self._recorded()
                    continue
                if whole.first_position != group.first:
                    following, self._alone = None, ALONE
                flying = self._sent(following)
                yield _answers(group, whole)
            else:
                flying = self._sent(following)
            if flying is None and following is not None:
                yield self._unrecorded(following)
        if self._broken is not None:
            raise self._broken

    def _fill(self) -> None:
        """Take as many orders as make a group."""
        while not self._ended and len(self._waiting) < self._size:
            try:
                self._waiting.append(next(self._coming))
            except StopIteration:
                self._ended = True
            except Exception as error:  # noqa: BLE001 (raised once what was asked before it is answered)
                self._ended, self._broken = True, error

    def _recorded(self) -> list[Answer]:
        """Record the next group by itself."""
        self._alone = max(0, self._alone - 1)
        answers = self._executor.patiently(lambda: _record(self._executor, self._waiting, self._decide))
        del self._waiting[: len(answers)]
        return answers

    def _following(self, before: _Group | None) -> _Group | None:
        """Decide the next group on what another one will leave.

        What fails beside an append is decided again once that is answered: perhaps what was foreseen does not come.
        """
        try:
            return self._executor.patiently(
                lambda: _decided(self._executor, self._waiting, self._decide, before)
            )
        except Exception:
            if before is None:
                raise
            self._alone = max(self._alone, 1)
            return None

    def _sent(self, group: _Group | None) -> tuple[_Group, Future[Receipt | None]] | None:
        """Let a group be appended meanwhile, where there is anything to append."""
        if group is None or not group.pending:
            return None
        del self._waiting[: len(group.orders)]
        return group, self._thread.submit(_appended, self._executor, group)

    def _unrecorded(self, group: _Group) -> list[Answer]:
        """Return the answers of a group that has nothing to record, where what it saw is still so."""
        answers = self._executor.patiently(lambda: _believed(self._executor, group))
        if answers is None:
            return self._recorded()
        del self._waiting[: len(answers)]
        return answers


def _record(executor: Executor, orders: list[Order], decide: Decide) -> list[Answer]:
    """Decide as many of these orders as fit into one append, record them, and return their answers."""
    for _ in range(RETRIES):
        group = _decided(executor, orders, decide, None)
        if not group.pending:
            answers = _believed(executor, group)
            if answers is not None:
                return answers
            continue
        whole = _appended(executor, group)
        if whole is not None:
            return _answers(group, whole)
    raise TooMuchContention


def _believed(executor: Executor, group: _Group) -> list[Answer] | None:
    """Return refusals and empty receipts, once it is known that they rest on what is so; else None."""
    moved = executor.states.moved(group.world.looked)
    if moved or group.world.is_elsewhere:
        executor.states.forget(moved)
        return None
    return [answer for answer in group.spans if not isinstance(answer, tuple)]


def _appended(executor: Executor, group: _Group) -> Receipt | None:
    """Append a group; None where what it stands on has moved, which is not believed any longer then.

    Its refusals are true with it: the append checks the versions of all that was looked at.
    """
    written = {one.stream for one in group.pending}
    reads = {stream: version for stream, version in group.world.looked.items() if stream not in written}
    try:
        return executor.append(
            group.pending, reads, new_id(), search=group.pending[-1].circumstances.request,
            foreseen=(group.first, group.left()), known=(group.world.known[0], None),
        )  # fmt: skip
    except StreamsHaveMoved as error:
        executor.states.forget(one.stream for one in error.moved)
    except KeyedCommandIsDone:
        pass
    return None


def _known(executor: Executor, orders: list[Order]) -> dict[Key, tuple[Kept, Receipt]]:
    """Return what the idempotency keys of these orders recorded, each with its receipt as an answer to a repetition."""
    keys = [(order.by, order.idempotency.key) for order in orders if order.idempotency is not None]
    if not keys:
        return {}
    with executor.connections.use() as connection:
        found = find_keys(connection, keys)
        receipts = read_receipts(
            connection, [(kept.first_position, kept.position) for kept in found.values()]
        )
    return {key: (kept, receipts[kept.position].again()) for key, kept in found.items()}


def _decided(executor: Executor, orders: list[Order], decide: Decide, before: _Group | None) -> _Group:
    """Decide as many of these orders as fit into one append, on what the group before it will leave."""
    known = _known(executor, orders)
    if before is None:
        at = executor.states.refresh()
        first = (executor.states.position or 0) + 1
    else:
        at = before.at + timedelta(microseconds=len(before.pending))
        at = max(at, executor.states.last, executor.states.clock())
        first = before.first + len(before.pending)
    executor.states.look_up({stream for order in orders for stream in order.looks_at})
    world = LedgerWorld(executor.states, executor.connections, None if before is None else before.world)
    group = _Group(world, at, first)
    nothing: list[Receipt] = []
    for order in orders:
        if before is not None and order.idempotency and (order.by, order.idempotency.key) in before.keys:
            break
        looked = len(world.looked)
        try:
            span = _decide_one(executor, group, order, decide, known)
            if not isinstance(span, tuple):
                group.hold()
        except _GroupIsFull:
            world.look_away(looked)
            break
        if span is None:
            nothing = nothing or [executor.nothing(new_id())]
            span = replace(nothing[0], request=order.request or new_id())
        group.spans.append(span)
        group.orders.append(order)
    if before is not None:
        group.undated.update(stream for stream in before.undated if world.has_seen(stream))
    return group


def _decide_one(
    executor: Executor, group: _Group, order: Order, decide: Decide, known: dict[Key, tuple[Kept, Receipt]]
) -> tuple[int, int] | Receipt | Refusal | None:
    """Decide one order, make its events part of the group, and return which they are, or the refusal that it met.

    An order that was carried out before gives its earlier receipt, one that has nothing to do None.
    """
    mark = None
    if order.idempotency is not None:
        key = (order.by, order.idempotency.key)
        mark = Idempotency(key=order.idempotency.key, fingerprint=executor.fingerprint(order))
        if key in known:
            kept, receipt = known[key]
            if kept.fingerprint != mark.fingerprint:
                return IdempotencyKeyReused()
            return receipt
        if key in group.keys:
            raise _GroupIsFull
    at = group.at + len(group.pending) * _STEP
    group.world.expect(group.first + len(group.pending), at, _STEP)
    try:
        decided = list(decide(group.world, order.command, order.occasion(at, executor.zone())))
    except Refusal as refusal:
        return refusal
    if not decided:
        return None
    if any(group.world.has_absorbed(one.supersedes) for one in decided if one.supersedes is not None):
        raise _GroupIsFull
    pending = executor.pending(order, decided, group.world, mark, order.request or new_id())
    size = sum(len(one.data) for one in pending)
    group.hold(len(pending), size)
    start = len(group.pending)
    group.pending += pending
    if mark is not None:
        group.keys.add((order.by, mark.key))
    group.size += size
    group.undated.update(one.stream for one in decided if one.effective_at is None)
    group.world.absorb(
        [
            Entry(group.first + place, group.at + place * _STEP, one.stream, one.version, one.circumstances, one.event)
            for place, one in enumerate(pending, start)
        ]
    )  # fmt: skip
    return start, len(group.pending)


def _answers(group: _Group, whole: Receipt) -> list[Answer]:
    return [_answer(group, whole, span) for span in group.spans]


def _answer(group: _Group, whole: Receipt, span: tuple[int, int] | Receipt | Refusal) -> Answer:
    """Return the receipt of one order within the append of its group."""
    if not isinstance(span, tuple):
        return span
    start, end = span
    own = group.pending[start:end]
    last = whole.first_position + end - 1
    return Receipt(
        last,
        whole.first_position + start,
        whole.recorded_at - timedelta(microseconds=whole.position - last),
        streams={one.stream: one.version for one in own},
        names=tuple(one.event.stored_name for one in own),
        request=own[-1].circumstances.request,
    )


class Preview:
    """What several runs of orders would leave, one after the other; nothing of it is recorded."""

    def __init__(self, executor: Executor) -> None:
        self.at = executor.states.refresh()
        self.world = ForeseenWorld(executor.states, executor.connections)
        self.position = executor.states.position or 0


def preview_group(
    executor: Executor, orders: Iterable[Order], decide: Decide, onto: Preview | None = None
) -> Iterator[Previewed]:
    """Give what each order would record after the ones before it; nothing is recorded.

    An order whose idempotency key is known gives its earlier receipt, or the refusal where it asks for something else.
    What the orders raise is raised once those before it are answered.
    """
    onto = onto or Preview(executor)
    coming, broken = iter(orders), list[Exception]()
    while together := list(_until_broken(islice(coming, TOGETHER), broken)):
        known = _known(executor, together)
        executor.states.look_up({stream for order in together for stream in order.looks_at})
        for order in together:
            found = None if order.idempotency is None else known.get((order.by, order.idempotency.key))
            if found is None:
                yield _foreseen(executor, order, decide, onto)
                continue
            is_same = found[0].fingerprint == executor.fingerprint(order)
            yield found[1] if is_same else IdempotencyKeyReused()
        if broken:
            break
    if broken:
        raise broken[0]


def _until_broken(orders: Iterable[Order], broken: list[Exception]) -> Iterator[Order]:
    """Give the orders; what they raise is kept."""
    try:
        yield from orders
    except Exception as error:  # noqa: BLE001 (raised once what was asked before it is answered)
        broken.append(error)


def _foreseen(executor: Executor, order: Order, decide: Decide, onto: Preview) -> list[Recorded] | Refusal:
    """Decide one order and make its events part of the world that the next one sees."""
    onto.world.expect(onto.position + 1, onto.at, timedelta(0))
    try:
        decided = list(decide(onto.world, order.command, order.occasion(onto.at, executor.zone())))
    except Refusal as refusal:
        return refusal
    pending = executor.pending(order, decided, onto.world, None, new_id())
    onto.world.foresee(
        [
            Entry(onto.position + place, onto.at, one.stream, one.version, one.circumstances, one.event)
            for place, one in enumerate(pending, 1)
        ],
        [one.data for one in pending],
    )
    onto.position += len(pending)
    return decided
