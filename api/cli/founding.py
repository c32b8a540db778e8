"""`init`: a new ledger, its first steward, its master key and its first token."""

from __future__ import annotations

import sys

from api.cli.codes import Code
from api.cli.faults import Fault, said_by_options
from api.cli.page import show, write_json
from api.cli.place import PLACE

_SAID_BY = {
    "/organisation": "--organisation",
    "/display_name": "--name",
    "/handle": "--handle",
    "/email": "--email",
}


def found(
    *,
    organisation: str | None,
    zone: str | None,
    name: str | None,
    handle: str | None,
    email: str | None,
    json: bool,
) -> None:
    """Create the ledger; on a terminal, what was not given is asked for."""
    organisation = _asked(organisation, "--organisation", "Name of the organisation")
    zone = _asked(zone, "--zone", "Its time zone, such as Europe/Berlin")
    name = _asked(name, "--name", "Your name, as first steward")
    settings = PLACE.settings()
    from ledger.keys import LOSS
    from ledger.lifecycle import initialise

    own_key = settings.master_key is not None
    with said_by_options(_SAID_BY, no_rule=True):
        created = initialise(
            settings, organisation, zone, steward_name=name, steward_handle=handle, steward_email=email
        )
    key = "STRATEGY_LEDGER_MASTER_KEY" if own_key else str(settings.master_key_file)
    if json:
        write_json(
            {
                "ledger": str(created.ledger),
                "steward": str(created.steward),
                "token": created.token,
                "position": created.position,
                "master_key": key,
                "weaker": list(created.weaker),
            }
        )
        return
    show(
        [
            f"Ledger {created.ledger} of {organisation} ({zone}).",
            f"First steward: {name}, {created.steward}.",
            "",
            f"Token: {created.token}",
            "It is shown this once. Set STRATEGY_LEDGER_TOKEN to it, or keep it in a file for --token-file.",
            "",
            f"Master key: {key}",
            LOSS,
            *(f"Weaker here: {sentence}" for sentence in created.weaker),
            "",
            f"Next: {PLACE.command('record', '-')} takes commands; {PLACE.command('serve')} answers over HTTP.",
        ]
    )


def _asked(given: str | None, option: str, prompt: str) -> str:
    if given is not None:
        if not given.strip():
            raise Fault(Code.USAGE, f"{option} is empty.")
        return given
    if not sys.stdin.isatty():
        raise Fault(Code.USAGE, f"{option} is missing.")
    import typer

    return str(typer.prompt(prompt))
