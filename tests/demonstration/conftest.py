"""The demonstration is shown on the command line, so its tests type into the same one."""

from tests.cli.conftest import empty, line, season, today

__all__ = ["empty", "line", "season", "today"]
