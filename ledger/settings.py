"""The settings of one ledger, read from the environment once and passed on as a value."""

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SCHEMA_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,40}")
"""What a ledger's schema may be called: short enough that the names of its roles and locks fit beside it."""

ROOT_DATA_DIR = Path("/var/lib/strategy-ledger")
"""Where root keeps a ledger: outside every private home, because the embedded server runs as another user."""

_POSTGRES_ADDRESS = re.compile(r"postgres(ql)?://", re.IGNORECASE)


class SettingsError(ValueError):
    """A setting cannot be used; the message names the variable and says what it may hold."""

    code = "settings_error"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a ledger lives, and with which keys and which token it is opened.

    `database_url` is None when the ledger lives on the embedded server in `data_dir`. `migrate_url` connects as the
    owner of the schema; None means that `database_url` does that too. `master_key` is the text of the variable and
    beats `master_key_file`. The two secrets do not show in `repr`.
    """

    data_dir: Path
    schema: str
    master_key_file: Path
    database_url: str | None = field(default=None, repr=False)
    migrate_url: str | None = field(default=None, repr=False)
    master_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @property
    def embedded(self) -> bool:
        """Whether the ledger lives on the embedded server."""
        return self.database_url is None


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings that these variables name; an empty variable counts as absent.

    Raises SettingsError for a schema, an address or a path that cannot be used. Nothing is created or connected to.
    """
    database_url = _address(environ, "STRATEGY_LEDGER_DATABASE_URL")
    migrate_url = _address(environ, "STRATEGY_LEDGER_MIGRATE_URL")
    if migrate_url is not None and database_url is None:
        raise SettingsError(
            "STRATEGY_LEDGER_MIGRATE_URL is set and STRATEGY_LEDGER_DATABASE_URL is not; "
            "set both for a server of your own, or neither for the embedded one."
        )
    schema = _text(environ, "STRATEGY_LEDGER_SCHEMA") or "ledger"
    if not SCHEMA_PATTERN.fullmatch(schema):
        raise SettingsError(
            f"STRATEGY_LEDGER_SCHEMA is {schema!r}; "
            "it must be 1 to 41 lower-case letters, digits and underscores and begin with a letter."
        )
    if schema.startswith("pg_"):
        raise SettingsError(
            f"STRATEGY_LEDGER_SCHEMA is {schema!r}; PostgreSQL keeps names that begin with pg_ for itself."
        )
    if schema in ("public", "information_schema"):
        raise SettingsError(
            f"STRATEGY_LEDGER_SCHEMA is {schema!r}; a ledger has a schema of its own, so give it another name."
        )
    data_dir = _path(environ, "STRATEGY_LEDGER_DATA_DIR") or default_data_dir(environ)
    return Settings(
        data_dir=data_dir,
        schema=schema,
        master_key_file=_path(environ, "STRATEGY_LEDGER_MASTER_KEY_FILE") or data_dir / "master.key",
        database_url=database_url,
        migrate_url=migrate_url,
        master_key=_text(environ, "STRATEGY_LEDGER_MASTER_KEY"),
        token=_text(environ, "STRATEGY_LEDGER_TOKEN"),
    )


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return the directory in which this user keeps a ledger when no variable names one.

    Root: `/var/lib/strategy-ledger`. Others: `strategy-ledger` in `XDG_DATA_HOME`, else in `~/.local/share`; without
    a home that can be written, a directory of the user's own in `/var/tmp`, which outlives a restart.
    """
    user = os.geteuid()
    if user == 0:
        return ROOT_DATA_DIR
    for base in (_text(environ, "XDG_DATA_HOME"), _home(environ)):
        if base and Path(base).is_absolute() and _can_be_made(Path(base)):
            return Path(base) / "strategy-ledger"
    return Path("/var/tmp") / f"strategy-ledger-{user}"  # noqa: S108 (its owner is checked before it is used)


def _home(environ: Mapping[str, str]) -> str | None:
    """Return `~/.local/share` of HOME, or of the user database when HOME is absent."""
    home = _text(environ, "HOME")
    if home is None:
        try:
            home = pwd.getpwuid(os.geteuid()).pw_dir
        except KeyError:
            return None
    return str(Path(home) / ".local" / "share")


def _can_be_made(path: Path) -> bool:
    """Return whether this user can write to the path, or to the nearest directory above it that exists."""
    try:
        while not path.exists() and path != path.parent:
            path = path.parent
        return path.is_dir() and os.access(path, os.W_OK | os.X_OK)
    except OSError:
        return False


def _text(environ: Mapping[str, str], name: str) -> str | None:
    """Return the variable without outer blanks, or None when it is absent or empty."""
    value = environ.get(name, "").strip()
    if "\x00" in value:
        raise SettingsError(f"{name} holds a NUL character.")
    return value or None


def _address(environ: Mapping[str, str], name: str) -> str | None:
    """Return a PostgreSQL address; the message of a refusal does not repeat it, for it may hold a password."""
    value = _text(environ, name)
    if value is not None and not _POSTGRES_ADDRESS.match(value):
        raise SettingsError(f"{name} must be an address that begins with postgresql://.")
    return value


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    """Return an absolute path; `~` is the user's home."""
    value = _text(environ, name)
    if value is None:
        return None
    try:
        path = Path(value).expanduser()
    except RuntimeError as error:
        raise SettingsError(f"{name} is {value!r}; that home directory is not known.") from error
    return path.absolute()
