"""The commands that keep a ledger: make it, serve it, prove it, carry it elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli.faults import spoken
from api.cli.options import Json, Replace, TokenFile

LogFormat = Literal["text", "json"]

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
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of the server; 0 takes a free one.")
    ] = 8000,
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
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", metavar="FORM", help="The log's form: text or json.")
    ] = "text",
    upgrade: Annotated[
        bool,
        typer.Option("--upgrade/--no-upgrade", help="Whether an earlier release's ledger is migrated first."),
    ] = True,
) -> None:
    """Answer over HTTP until interrupted."""
    from api.cli.serving import serve as run

    run(host=host, port=port, log_format=log_format, upgrade=upgrade)


def upgrade(
    check: Annotated[bool, typer.Option("--check", help="Say what would be done, and do nothing.")] = False,
    json: Json = False,
) -> None:
    """Bring the ledger of an earlier release to this one, while others read and write.

    Says which migrations are applied and which programs go on working beside this one. A ledger of a later release is
    left as it is, and refused where it no longer serves this one.
    """
    from api.cli.upgrading import upgrade as run

    run(check=check, json=json)


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


def rebuild(
    alone: Annotated[
        bool,
        typer.Option("--alone", help="No program of another release runs: drop what they read as well."),
    ] = False,
    json: Json = False,
) -> None:
    """Make all projections anew from the entries.

    The new ones grow beside the present ones, which are read until the new ones are level.
    """
    from api.cli.proving import rebuild as run

    run(alone=alone, json=json)


def export(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="File to write; absent means stdout.")
    ] = None,
    directory: DirectoryFile = None,
    replace: Replace = False,
    after: Annotated[
        int, typer.Option("--after", metavar="POSITION", min=0, help="Leave out up to here.")
    ] = 0,
    until: Annotated[
        int | None, typer.Option("--until", metavar="POSITION", min=1, help="Leave out what comes later.")
    ] = None,
    token_file: TokenFile = None,
) -> None:
    """Write the entries as native lines, byte for byte.

    They are whole, whomever an objective is shown to: this needs a steward's or an auditor's token, and is logged.
    """
    from api.cli.carrying import export as run

    run(out=out, directory=directory, replace=replace, after=after, until=until, token_file=token_file)


def backup(
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where backups are kept; each gets a directory of its own."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="DIR", help="Hold a backup against its manifest; write nothing."),
    ] = None,
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Back the ledger up while others write: entries, directory, and a manifest with their digests.

    It is whole or not there at all. This needs a steward's or an auditor's token, and is logged.
    """
    from api.cli.backing import backup as run

    run(to=to, check=check, token_file=token_file, json=json)


def restore(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Native lines of an export, or a backup's directory; - reads stdin."
        ),
    ],
    directory: DirectoryFile = None,
    older_directory: Annotated[
        bool,
        typer.Option(
            "--older-directory",
            help="Take a directory that is older than the entries, or than another of the same position.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Put native lines into an empty ledger, with their times."""
    from api.cli.carrying import restore as run

    run(file, directory=directory, older_directory=older_directory, json=json)


def version(json: Json = False) -> None:
    """Say which release this is, and which ledger it finds."""
    from api.cli.carrying import version as run

    run(json=json)


def token_issue(
    actor: Annotated[
        str, typer.Argument(metavar="ACTOR", help="Handle, address or identifier of whom it names.")
    ],
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What it is for.")] = "command line",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="What it may be used for: read, write, check_in, export or operate; may be repeated; absent: all.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--expires-in", metavar="DAYS", help="Days that it is good for.")
    ] = 365,
    as_owner: Annotated[
        bool,
        typer.Option("--as-owner", help="With the database owner's rights, where every token is lost."),
    ] = False,
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Issue a token; it is shown once."""
    from api.cli.tokens import issue

    issue(
        actor,
        label=label,
        scopes=tuple(scope or ()),
        days=days,
        as_owner=as_owner,
        token_file=token_file,
        json=json,
    )


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


def security_log(
    after: Annotated[
        int, typer.Option("--after", metavar="NUMBER", min=0, help="Lines after this number.")
    ] = 0,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=1000, help="At most so many.")
    ] = 100,
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Show what was refused, and what was read by office.

    Refused attempts, failed tokens, readings that only the office of a steward or an auditor allows, exports, tokens
    issued and revoked. A steward, an auditor or an operator may read it; an operator is not shown what it was about.
    """
    from api.cli.tokens import security_log as run

    run(after=after, limit=limit, token_file=token_file, json=json)


COMMANDS: dict[str, Callable[..., None]] = {
    "init": init,
    "demo": demo,
    "serve": serve,
    "upgrade": upgrade,
    "verify": verify,
    "rebuild": rebuild,
    "export": export,
    "backup": backup,
    "restore": restore,
    "security-log": security_log,
    "version": version,
}
TOKEN_COMMANDS: dict[str, Callable[..., None]] = {
    "issue": token_issue,
    "list": token_list,
    "revoke": token_revoke,
}
