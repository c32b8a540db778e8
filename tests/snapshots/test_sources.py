"""Dated versions are read from a manifest, from dated files or from a repository; people only from their map."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aggregates.snapshots.markdown import LARGEST_PAGE, parse_markdown
from aggregates.snapshots.series import SourceNames, read_series
from api.imports import sources
from api.imports.people import PeopleMapCannotBeRead, parse_people, read_people
from api.imports.repository import read_repository, read_source
from api.imports.sources import SourceCannotBeRead, read_folder
from tests.snapshots.pages import objective

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "ipld-okrs"
LINE = {
    "file": "2026-q1/one.md",
    "quarter": "2026-q1",
    "committed_at": "2026-01-05T12:00:00+02:00",
    "author": "Ada",
    "commit": "0123abc",
    "subject": "the first",
}


def folder_of(
    place: Path, *lines: Any, files: tuple[str, ...] = ("2026-q1/one.md", "2026-q1/two.md")
) -> Path:
    """Make a folder with a manifest of these lines (objects or raw text) and these files."""
    for file in files:
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(objective("Ship", f"{file} works | @ada"))
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (place / "manifest.jsonl").write_text("\n".join(texts) + "\n")
    return place


# A folder with a manifest.


def test_a_manifest_gives_the_versions_of_each_quarter_in_the_order_of_time(tmp_path):
    later = LINE | {"file": "2026-q1/two.md", "commit": "fedcba9", "committed_at": "2026-01-05T09:00:00Z"}
    other = LINE | {"file": "2025-q4.md", "quarter": "2025-q4", "subject": "tab\tand\x00 NUL"}

    found = read_folder(
        folder_of(tmp_path, LINE, "", later, other, files=("2026-q1/one.md", "2026-q1/two.md", "2025-q4.md"))
    )

    assert [one.name for one in found] == ["2025-q4", "2026-q1"]
    assert [file.version.commit for file in found[1].versions] == ["fedcba9", "0123abc"]
    first = found[1].versions[1]
    assert first.version.instant == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert (first.version.author, first.version.subject, first.path) == ("Ada", "the first", "2026-q1/one.md")
    assert b"one.md works" in first.content
    assert found[0].versions[0].version.subject == "tab and\ufffd NUL"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "not a JSON object"),
        ("[" * 3000, "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("3", "not a JSON object"),
        (LINE | {"more": "x"}, "exactly file, quarter"),
        ({"file": "2026-q1/one.md"}, "exactly file, quarter"),
        (json.dumps(LINE)[:-1] + ', "file": "2026-q1/two.md"}', "exactly file, quarter"),
        (LINE | {"author": None}, "author is not a text"),
        (LINE | {"commit": "HEAD"}, "commit is not"),
        (LINE | {"quarter": "../x"}, "quarter is not"),
        (LINE | {"committed_at": "2026-01-05T12:00:00"}, "not an instant with an offset"),
        (LINE | {"committed_at": "yesterday"}, "not an instant with an offset"),
        (LINE | {"committed_at": "0001-01-01T00:00:00+14:00"}, "not an instant with an offset"),
        (LINE | {"file": "/etc/passwd"}, "does not lie inside"),
        (LINE | {"file": "2026-q1/../../x.md"}, "does not lie inside"),
        (LINE | {"file": "..\\x.md"}, "does not lie inside"),
        (LINE | {"file": "one\x00.md"}, "does not lie inside"),
        (LINE | {"file": "2026-q1/none.md"}, "there is no file"),
        (LINE | {"file": "2026-q1"}, "there is no file"),
        (LINE | {"file": "2026-q1/2026-01-05T110000Z-0123abc.md"}, "another instant or commit"),
    ],
)
def test_a_manifest_that_is_not_understood_is_refused_with_its_line(tmp_path, line, words):
    good = LINE | {"file": "2026-q1/two.md", "commit": "fedcba9"}

    with pytest.raises(SourceCannotBeRead) as refused:
        read_folder(folder_of(tmp_path, good, line))

    assert refused.value.detail.startswith("manifest.jsonl, line 2: ")
    assert words in refused.value.detail


def test_a_file_or_commit_that_stands_twice_is_refused(tmp_path):
    with pytest.raises(SourceCannotBeRead, match=r"line 2: 2026-q1/one.md already stands on line 1"):
        read_folder(folder_of(tmp_path, LINE, LINE | {"commit": "fedcba9"}))
    with pytest.raises(SourceCannotBeRead, match=r"line 2: 0123abc already stands on line 1"):
        read_folder(folder_of(tmp_path, LINE, LINE | {"file": "2026-q1/two.md"}))


def test_a_link_out_of_the_source_is_refused(tmp_path):
    outside = tmp_path / "outside.md"
    outside.write_text("secret")
    inside = folder_of(tmp_path / "source", LINE | {"file": "link.md"})
    (inside / "link.md").symlink_to(outside)

    with pytest.raises(SourceCannotBeRead, match="there is no file"):
        read_folder(inside)


def test_a_manifest_and_a_page_over_their_limits(tmp_path, monkeypatch):
    place = folder_of(tmp_path, LINE)
    (place / LINE["file"]).write_bytes(b"x" * (LARGEST_PAGE + 1_000))
    [series] = read_folder(place)
    assert len(series.versions[0].content) == LARGEST_PAGE + 1
    assert parse_markdown(series.versions[0].content, series.versions[0].version).unread

    monkeypatch.setattr(sources, "LARGEST_MANIFEST", 100)
    with pytest.raises(SourceCannotBeRead, match="100 bytes"):
        read_folder(place)


# A folder of dated files.


def test_dated_files_name_their_instant_and_commit(tmp_path):
    for name in (
        "2026-q1/2026-01-05T120000Z-0123abc.md",
        "2026-q1/2026-01-02T080910Z-fedcba9.md",
        "2026-02-01T000000Z-abcdef0.md",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(objective("Ship"))

    found = {one.name: one.versions for one in read_folder(tmp_path)}

    assert sorted(found) == sorted(["2026-q1", tmp_path.name])
    first, second = (file.version for file in found["2026-q1"])
    assert (first.commit, first.instant) == ("fedcba9", datetime(2026, 1, 2, 8, 9, 10, tzinfo=UTC))
    assert (second.commit, second.author, second.subject) == ("0123abc", "", "")


def test_other_files_and_impossible_dates_are_refused(tmp_path):
    with pytest.raises(SourceCannotBeRead, match="holds no manifest"):
        read_folder(tmp_path)
    with pytest.raises(SourceCannotBeRead, match="is not a folder"):
        read_folder(tmp_path / "none")
    (tmp_path / "2026-02-30T000000Z-abcdef0.md").write_text("")
    with pytest.raises(SourceCannotBeRead, match="not an instant"):
        read_folder(tmp_path)
    (tmp_path / "2026-02-30T000000Z-abcdef0.md").rename(tmp_path / "README.md")
    with pytest.raises(SourceCannotBeRead, match=r"README.md is not named like"):
        read_folder(tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real quarters (../shared/data/ipld-okrs) are not here")
def test_the_real_folder_reads_the_same_by_its_manifest_and_by_its_file_names(tmp_path):
    by_manifest = read_source(REAL)
    for folder in REAL.glob("*-q*"):
        shutil.copytree(folder, tmp_path / folder.name)

    by_name = read_source(tmp_path)

    assert [(one.name, len(one.versions)) for one in by_manifest] == [
        ("2019-q1", 6),
        ("2019-q2", 5),
        ("2019-q3", 5),
        ("2019-q4", 2),
        ("2020-q1", 3),
    ]
    for one, other in zip(by_manifest, by_name, strict=True):
        for file, same in zip(one.versions, other.versions, strict=True):
            assert (file.content, file.version.instant) == (same.content, same.version.instant)
            assert file.version.commit.startswith(same.version.commit)


# A repository.


class Repository:
    """A small repository whose commits carry the author and committer dates that a test names."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str, author: str = "Ada", written: str = "", committed: str = "") -> str:
        names = {"GIT_AUTHOR_NAME": author, "GIT_COMMITTER_NAME": "Web"}
        mails = {"GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_EMAIL": "w@example.org"}
        dates = {"GIT_AUTHOR_DATE": written, "GIT_COMMITTER_DATE": committed} if committed else {}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment |= names | mails | dates | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        words = ("-c", "commit.gpgsign=false", *words)
        done = subprocess.run(
            ["git", *words], cwd=self.place, env=environment, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def commit(
        self, subject: str, day: int, *, author: str = "Ada", written: int | None = None, **files: str
    ) -> str:
        """Write files (`q1_md="…"` is okrs/q1.md) and commit them on a day of January 2026 at noon in Madrid."""
        for name, text in files.items():
            file = self.place / "okrs" / name.replace("_", ".")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        self.git("add", "-A")
        stamp = "2026-01-{:02}T12:00:00+01:00"
        self.git(
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            subject,
            author=author,
            written=stamp.format(written or day),
            committed=stamp.format(day),
        )
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path) -> Repository:
    if shutil.which("git") is None:
        pytest.skip("the program git is not here")
    return Repository(tmp_path / "repository")


ONE, TWO, THREE = (
    objective("Ship", *(f"Key result {n} | @ada" for n in range(count))) for count in (1, 2, 3)
)


def test_a_page_in_a_repository_has_its_committed_versions(repository):
    first = repository.commit("the first", 5, q1_md=ONE, written=2)
    repository.commit("elsewhere", 6, q2_md=ONE)
    second = repository.commit("the second\n\nwith more words", 7, author="Béla Bob", q1_md=TWO)
    (repository.place / "okrs" / "q1.md").write_text("not committed")

    [series] = read_repository(repository.place, "okrs/q1.md")

    assert series.name == "q1"
    assert [file.version.commit for file in series.versions] == [first, second]
    assert [file.version.author for file in series.versions] == ["Ada", "Béla Bob"]
    assert [file.version.subject for file in series.versions] == ["the first", "the second"]
    assert series.versions[0].version.instant == datetime(
        2026, 1, 5, 11, tzinfo=UTC
    )  # committed, not written
    assert [file.content.decode() for file in series.versions] == [ONE, TWO]
    assert [file.path for file in series.versions] == ["okrs/q1.md"] * 2


def test_a_folder_gives_every_page_that_ever_stood_there_also_a_deleted_one(repository):
    repository.commit("one", 5, q1_md=ONE, notes_txt="no page")
    repository.commit("two", 6, q2_md=TWO)
    (repository.place / "okrs" / "q1.md").unlink()
    repository.commit("clean up", 7)

    found = read_repository(repository.place, "okrs")

    assert [(one.name, [len(file.content) for file in one.versions]) for one in found] == [
        ("q1", [len(ONE), 0]),
        ("q2", [len(TWO)]),
    ]
    assert read_source(repository.place / "okrs") == found
    assert read_repository(repository.place) == found


def test_work_on_a_branch_counts_from_the_merge_that_brought_it_in(repository):
    repository.commit("one", 5, q1_md=ONE)
    repository.git("checkout", "-q", "-b", "side")
    repository.commit("on the side", 6, author="Bob", q1_md=TWO)
    repository.commit("on the side again", 7, author="Bob", q1_md=THREE)
    repository.git("checkout", "-q", "main")
    repository.commit("meanwhile", 8, other_txt="x")
    stamp = "2026-01-09T12:00:00+01:00"
    repository.git("merge", "-q", "--no-ff", "-m", "merge side", "side", written=stamp, committed=stamp)

    [series] = read_repository(repository.place, "okrs/q1.md")

    assert [(file.version.subject, file.version.instant.day) for file in series.versions] == [
        ("one", 5),
        ("merge side", 9),
    ]
    assert series.versions[1].content.decode() == THREE


def test_a_page_is_followed_through_renames_and_not_into_the_page_it_was_copied_from(repository):
    long = ONE + "The same text stands in every quarter.\n" * 5
    repository.commit("one", 5, q1_md=long)
    repository.commit("one more", 6, q1_md=long + "More.\n")
    copied = repository.commit("next quarter", 7, draft_md=long + "Draft.\n")
    (repository.place / "okrs" / "draft.md").rename(repository.place / "okrs" / "q2.md")
    renamed = repository.commit("name it", 8)
    repository.commit("edit", 9, q2_md=long + "Final.\n")

    q1, q2 = read_repository(repository.place, "okrs")

    assert [file.version.subject for file in q1.versions] == ["one", "one more"]
    assert [file.version.subject for file in q2.versions] == ["next quarter", "edit"]
    assert q2.versions[0].version.commit == copied
    assert [(one.commit, one.before, one.after, one.score) for one in q2.renames] == [
        (renamed, "okrs/draft.md", "okrs/q2.md", 100)
    ]


def test_an_older_revision_and_a_bare_repository_can_be_read(repository, tmp_path):
    first = repository.commit("one", 5, q1_md=ONE)
    repository.commit("two", 6, q1_md=TWO)
    bare = tmp_path / "bare.git"
    repository.git("clone", "-q", "--bare", ".", str(bare))

    [series] = read_repository(bare, "okrs/q1.md", revision=first)

    assert [file.version.subject for file in series.versions] == ["one"]


def test_the_history_of_a_page_becomes_a_series(repository):
    repository.commit("plan", 1, q1_md=objective("Ship", "Works | @ada", "Fast | @bob"))
    repository.commit("fix: scores", 20, author="Bob", q1_md=objective("Ship", "Works | @ada | | .5"))

    [found] = read_source(repository.place / "okrs")
    series = read_series(
        [parse_markdown(file.content, file.version) for file in found.versions],
        start=date(2026, 1, 1),
        commit_by=date(2026, 1, 1),
        end=date(2026, 3, 31),
        zone=ZoneInfo("Europe/Madrid"),
    )

    assert (series.line_version.subject, series.late_by_days) == ("plan", 0)
    assert series.after_line[0].later.subject == "fix: scores"
    assert series.names.authors == ("Ada", "Bob")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.md",
        "/etc/passwd",
        "-x.md",
        ":(top)x.md",
        "okrs/../../x.md",
        ".git/config",
        "a\x00.md",
        "a\nb.md",
    ],
)
def test_a_path_out_of_the_repository_is_refused(repository, path):
    repository.commit("one", 5, q1_md=ONE)

    with pytest.raises(SourceCannotBeRead, match="does not lie inside"):
        read_repository(repository.place, path)


@pytest.mark.parametrize(
    "revision", ["--output=x", "-p", "main..side", "main x", "", "a" * 201, "main;x", "@{u}"]
)
def test_an_odd_revision_is_refused(repository, revision):
    repository.commit("one", 5, q1_md=ONE)

    with pytest.raises(SourceCannotBeRead, match="not the name of a revision"):
        read_repository(repository.place, "okrs/q1.md", revision=revision)


def test_what_is_not_there_is_refused(repository, tmp_path):
    repository.commit("one", 5, q1_md=ONE)

    for path, revision, words in (
        ("okrs/q9.md", "HEAD", "There is no okrs/q9.md"),
        ("other", "HEAD", "other holds no pages"),
        ("okrs/*.md", "HEAD", "There is no"),
        ("okrs/q1.md", "nowhere", "rev-parse failed"),
    ):
        with pytest.raises(SourceCannotBeRead, match=words):
            read_repository(repository.place, path, revision=revision)
    (tmp_path / "plain").mkdir()
    with pytest.raises(SourceCannotBeRead, match="not a git repository"):
        read_source(tmp_path / "plain")


def test_a_shallow_clone_is_refused_because_its_first_versions_are_missing(repository, tmp_path):
    repository.commit("one", 5, q1_md=ONE)
    repository.commit("two", 6, q1_md=TWO)
    shallow = tmp_path / "shallow"
    repository.git("clone", "-q", "--depth", "1", repository.place.as_uri(), str(shallow))

    with pytest.raises(SourceCannotBeRead, match="shallow"):
        read_repository(shallow, "okrs/q1.md")


def test_a_commit_dated_before_the_one_it_builds_on_is_refused(repository):
    repository.commit("one", 9, q1_md=ONE)
    repository.commit("two", 5, q1_md=TWO)

    with pytest.raises(SourceCannotBeRead, match="is dated before"):
        read_repository(repository.place, "okrs/q1.md")


def test_a_link_in_the_history_is_not_a_page(repository):
    repository.commit("one", 5, q1_md=ONE)
    (repository.place / "okrs" / "q1.md").unlink()
    (repository.place / "okrs" / "q1.md").symlink_to("/etc/passwd")
    repository.commit("two", 6)

    with pytest.raises(SourceCannotBeRead, match="not a plain file"):
        read_repository(repository.place, "okrs/q1.md")


def test_a_page_over_its_limit_is_a_version_that_cannot_be_read(repository):
    repository.commit("one", 5, q1_md=ONE)
    repository.commit("huge", 6, q1_md="x" * (LARGEST_PAGE + 1))

    [series] = read_repository(repository.place, "okrs/q1.md")

    assert [parse_markdown(file.content, file.version).unread for file in series.versions] == [False, True]


def test_a_repositorys_own_settings_start_no_program(repository, tmp_path):
    repository.commit("one", 5, q1_md=ONE)
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path / 'sprung'}\ncat\n")
    trap.chmod(0o755)
    (repository.place / ".gitattributes").write_text("*.md diff=trap filter=trap\n")
    for name in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.trap.textconv",
        "filter.trap.smudge",
        "gpg.program",
    ):
        repository.git("config", name, str(trap))
    repository.git("config", "log.showSignature", "true")
    repository.git("config", "core.hooksPath", str(tmp_path))

    head, _, body = repository.git("cat-file", "commit", "HEAD").partition("\n\n")
    signed = f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\n{body}\n"
    (repository.place / "signed").write_text(signed)
    repository.git("update-ref", "HEAD", repository.git("hash-object", "-t", "commit", "-w", "signed"))
    assert not (tmp_path / "sprung").exists()

    [series] = read_repository(repository.place, "okrs/q1.md")

    assert series.versions[0].content.decode() == ONE
    assert not (tmp_path / "sprung").exists()
    repository.git("log", "-p", "--", "okrs/q1.md")
    assert (tmp_path / "sprung").exists()  # the trap works


# The map of people.

PEOPLE = """source,person,name
@ada,ada@example.org,Ada Lovelace
"Ada Lovelace", ada@example.org,
@ada & @bob,bob@example.org,
"""


def test_the_map_names_one_person_for_each_name_and_one_owner_for_several():
    people = parse_people(b"\xef\xbb\xbf" + PEOPLE.encode())

    assert people.person_of("@ADA") == people.person_of(" Ada  Lovelace ") == "ada@example.org"
    assert people.person_of("@bob") is None
    assert people.owner_of(("@ada",)) == "ada@example.org"
    assert people.owner_of(("@bob", "@Ada")) == "bob@example.org"
    assert people.owner_of(("@ada", "@cyd")) is None
    assert people.owner_of(()) is None
    assert [(line.source, line.name, line.line) for line in people.lines] == [
        ("@ada", "Ada Lovelace", 2),
        ("Ada Lovelace", "", 3),
        ("@ada & @bob", "", 4),
    ]


def test_what_the_map_lacks_and_what_nobody_needs():
    people = parse_people(PEOPLE.encode())
    names = SourceNames(("@ada", "@bob"), ("@b & @c", "@bob & @ada"), ("Bob", "@bob"))

    assert people.missing(names) == ("@bob", "@b & @c", "Bob")
    assert [line.source for line in people.unused(names)] == ["Ada Lovelace"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Line 1: the header is missing"),
        ("source,who\n", "Line 1: there is no column 'who'"),
        ("source,person,person\n", "Line 1: a column stands twice"),
        ("source,name\n", "Line 1: the columns source and person"),
        ("source,person\n\n@ada\n", "Line 3: 1 cells stand under the columns source, person"),
        ("source,person\n@ada,a,b\n", "Line 2: 3 cells stand under the columns source, person"),
        ("source,person\n@ada,\n", "Line 2, column person"),
        ("source,person\n,a\n", "Line 2, column source"),
        ("source,person\n@ada,a\n@bob,b\n@ADA,c\n", "Line 4: '@ADA' already stands on line 2"),
        ("source,person\n@a & @b,a\n\"@b, @A\",b\n", "Line 3: '@b, @A' already stands on line 2"),
        ("source,person\n\"@a\nda\",a\n", "Line 2, column source"),
        ("source,person\n@ada,a\x00b\n", "Line 2"),
        ("source,person\n@ada,\"a\n", "Line 2"),
        (f"source,person\n{'x' * 201},a\n", "Line 2, column source"),
    ],
)  # fmt: skip
def test_a_map_that_is_not_understood_is_refused_with_its_line(text, words):
    with pytest.raises(PeopleMapCannotBeRead) as refused:
        parse_people(text.encode())

    assert refused.value.detail.startswith(words)


def test_a_map_that_is_no_text_too_large_or_not_there_is_refused(tmp_path):
    with pytest.raises(PeopleMapCannotBeRead, match="Line 2: this is not UTF-8"):
        parse_people(b"source,person\n@ad\xe9,a\n")
    with pytest.raises(PeopleMapCannotBeRead, match="more than"):
        parse_people(b"x" * 1_000_001)
    with pytest.raises(PeopleMapCannotBeRead, match="is not a file"):
        read_people(tmp_path)
    (tmp_path / "people.csv").write_text(PEOPLE)
    assert len(read_people(tmp_path / "people.csv").lines) == 3
