"""`token`: issue, list and revoke; a steward's token is needed."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.page import Table, show, write_json
from api.cli.session import Session, opened, writer
from ledger.tokens import insert_token


def issue(actor: str, *, label: str, as_owner: bool, token_file: Path | None, json: bool) -> None:
    """Issue a token to a person or a service, and show it once.

    A steward's token is needed, or, where every token is lost, the rights of the database's owner.
    """
    with opened() as session:
        if not as_owner:
            _steward(session, token_file)
        named, name = _somebody(session, actor)
        if as_owner:
            with session.ledger.place.as_owner() as connection:
                token = insert_token(connection, named, label)
        else:
            token = session.ledger.tokens.issue(named, label)
        if json:
            write_json({"actor": named, "label": label, "token": token})
        else:
            show([f"Token of {name} ({label}): {token}", "It is shown this once."])


def _somebody(session: Session, text: str) -> tuple[str, str]:
    """Return the actor whom a handle, an address or an identifier names, and how they are called."""
    found = session.ledger.directory.lookup(text)
    somebody = session.ledger.directory.of(found) if found else None
    if somebody is not None:
        return somebody.actor, somebody.display_name
    try:
        identifier = UUID(text)
    except ValueError:
        identifier = None
    if identifier is not None and session.ledger.world().person(identifier) is not None:
        return f"person:{identifier}", text
    raise Fault(
        Code.NOT_FOUND, f"Nobody here is called {text!r}; name a handle, an address or an identifier."
    )


def listing(*, token_file: Path | None, json: bool) -> None:
    """List every token without its secret part."""
    with opened() as session:
        _steward(session, token_file)
        tokens, names = session.ledger.tokens.list(), session.ledger.directory.names()
        if json:
            fields = ("id", "actor", "label", "created_at", "last_used_at", "revoked_at")
            write_json({"tokens": [{name: getattr(token, name) for name in fields} for token in tokens]})
            return
        table = Table(("token", "whose", "label", "issued", "last used", "revoked"))
        for token in tokens:
            somebody = names.get(UUID(token.actor.partition(":")[2]))
            moments = (token.created_at, token.last_used_at, token.revoked_at)
            table.row(
                token.id,
                somebody.display_name if somebody else token.actor,
                token.label,
                *(moment.strftime("%Y-%m-%d %H:%M") if moment else "–" for moment in moments),
            )
        show([table])


def revoke(token: str, *, token_file: Path | None, json: bool) -> None:
    """Let a token count no more."""
    with opened() as session:
        _steward(session, token_file)
        try:
            revoked = session.ledger.tokens.revoke(UUID(token))
        except ValueError:
            revoked = False
        if not revoked:
            raise Fault(
                Code.NOT_FOUND, f"There is no token {token!r} that still counts; `token list` shows them."
            )
        if json:
            write_json({"revoked": token})
        else:
            show([f"Token {token} counts no more."])


def _steward(session: Session, token_file: Path | None) -> None:
    actor = writer(session, token_file)
    kind, _, identifier = actor.partition(":")
    world = session.ledger.world()
    state = world.person(UUID(identifier)) if kind == "person" else world.service(UUID(identifier))
    if state is None or "steward" not in state.roles:
        raise Fault(Code.NOT_ALLOWED, "Only a steward issues, lists and revokes tokens.")
