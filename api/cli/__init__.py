"""The command line `strategy-ledger`; nothing heavy is imported before a command needs it."""


def main() -> None:
    """Run the command line and end the process with one of the codes of `api.cli.codes`."""
    from api.cli.app import app

    app(prog_name="strategy-ledger")
