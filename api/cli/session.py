"""One run's use of a ledger: opened, caught up, closed again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.place import PLACE

if TYPE_CHECKING:
    from ledger.security import Outcome
    from ledger.settings import Settings
    from ledger.store import Ledger
    from ledger.tokens import Caller
    from replay.engine import Engine
    from replay.questions import Answer, Question, Reader

_OFFICES = {
    "export": "An export is whole, so it",
    "manage_tokens": "Whoever issues, lists or revokes tokens",
    "read_security_log": "Whoever reads the security log",
}
_WRITES = "Every write names who writes, also on this machine"
_WORTH_A_BAR = 5_000
"""So many entries behind, catching up shows a progress bar on a terminal."""


class Session:
    """An open ledger with its engine and its reader, each made when it is first used."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._engine: Engine | None = None
        self._actor: Caller | None = None

    @property
    def engine(self) -> Engine:
        """The projections of the ledger."""
        if self._engine is None:
            from replay.engine import Engine

            self._engine = Engine(self.ledger)
        return self._engine

    def everything(self) -> Reader:
        """Return a reader for the house itself, over projections that are level with the ledger as it is now."""
        from replay.questions import Reader

        self.catch_up()
        return Reader(self.ledger, self.engine)

    def reader(self) -> Reader:
        """Return a reader who sees what the token of this run lets see; without one, what is for everyone.

        Raises ActionIsNotAllowed for a token whose holder may not read.
        """
        whole, actor = self.everything(), named(self)
        self._actor = actor
        scopes = {} if actor is None else {"scopes": actor.scopes}
        sight = whole.sights.of(str(actor or ""), self.ledger.head().position, **scopes)
        if not sight.may("read"):
            self.note("refused", "read", actor)
        sight.check("read")
        return whole.seen_by(sight)

    @property
    def actor(self) -> Caller | None:
        """Whoever reads in this run, once a reader was made; None without a token."""
        return self._actor

    def reader_of(self, actor: Caller) -> Reader:
        """Return a reader who sees what this actor does. Raises ActionIsNotAllowed."""
        whole = self.everything()
        sight = whole.sights.of(str(actor), self.ledger.head().position, actor.scopes)
        sight.check("read")
        return whole.seen_by(sight)

    def note(self, outcome: Outcome, action: str, actor: Caller | None, subject: str | None = None) -> None:
        """Write down in the security log what this run was refused, or was shown by office."""
        self.ledger.security.note(
            outcome, action, door="command line", actor=actor, subject=subject, request=self.ledger.new_id()
        )

    def ask(self, reader: Reader, question: Question, subject: str | None, **when: Any) -> Answer:
        """Return an answer; note what is shown by office only, and what was asked for and is hidden."""
        from aggregates.refusals import Refusal

        sight = reader.sight
        try:
            answer = reader.ask(question, **when)
        except Refusal as refusal:
            item = getattr(question, "item", None)
            found = None if item is None or not sight.hidden else self._whole_find(reader, item)
            if refusal.kind == "unknown" and found is not None and str(found[0]) in sight.hidden:
                self.note("refused", question.name, self._actor, f"objective:{found[0]}")
            raise
        if not sight.office.isdisjoint(answer.named):
            self.note("read_by_office", question.name, self._actor, subject)
        return answer

    @staticmethod
    def _whole_find(reader: Reader, item: str) -> tuple[UUID, UUID] | None:
        from replay.sight import EVERYTHING

        return reader.find(item, reader=EVERYTHING)

    def noted(self, reader: Reader, action: str, subject: str | None) -> Reader:
        """Return this reader, of whose answers it is noted once where they show what is shown by office only."""
        shown: list[Answer] = []

        def told(answer: Answer) -> None:
            if not shown and not reader.sight.office.isdisjoint(answer.named):
                shown.append(answer)
                self.note("read_by_office", action, self._actor, subject)

        reader.told = told
        return reader

    def catch_up(self) -> int:
        """Bring the projections level, with a progress bar where it lasts; a server beside does no harm."""
        head = self.ledger.head().position
        with self.engine.reading() as reading:
            behind = head - reading.position
        with progress("Catching up", head if behind > _WORTH_A_BAR else 0) as step:
            return self.engine.catch_up(progress=lambda position, _: step(position))


@contextmanager
def opened(
    settings: Settings | None = None, *, prepare: Callable[[Settings], list[str]] | None = None
) -> Iterator[Session]:
    """Open the ledger of this run, which exists; nothing is created where there is none.

    `prepare` brings its schema to this release and returns what is to be said; without it a schema of another release
    is refused where this one cannot work on it.
    """
    from ledger.place import Place
    from ledger.presence import is_there, may_be_there
    from ledger.schema import difference
    from ledger.store import Ledger

    settings = settings or PLACE.settings()
    if not may_be_there(settings):
        raise _nothing_there(settings)
    with Place.open(settings) as place:  # held until the end, so that an embedded server starts once
        if not is_there(place):
            raise _nothing_there(settings)
        for sentence in prepare(settings) if prepare is not None else ():
            sys.stderr.write(f"strategy-ledger: {sentence}\n")
        with Ledger.open(settings) as ledger:
            unlike = None if prepare is not None else difference(ledger)
            if unlike is not None:
                raise Fault(Code.UNAVAILABLE, unlike)
            yield Session(ledger)


def _nothing_there(settings: Settings) -> Fault:
    where = str(settings.data_dir) if settings.embedded else "this database"
    return Fault(
        Code.UNAVAILABLE,
        f"There is no ledger {settings.schema!r} in {where}; run `{PLACE.command('init')}` to create one, "
        f"`{PLACE.command('restore', 'FILE')}` to bring one back, or `strategy-ledger demo` to see one.",
    )


def writer(session: Session, token_file: Path | None) -> Caller:
    """Return whom the token of this run names, with what the token may be used for.

    Raises:
        Fault: there is no token, the ledger does not know it, or it has expired.
    """
    return _caller(session, read_token(token_file))


def named(session: Session) -> Caller | None:
    """Return whom the token of this run names; None without one, and, said in a line, for one that is not good."""
    token = session.ledger.settings.token
    if not token:
        return None
    try:
        return _caller(session, token)
    except Fault as fault:
        sys.stderr.write(f"strategy-ledger: {fault.sentence} What is not for everyone is left out.\n")
        return None


def office(session: Session, token_file: Path | None, action: str, subject: str | None = None) -> Caller:
    """Return whom the token of this run names, who may do what is no command. Raises Fault, ActionIsNotAllowed."""
    from replay.sight import Sights

    caller = _caller(
        session, read_token(token_file, f"{_OFFICES[action]} names who asks, also on this machine")
    )
    sight = Sights(session.ledger).of(str(caller), session.ledger.head().position, caller.scopes)
    if not sight.may(action):
        session.note("refused", action, caller, subject)
    sight.check(action)
    return caller


def _caller(session: Session, token: str) -> Caller:
    caller = session.ledger.tokens.caller_of(token)
    issue = f"a steward issues one with `{PLACE.command('token', 'issue', 'HANDLE')}`."
    if caller is None:
        session.note("failed", "token_is_not_valid", None)
        told = f"This ledger does not know the token, or it was revoked; {issue}"
        raise Fault(Code.NOT_ALLOWED, told, name="token_is_not_valid")
    if caller.is_expired:
        session.note("failed", "token_has_expired", caller)
        told = f"This token expired on {caller.expires_at:%Y-%m-%d}; {issue}"
        raise Fault(Code.NOT_ALLOWED, told, name="token_has_expired")
    return caller


def read_token(token_file: Path | None, why: str = _WRITES) -> str:
    """Return the token of the file, else of the environment; `why` says what it is needed for."""
    if token_file is not None:
        token = token_file.read_text(encoding="utf-8").strip()
    else:
        token = PLACE.settings().token or ""
    if not token:
        raise Fault(
            Code.NOT_ALLOWED,
            f"{why}: set STRATEGY_LEDGER_TOKEN or give --token-file FILE.",
            name="token_is_missing",
        )
    return token


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Any]:
    """Give a function that takes how much is done; it draws a bar on a terminal.

    Without an end (None) the bar counts and moves; where there is nothing to count (0) there is none.
    """
    if total == 0 or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
