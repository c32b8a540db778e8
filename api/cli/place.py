"""Which ledger this run of the command line works on."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.codes import Code
from api.cli.faults import Fault

if TYPE_CHECKING:
    from ledger.settings import Settings

_OPTIONS = {"STRATEGY_LEDGER_DATA_DIR": "--data-dir", "STRATEGY_LEDGER_SCHEMA": "--schema"}
"""The global options by the variables in whose place they stand."""


class Place:
    """The environment with what the global options say in its place."""

    def __init__(self) -> None:
        self._chosen: dict[str, str] = {}
        self._token_file: Path | None = None

    def choose(self, data_dir: Path | None, schema: str | None) -> None:
        """Keep what the global options said."""
        self._chosen, self._token_file = {}, None
        if data_dir is not None:
            self._chosen["STRATEGY_LEDGER_DATA_DIR"] = str(data_dir)
        if schema is not None:
            self._chosen["STRATEGY_LEDGER_SCHEMA"] = schema

    def ask_with(self, token_file: Path | None) -> Path | None:
        """Keep the file whose token this run asks with, in place of the environment's; give it back."""
        self._token_file = token_file
        return token_file

    def environment(self) -> dict[str, str]:
        """Return the variables that settings are read from."""
        told = {**os.environ, **self._chosen}
        if self._token_file is not None:
            told["STRATEGY_LEDGER_TOKEN"] = self._token_file.read_text(encoding="utf-8").strip()
        return told

    def settings(self) -> Settings:
        """Return the settings of this run. Raises Fault for what an option says, else SettingsError."""
        from ledger.settings import SettingsError, load_settings

        try:
            return load_settings(self.environment())
        except SettingsError as error:
            said = str(error)
            for name in self._chosen:
                said = said.replace(name, _OPTIONS[name])
            if said == str(error):
                raise
            raise Fault(Code.USAGE, said) from error

    def command(self, *words: str) -> str:
        """Return a command line that works on the same ledger, for a footer or a hint."""
        chosen = [word for name, value in self._chosen.items() for word in (_OPTIONS[name], value)]
        return shlex.join(["strategy-ledger", *chosen, *words])

    def elsewhere(self, *words: str) -> str:
        """Return a command line that works beside the same ledger, in a schema that is free: `back`."""
        options = {"--data-dir": self._chosen.get("STRATEGY_LEDGER_DATA_DIR"), "--schema": "back"}
        chosen = [word for name, value in options.items() if value is not None for word in (name, value)]
        return shlex.join(["strategy-ledger", *chosen, *words])


PLACE = Place()
