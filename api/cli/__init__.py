"""The command line `strategy-ledger`; nothing heavy is imported before a command needs it."""

import sys


def main() -> None:
    """Run the command line and end the process with one of the codes of `api.cli.codes`."""
    from api.cli.app import app
    from api.cli.streams import nothing_is_closed

    nothing_is_closed()
    try:
        app(prog_name="strategy-ledger")
    except OSError as error:  # what a parser writes, `--help`, passes by no command
        from api.cli.faults import of_output

        if (fault := of_output(error)) is None:
            raise
        sys.stderr.write(f"strategy-ledger: {fault.sentence}\n")
        sys.exit(fault.code)
