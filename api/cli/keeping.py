"""The commands that keep a ledger: make it, serve it, prove it, carry it elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from api.cli.faults import spoken
from api.cli.options import Json, TokenFile

token_app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="The tokens with which people and services name themselves.",
)

DirectoryFile = Annotated[
    Path | None,
    typer.Option(
        "--directory", metavar="FILE", help="The names, handles and addresses of people, beside the entries."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the keeping commands."""
    for name, function in COMMANDS.items():
        app.command(name)(spoken(function))
    for name, function in TOKEN_COMMANDS.items():
        token_app.command(name)(spoken(function))
    app.add_typer(token_app, name="token")


def init(
    organisation: Annotated[
        str | None, typer.Option("--organisation", metavar="NAME", help="Name of the organisation.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", metavar="ZONE", help="Its time zone, such as Europe/Berlin.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the first steward.")
    ] = None,
    handle: Annotated[
        str | None, typer.Option("--handle", metavar="HANDLE", help="A short name to call the steward by.")
    ] = None,
    email: Annotated[
        str | None, typer.Option("--email", metavar="ADDRESS", help="The steward's address.")
    ] = None,
    json: Json = False,
) -> None:
    """Create a ledger with its first steward.

    Records the organisation, its zone and its first policy, makes the file of the master key where there is none, and
    prints the steward's token, once. What is not given is asked for on a terminal.
    """
    from api.cli.founding import found

    found(organisation=organisation, zone=zone, name=name, handle=handle, email=email, json=json)


def demo(
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Whether a server is left running.")
    ] = True,
    port: Annotated[int, typer.Option("--port", help="Port of the server; 0 takes a free one.")] = 8000,
) -> None:
    """Show the history test on an invented company.

    It lives in a ledger of its own, never in yours, and is made anew when it is older than a week. What was
    committed in its last closed quarter, how that changed, who decided, what an auditor would ask; then the board of
    the running quarter; then a server is left running.
    """
    from api.cli.showing import show_demonstration

    show_demonstration(serve=serve, port=port)


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on; 0 takes a free one.")] = 8000,
) -> None:
    """Answer over HTTP until interrupted."""
    from api.cli.serving import serve as run

    run(host=host, port=port)


def verify(
    samples: Annotated[
        int,
        typer.Option(
            "--samples", metavar="N", min=0, help="How many past pairs of both clocks are compared."
        ),
    ] = 12,
    json: Json = False,
) -> None:
    """Prove the record and every projection.

    Columns must say what the stored bytes say, and every projection must equal an independent fold of the entries,
    now and at sampled pairs of both clocks. The first difference is named, and the command ends with code 6.
    """
    from api.cli.proving import verify as run

    run(samples=samples, json=json)


def rebuild(json: Json = False) -> None:
    """Make all projections anew from the entries.

    The new ones grow beside the present ones, which are read until the new ones are level.
    """
    from api.cli.proving import rebuild as run

    run(json=json)


def export(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="File to write; absent means stdout.")
    ] = None,
    directory: DirectoryFile = None,
    after: Annotated[
        int, typer.Option("--after", metavar="POSITION", min=0, help="Leave out up to here.")
    ] = 0,
    until: Annotated[
        int | None, typer.Option("--until", metavar="POSITION", min=1, help="Leave out what comes later.")
    ] = None,
) -> None:
    """Write the entries as native lines, byte for byte."""
    from api.cli.carrying import export as run

    run(out=out, directory=directory, after=after, until=until)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Native lines of an export; - reads stdin.")],
    directory: DirectoryFile = None,
    json: Json = False,
) -> None:
    """Put native lines into an empty ledger, with their times."""
    from api.cli.carrying import restore as run

    run(file, directory=directory, json=json)


def version(json: Json = False) -> None:
    """Say which release this is, and which ledger it finds."""
    from api.cli.carrying import version as run

    run(json=json)


def token_issue(
    actor: Annotated[
        str, typer.Argument(metavar="ACTOR", help="Handle, address or identifier of whom it names.")
    ],
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What it is for.")] = "command line",
    as_owner: Annotated[
        bool,
        typer.Option("--as-owner", help="With the database owner's rights, where every token is lost."),
    ] = False,
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Issue a token; it is shown once."""
    from api.cli.tokens import issue

    issue(actor, label=label, as_owner=as_owner, token_file=token_file, json=json)


def token_list(token_file: TokenFile = None, json: Json = False) -> None:
    """List the tokens, without their secret part."""
    from api.cli.tokens import listing

    listing(token_file=token_file, json=json)


def token_revoke(
    token: Annotated[
        str, typer.Argument(metavar="TOKEN", help="Identifier of the token, as `token list` shows it.")
    ],
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Revoke a token at once."""
    from api.cli.tokens import revoke

    revoke(token, token_file=token_file, json=json)


COMMANDS: dict[str, Callable[..., None]] = {
    "init": init,
    "demo": demo,
    "serve": serve,
    "verify": verify,
    "rebuild": rebuild,
    "export": export,
    "restore": restore,
    "version": version,
}
TOKEN_COMMANDS: dict[str, Callable[..., None]] = {
    "issue": token_issue,
    "list": token_list,
    "revoke": token_revoke,
}
