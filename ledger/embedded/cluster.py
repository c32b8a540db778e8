"""One cluster of PostgreSQL on disk: made whole, looked at, started, swept after a kill, and stopped.

Its callers hold the data directory alone (see the package), so no two of these happen at once.
"""

import hashlib
import os
import re
import shutil
import signal
import socket
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from ledger.embedded.errors import DirectoryIsNotUsable, ServerDoesNotStart, ServerIsBusy, VersionDiffers
from ledger.embedded.programs import (
    Account,
    check_passable,
    end_programs,
    find_account,
    find_engine,
    passable_engine,
    run,
)

PATIENCE = 300.0
"""Seconds for a start (crash recovery included), a stop, or somebody else's start or stop."""

DURABLE: Final = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
"""What keeps a commit through a crash."""

_OPTIONS: Final = {
    "listen_addresses": "",
    "log_error_verbosity": "terse",
    "max_connections": "100",
    "port": "5432",
    "unix_socket_permissions": "0700",
}
_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES = 103
"""The shortest limit of a socket's path among the supported systems: macOS; Linux takes 107."""
_LOG_BYTES = 8 * 1024 * 1024
_PAUSE = 0.002
"""Seconds between two looks at a server that starts or stops."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What a server notes about itself in postmaster.pid: its process, where its socket lies, and its state."""

    process: int | None
    sockets: Path | None
    state: str

    @classmethod
    def read(cls, cluster: Path) -> "Notes | None":
        """Return the notes, or None without a file; a torn file gives None for what it lacks."""
        try:
            text = (cluster / "postmaster.pid").read_text(errors="surrogateescape")
        except FileNotFoundError:
            return None
        lines = [line.strip() for line in text.split("\n")] + [""] * 8
        return cls(
            int(lines[0]) if lines[0].isdecimal() else None, Path(lines[4]) if lines[4] else None, lines[7]
        )


@dataclass(frozen=True, slots=True)
class Cluster:
    """PostgreSQL's files and programs, and the account that owns the one and runs the other (None: ourselves)."""

    data_dir: Path
    programs: Path
    account: Account | None

    @classmethod
    def open(cls, data_dir: Path) -> "Cluster":
        """Return the cluster of a data directory, made where needed.

        Raises VersionDiffers, DirectoryIsNotUsable, EngineIsMissing, AccountIsMissing or ServerDoesNotStart.
        """
        programs, major = find_engine()
        path = data_dir / "postgres"
        fresh = not path.exists() or not any(path.iterdir())
        account = None
        if os.geteuid() == 0:
            account = find_account() if fresh else Account.of(path)
        cluster = cls(data_dir, programs, account)
        cluster._sweep_drafts()
        if fresh:
            cluster._make()
        cluster._check(major)
        return cluster

    @property
    def path(self) -> Path:
        """Where PostgreSQL's own files lie."""
        return self.data_dir / "postgres"

    def ensure_running(self) -> str:
        """Return the address of the running server for its superuser, starting the server where needed."""
        deadline = time.monotonic() + PATIENCE
        while (state := self._look()) != "ready":
            if time.monotonic() > deadline:
                raise ServerIsBusy(
                    f"The server in {self.path} was not ready after {PATIENCE:.0f} s; see server.log."
                )
            if state == "dead":
                self._sweep()
            elif state == "absent":
                self._start(deadline)
            else:
                time.sleep(_PAUSE)
        notes = Notes.read(self.path)
        sockets = (notes.sockets if notes else None) or self.path
        return f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='')}&port=5432"

    def is_gone(self) -> bool:
        """Return whether no server is there, not even one that starts or stops."""
        return self._look() in ("absent", "dead")

    def stop(self) -> None:
        """Stop the server if it runs; open connections are closed, what they committed is kept."""
        started, told = time.monotonic(), None
        while notes := Notes.read(self.path):
            if self._works_here(notes.process):
                if notes.process and notes.process != told:
                    told = notes.process
                    with suppress(ProcessLookupError):
                        os.kill(told, signal.SIGINT)  # a fast shutdown
            elif not _answers(notes.sockets):
                return  # killed: the next start sweeps
            if time.monotonic() - started > (PATIENCE if told else 1.0):
                raise ServerIsBusy(
                    f"The server in {self.path} does not stop, or runs out of this process's sight."
                )
            time.sleep(_PAUSE)

    def _make(self) -> None:
        """Make the cluster beside its place and move it there whole, so that a killed attempt leaves no half.

        Texts sort by code point and change case by Unicode's rules, on every system alike.
        """
        programs = self._runnable()
        draft = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.data_dir))
        if self.account:
            os.chown(draft, self.account.user, self.account.group)
        self._run(
            str(programs / "initdb"),
            *("--username=postgres", "--auth-local=trust", "--auth-host=reject", "--no-instructions"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("-D", str(draft)),
        )
        draft.rename(self.path)

    def _runnable(self) -> Path:
        """Return programs that the account can run, where it can reach the data; asked only to make or to start."""
        if self.account is None:
            return self.programs
        check_passable(self.data_dir, self.account)
        return passable_engine(self.programs, self.account)

    def _check(self, major: int) -> None:
        """Refuse files that are not ours, not PostgreSQL's, or another version's."""
        version = self.path / "PG_VERSION"
        owner = self.account.user if self.account else os.geteuid()
        if self.path.stat().st_uid != owner or owner == 0:
            raise DirectoryIsNotUsable(f"{self.path} belongs to a user who cannot run this server.")
        if not version.is_file():
            raise DirectoryIsNotUsable(f"{self.path} holds other files; choose another data directory.")
        made_by = version.read_text().strip()
        if made_by != str(major):
            raise VersionDiffers(
                f"The data in {self.path} was made by PostgreSQL {made_by}, and this release brings "
                f"PostgreSQL {major}; restore an export into a new data directory, or use the release that made it."
            )

    def _look(self) -> Literal["absent", "dead", "busy", "ready"]:
        """Return whether the server is there; busy while it starts or stops, dead when only its notes are."""
        notes = Notes.read(self.path)
        if notes is None:
            return "absent"
        if self._works_here(notes.process) or _answers(notes.sockets):
            return "ready" if notes.state == "ready" else "busy"
        return "dead"

    def _works_here(self, process: int | None) -> bool:
        """Return whether this process lives and works in the cluster: a number may have been given out again."""
        import psutil

        if process is None:
            return False
        try:
            found = psutil.Process(process)
            return found.status() != psutil.STATUS_ZOMBIE and self.path.samefile(found.cwd())
        except (psutil.Error, OSError):
            return False

    def _sweep(self) -> None:
        """End what still works in a cluster whose server was killed, then remove the dead server's notes."""
        end_programs(lambda process: self._works_here(process.pid))
        if (notes := Notes.read(self.path)) and notes.sockets:
            (notes.sockets / _SOCKET).unlink(missing_ok=True)
            (notes.sockets / f"{_SOCKET}.lock").unlink(missing_ok=True)
        (self.path / "postmaster.pid").unlink(missing_ok=True)

    def _sweep_drafts(self) -> None:
        """End first starts whose starter was killed, and remove what they made so far."""
        if drafts := list(self.data_dir.glob("postgres.new-*")):
            places = {str(draft) for draft in drafts}
            end_programs(lambda process: not places.isdisjoint(process.cmdline()))
            for draft in drafts:
                shutil.rmtree(draft, ignore_errors=True)

    def _start(self, deadline: float) -> None:
        """Start the server and wait until it is ready; options on its command line beat every configuration file.

        Without PostgreSQL's pg_ctl, which looks at the server every tenth of a second and writes paths into a
        shell's line.
        """
        programs = self._runnable()
        log = self.path / "server.log"
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_name("server.log.1"))
        said_before = log.stat().st_size if log.exists() else 0
        if not _answers(self.path):  # a base backup brings the lock of the running server's socket along
            (self.path / f"{_SOCKET}.lock").unlink(missing_ok=True)
        options = {**_OPTIONS, **DURABLE, "unix_socket_directories": str(self._socket_dir())}
        process = self._run(
            "sh",
            *(
                "-c",
                'cd "$1" && shift && { "$@" </dev/null >>server.log 2>&1 & } && echo $!',
                "sh",
                str(self.path),
            ),
            *(str(programs / "postgres"), "-D", str(self.path)),
            *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
        )
        while self._look() != "ready":
            if not self._works_here(int(process)):
                if self._look() != "absent":
                    return  # the server of a start that was killed came first
                said = log.read_bytes()[said_before:].decode(errors="replace")
                raise ServerDoesNotStart(f"PostgreSQL did not start in {self.path}: {said[-2000:].strip()}")
            if time.monotonic() > deadline:
                return
            time.sleep(_PAUSE)

    def _socket_dir(self) -> Path:
        """Return the cluster itself, or a private directory with a short name when a socket would not fit there."""
        path = os.fsencode(self.path)
        if len(path) + 1 + len(_SOCKET) <= _SOCKET_PATH_BYTES and re.fullmatch(rb"[\w./+-]+", path):
            return self.path
        account = self.account or Account(os.geteuid(), os.getegid())
        base = tempfile.gettempdir()
        if self.account or len(os.fsencode(base)) > 40:
            base = "/tmp"  # noqa: S108 (kind and owner of what lies there are checked)
        short = Path(base) / f"strategy-ledger-{account.user}-{hashlib.sha256(path).hexdigest()[:12]}"
        with suppress(FileExistsError):
            short.mkdir(mode=0o700)
            os.chown(short, account.user, account.group)
        found = short.lstat()
        if not short.is_dir() or short.is_symlink() or found.st_uid != account.user or found.st_mode & 0o077:
            raise DirectoryIsNotUsable(f"{short} is not a private directory of this server; remove it.")
        return short

    def _run(self, program: str, *arguments: str) -> str:
        """Run a program as the cluster's account and return what it printed; raises ServerDoesNotStart."""
        try:
            done = run(self.account, program, *arguments)
        except OSError as error:
            raise ServerDoesNotStart(f"{program} cannot be run: {error.strerror}.") from error
        if done.returncode != 0:
            raise ServerDoesNotStart(
                f"{program} failed for {self.path}: {(done.stderr or done.stdout).strip()}"
            )
        return done.stdout


def _answers(sockets: Path | None) -> bool:
    """Return whether somebody listens in this directory: in another container its process is out of our sight."""
    if sockets is None:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(sockets / _SOCKET))
        except OSError as error:
            return isinstance(error, BlockingIOError | TimeoutError)
        return True
