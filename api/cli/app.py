"""The command line as a whole: its commands, its global options, its exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli import asking, keeping, writing
from api.cli.at_need import made_at_need
from api.cli.codes import epilogue
from api.cli.place import PLACE

app = typer.Typer(
    name="strategy-ledger",
    rich_markup_mode=None,  # help is plain text: rich is imported only where a table is drawn
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=epilogue(),
)


def _release(asked: bool) -> None:
    if asked:
        from api.release import RELEASE

        sys.stdout.write(f"strategy-ledger {RELEASE}\n")
        raise typer.Exit


@app.callback()
def anywhere(
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir", metavar="DIR", help="Where the ledger lives; else STRATEGY_LEDGER_DATA_DIR."
        ),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option(
            "--schema", metavar="NAME", help="Which ledger of the database; else STRATEGY_LEDGER_SCHEMA."
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Say which release this is.", callback=_release, is_eager=True)
    ] = False,
) -> None:
    """What was committed, how it changed, who decided: the record of a strategy."""
    PLACE.choose(data_dir, schema)


writing.register(app)
asking.register(app)
keeping.register(app)
made_at_need(app)
