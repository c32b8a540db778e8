"""`token` (issue, list, revoke; a steward's token is needed) and `security-log`."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from aggregates.access import ALL_SCOPES, SCOPES
from api.calling import anyone_called
from api.cli.codes import Code
from api.cli.faults import Fault
from api.cli.page import Table, show, write_json
from api.cli.session import Session, office, opened
from ledger.tokens import insert_token


def issue(
    actor: str,
    *,
    label: str,
    scopes: tuple[str, ...],
    days: int,
    as_owner: bool,
    token_file: Path | None,
    json: bool,
) -> None:
    """Issue a token to a person or a service, and show it once.

    A steward's token is needed, or, where every token is lost, the rights of the database's owner. A token is for
    no more than the one that it was issued with.
    """
    with opened() as session:
        by = None if as_owner else office(session, token_file, "manage_tokens", "token issue")
        named, name = _somebody(session, actor)
        wanted = set(scopes or SCOPES)
        if by is not None and scopes and not wanted & ALL_SCOPES <= by.scopes:
            raise Fault(Code.NOT_ALLOWED, "A token is for no more than the one that it is issued with.")
        wanted = wanted if by is None else wanted & by.scopes if not scopes else wanted
        try:
            if by is None:
                with session.ledger.place.as_owner() as connection:
                    token = insert_token(connection, named, label, scopes=wanted, days=days)
            else:
                token = session.ledger.tokens.issue(named, label, scopes=wanted, days=days)
        except ValueError as error:
            raise Fault(Code.USAGE, str(error)) from None
        session.note("issued", "token issue" if by else "token issue --as-owner", by, named)
        if json:
            write_json({"actor": named, "label": label, "token": token})
        else:
            show([f"Token of {name} ({label}): {token}", "It is shown this once."])


def _somebody(session: Session, text: str) -> tuple[str, str]:
    """Return the actor whom a handle, an address or an identifier names, and how they are called."""
    directory = session.ledger.directory
    found = anyone_called(directory, text)
    if not isinstance(found, UUID) and isinstance(
        service := anyone_called(directory, text, kind="service"), UUID
    ):
        found = service
    somebody = directory.of(found) if isinstance(found, UUID) else None
    if somebody is not None:
        return somebody.actor, somebody.display_name
    try:
        identifier = UUID(text)
    except ValueError:
        identifier = None
    if identifier is not None and session.ledger.world().person(identifier) is not None:
        return f"person:{identifier}", text
    told = f"Nobody here is called {text!r}" if isinstance(found, UUID) else found.told
    told = f"{told}; name a handle, an address, an identifier or a whole name."
    raise Fault(Code.NOT_FOUND, told, name="person_is_unknown")


def listing(*, token_file: Path | None, json: bool) -> None:
    """List every token without its secret part."""
    with opened() as session:
        office(session, token_file, "manage_tokens", "token list")
        tokens, names = session.ledger.tokens.list(), session.ledger.directory.names()
        if json:
            fields = (
                "id", "actor", "label", "shown", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at",
            )  # fmt: skip
            write_json({"tokens": [{name: getattr(token, name) for name in fields} for token in tokens]})
            return
        table = Table(
            ("token", "whose", "label", "reads", "for", "issued", "expires", "last used", "revoked")
        )
        for token in tokens:
            somebody = names.get(UUID(token.actor.partition(":")[2]))
            moments = (token.created_at, token.expires_at, token.last_used_at, token.revoked_at)
            table.row(
                token.id,
                somebody.display_name if somebody else token.actor,
                token.label,
                token.shown,
                "everything" if len(token.scopes) == len(SCOPES) else ", ".join(token.scopes),
                *(moment.strftime("%Y-%m-%d %H:%M") if moment else "–" for moment in moments),
            )
        show([table])


def revoke(token: str, *, token_file: Path | None, json: bool) -> None:
    """Let a token count no more."""
    with opened() as session:
        by = office(session, token_file, "manage_tokens", "token revoke")
        try:
            revoked = session.ledger.tokens.revoke(UUID(token))
        except ValueError:
            revoked = False
        if not revoked:
            raise Fault(
                Code.NOT_FOUND, f"There is no token {token!r} that still counts; `token list` shows them."
            )
        session.note("revoked", "token revoke", by, f"token:{UUID(token)}")
        if json:
            write_json({"revoked": token})
        else:
            show([f"Token {token} counts no more."])


def security_log(*, after: int, limit: int, token_file: Path | None, json: bool) -> None:
    """Show the security log to whoever may read it."""
    from api.auditing import told

    with opened() as session:
        by = office(session, token_file, "read_security_log")
        body = told(session.ledger, str(by), after, limit)
        if json:
            write_json(body)
            return
        table = Table((">number", "when", "who", "what became of it", "action", "about", "door", ">times"))
        for line in body["lines"]:
            somebody = body["people"].get((line["actor"] or "").partition(":")[2])
            table.row(
                line["number"],
                line["at"][:16].replace("T", " "),
                somebody["name"] if somebody else line["actor"] or "somebody",
                line["outcome"].replace("_", " "),
                line["action"],
                line["subject"] or "–",
                line["door"],
                line["times"],
            )
        show([table] if body["lines"] else ["Nothing was refused, and nothing read by office."])
