"""Reads the history of a page, or of a folder of pages, directly from a git repository.

The record is what the main line showed and when: only first parents are followed, so that the work of a branch counts
from the merge that brought it in, and the instant is the committer's. A page's history follows renames and stops
where the page began as a copy of another one (`git log --follow` itself would run on into the other page).

The repository may be a stranger's: nothing of its configuration may start a program or reach a network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from threading import Timer

from aggregates.snapshots.markdown import LARGEST_PAGE
from aggregates.snapshots.page import SourceVersion
from api.imports.sources import (
    MOST_VERSIONS,
    Rename,
    SourceCannotBeRead,
    VersionFile,
    VersionSeries,
    check_path,
    is_dated_folder,
    parse_instant,
    printable,
    read_folder,
)

LONGEST_RUN = 60.0
LARGEST_ANSWER = 20_000_000
LARGEST_HISTORY = 100_000_000
MOST_PAGES = 500

_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}\Z")
_FILE_MODES = ("100644", "100755")
_NO_FILE = "000000"
_KEPT = ("PATH", "HOME", "XDG_CONFIG_HOME", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "diff.renames=true",
    "log.follow=false",
    "log.showSignature=false",
    "protocol.allow=never",
)


@dataclass(frozen=True, slots=True)
class _Change:
    """What one commit of the main line did to the page."""

    version: SourceVersion
    status: str
    mode: str
    blob: str
    before: str
    after: str


def read_source(place: Path) -> tuple[VersionSeries, ...]:
    """Return the series in a folder, whichever kind it is: manifest, dated files, or a folder of a work tree."""
    if not place.is_dir() or is_dated_folder(place):
        return read_folder(place)
    return read_repository(place)


def read_repository(place: Path, path: str = "", *, revision: str = "HEAD") -> tuple[VersionSeries, ...]:
    """Return the series of a page (`….md`) or of every page that ever stood in a folder of a repository.

    `place` is a work tree, a folder in one, or a bare repository; `path` is relative to it. A deleted page is a last
    version without content. Raises SourceCannotBeRead, also for a shallow clone (its first versions are missing)
    and for a commit dated before the one it builds on.
    """
    git = _Git(place)
    wanted = check_path(path, "path") if path else PurePosixPath()
    if not _REVISION.match(revision) or ".." in revision:
        raise SourceCannotBeRead(f"{printable(revision)!r} is not the name of a revision.", field="/revision")
    if git.line("rev-parse", "--is-shallow-repository") == "true":
        raise SourceCannotBeRead(
            "This is a shallow clone: earlier versions are missing. Fetch the whole history."
        )
    root = git.line("rev-parse", "--show-prefix")
    full = (PurePosixPath(root) / wanted).as_posix().removeprefix("./")
    full = "" if full == "." else full
    if git.line("rev-parse", "--is-bare-repository") == "false":
        git = _Git(Path(git.line("rev-parse", "--show-toplevel")))
    commit = git.line("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    pages = [full] if full.endswith(".md") else _pages(git, commit, full)
    series: list[VersionSeries] = []
    covered: set[str] = set()
    for page in pages:
        if page not in covered:
            one = _read_page(git, commit, page)
            covered |= {page, *(rename.before for rename in one.renames)}
            series.append(one)
    return tuple(sorted(series, key=lambda one: one.name))


def _pages(git: _Git, commit: str, folder: str) -> list[str]:
    """Return every page that ever stood in the folder, those that still stand there first."""
    here = ["--", folder] if folder else []
    now = git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, *here)
    ever = git.run("log", "--first-parent", "--no-renames", "--name-only", "-z", "--format=", commit, *here)
    names = [name.decode(errors="replace").lstrip("\n") for name in (now + b"\0" + ever).split(b"\0")]
    pages = list(dict.fromkeys(name for name in names if name.endswith(".md")))
    if not pages or len(pages) > MOST_PAGES:
        count = "more than 500" if pages else "no"
        raise SourceCannotBeRead(f"{folder or 'The repository'} holds {count} pages (files named ….md).")
    return [check_path(page, commit[:12]).as_posix() for page in pages]


def _read_page(git: _Git, commit: str, page: str) -> VersionSeries:
    changes = list(_changes(git, commit, page))
    if not changes:
        raise SourceCannotBeRead(f"There is no {page} in the history of {commit[:12]}.")
    changes.reverse()
    for older, newer in pairwise(changes):
        if newer.version.instant < older.version.instant:
            raise SourceCannotBeRead(
                f"{page}: commit {newer.version.commit[:12]} is dated before {older.version.commit[:12]}, "
                "on which it builds."
            )
    contents = git.blobs([change.blob for change in changes if change.mode != _NO_FILE])
    versions: list[VersionFile] = []
    for change in changes:
        content = contents[change.blob] if change.mode != _NO_FILE else b""
        if not versions or versions[-1].content != content:
            versions.append(VersionFile(change.version, change.after, content))
    renames = tuple(
        Rename(change.version.commit, change.before, change.after, int(change.status[1:] or "0"))
        for change in changes
        if change.status.startswith("R")
    )
    return VersionSeries(PurePosixPath(page).stem, tuple(versions), renames)


def _changes(git: _Git, commit: str, page: str) -> Iterator[_Change]:
    """Yield what the main line did to the page, newest first; where it began as a copy, look for it before."""
    count, start, path = 0, commit, page
    while start:
        log = git.run(
            "log", "--first-parent", "--follow", "--raw", "-z", "--no-abbrev", "--no-color", "--no-ext-diff",
            "--no-textconv", "--no-notes", "--encoding=UTF-8", "--format=%H%x00%cI%x00%an%x00%s", start, "--", path,
        )  # fmt: skip
        start = ""
        for change in _parse_log(log, page):
            count += 1
            if count > MOST_VERSIONS:
                raise SourceCannotBeRead(f"{page} has more than {MOST_VERSIONS:,} versions.")
            yield change
            if change.status.startswith("C"):
                start, path = f"{change.version.commit}^1", change.after
                break


def _parse_log(log: bytes, page: str) -> Iterator[_Change]:
    """Yield the commits of `git log --raw -z`: four fields, then `:modes blobs status`, then one path or two."""
    tokens = iter(log.split(b"\0"))
    for token in tokens:
        if not token.strip():
            continue
        commit, committed_at, author, subject = (
            token.decode().strip(),
            *(next(tokens).decode(errors="replace") for _ in range(3)),
        )
        _, mode, _, blob, status = next(tokens).decode().strip().lstrip(":").split(" ")
        before = after = next(tokens).decode(errors="replace")
        if status[0] in "RC":
            after = next(tokens).decode(errors="replace")
        if mode not in (*_FILE_MODES, _NO_FILE):
            raise SourceCannotBeRead(f"{page} is not a plain file in commit {commit[:12]}.")
        instant = parse_instant(committed_at, f"commit {commit[:12]}")
        version = SourceVersion(commit, instant, printable(author), printable(subject))
        yield _Change(version, status, mode, blob, before, after)


class _Git:
    """Runs git in one repository: no shell, no program of the repository's choosing, bounded time and answers."""

    def __init__(self, place: Path) -> None:
        program = shutil.which("git")
        if program is None:
            raise SourceCannotBeRead("Reading a repository needs the program git; it was not found.")
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        self.start = [program, "--no-pager", *settings, "-C", str(place)]
        self.environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | _ENVIRONMENT

    def line(self, *words: str) -> str:
        """Return the one line that git answers."""
        return self.run(*words).decode(errors="replace").strip("\n")

    def run(self, *words: str, given: bytes = b"", largest: int = LARGEST_ANSWER) -> bytes:
        """Return what git answers; raise SourceCannotBeRead with its own last words when it fails."""
        with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as complaint:
            question.write(given)
            question.seek(0)
            with subprocess.Popen(
                [*self.start, *words],
                stdin=question,
                stdout=subprocess.PIPE,
                stderr=complaint,
                env=self.environment,
            ) as process:
                timer = Timer(LONGEST_RUN, process.kill)
                timer.start()
                try:
                    answer = process.stdout.read(largest + 1) if process.stdout else b""
                    if len(answer) > largest:
                        process.kill()
                finally:
                    timer.cancel()
            if len(answer) > largest:
                raise SourceCannotBeRead(f"git {words[0]} answers more than {largest:,} bytes.")
            if process.returncode != 0:
                complaint.seek(0)
                said = printable(complaint.read(2_000).decode(errors="replace")) or "no such revision or path"
                raise SourceCannotBeRead(f"git {words[0]} failed: {said}.")
        return answer

    def blobs(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the content of each blob; of one larger than a page may be only that it is larger."""
        wanted = sorted(set(names))
        asked = "".join(f"{name}\n" for name in wanted).encode()
        check = self.run("cat-file", "--batch-check=%(objecttype) %(objectsize)", given=asked)
        sizes: dict[str, int] = {}
        for name, answer in zip(wanted, check.decode().splitlines(), strict=True):
            kind, _, size = answer.partition(" ")
            if kind != "blob":
                raise SourceCannotBeRead(f"Object {name[:12]} is missing from the repository.")
            sizes[name] = int(size)
        small = [name for name in wanted if sizes[name] <= LARGEST_PAGE]
        if sum(sizes[name] for name in small) > LARGEST_HISTORY:
            raise SourceCannotBeRead(f"The versions of this page have more than {LARGEST_HISTORY:,} bytes.")
        found = {name: b"\0" * (LARGEST_PAGE + 1) for name in wanted if name not in small}
        asked = "".join(f"{name}\n" for name in small).encode()
        bodies = self.run("cat-file", "--batch", given=asked, largest=2 * LARGEST_HISTORY)
        at = 0
        for name in small:
            at = bodies.index(b"\n", at) + 1
            found[name] = bodies[at : at + sizes[name]]
            at += sizes[name] + 1
        return found
