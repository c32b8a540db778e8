"""Standard output that is closed or full, and readers who leave: told in words, never as if nothing had happened."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from api.cli.codes import Code
from api.cli.faults import describe
from api.cli.files import write_whole
from tests.cli.conftest import CommandLine

SHELL = "import sys; from api.cli import main; sys.argv[0] = 'strategy-ledger'; main()"
FULL = Path("/dev/full")
HERE = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def in_a_shell(line: CommandLine, words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Type words into a shell, with the command line in the place of `ledger`."""
    return subprocess.run(
        ["bash", "-c", f'ledger() {{ "{sys.executable}" -c "{SHELL}" "$@"; }}; {words}'],
        env={**os.environ, **line.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(("unbuffered", "words"), [("", "export"), ("1", "--help")])
def test_a_full_standard_output_is_said_and_what_was_recorded_stays(
    season: CommandLine, unbuffered: str, words: str
) -> None:
    # Given what an owner says about a key result, and a disk with no room for the answer
    typed = in_a_shell(season, "ledger check-in KR-1 --value 147 > /dev/full", PYTHONUNBUFFERED=unbuffered)
    # Then the sentence says both, in words and without a traceback, and no code that says that nothing was recorded
    assert typed.returncode == Code.UNAVAILABLE
    assert typed.stderr == (
        "strategy-ledger: Standard output did not take the answer: No space left on device. "
        "What was recorded stays recorded.\n"
    )
    assert "147" in season("board", "spring").out
    typed = in_a_shell(season, f"ledger {words} > /dev/full", PYTHONUNBUFFERED=unbuffered)
    assert (typed.returncode, typed.stderr.count("\n")) == (Code.UNAVAILABLE, 1), typed.stderr


@pytest.mark.parametrize("words", ["cycles --json", "check-in KR-1 --value 146"])
def test_a_closed_standard_output_is_nowhere_and_no_accident(season: CommandLine, words: str) -> None:
    typed = in_a_shell(season, f"ledger {words} >&-")
    assert (typed.returncode, "Traceback" in typed.stderr) == (Code.DONE, False), typed.stderr


def test_closed_standard_error_and_input_are_no_accident(season: CommandLine) -> None:
    assert in_a_shell(season, "ledger board nothing 2>&-").returncode == Code.NOT_FOUND
    assert in_a_shell(season, "ledger record - <&-").returncode == Code.DONE


def test_who_stops_reading_is_told_by_a_code_of_its_own(season: CommandLine) -> None:
    # Given a reader who has gone before the first word
    reads, writes = os.pipe()
    os.close(reads)
    typed = subprocess.run(
        [sys.executable, "-c", SHELL, "board", "spring"],
        env={**os.environ, **season.environ},
        stdout=writes,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writes)
    assert (typed.returncode, typed.stderr) == (Code.NOT_READ, b"")


@pytest.mark.parametrize(
    ("sent", "number", "is_its"),
    [("| cat", 28, False), ("| cat", 32, True), ("> written", 28, True), ("> written", 32, False)],
)
def test_what_befell_something_else_is_not_laid_on_standard_output(
    tmp_path: Path, sent: str, number: int, *, is_its: bool
) -> None:
    """A file without a name, such as a temporary one, may lack room too, and another pipe its reader."""
    asked = f"from api.cli.streams import is_of_output; import sys; sys.exit(is_of_output(OSError({number}, 'no')))"
    words = f'set -o pipefail; "{sys.executable}" -c "{asked}" {sent}'
    assert subprocess.run(["bash", "-c", words], cwd=tmp_path, env=HERE, check=False).returncode == is_its


def test_a_temporary_file_that_gets_no_room_is_said() -> None:
    told = describe(OSError(28, "No space left on device"))
    assert told is not None
    assert told.code == Code.UNAVAILABLE
    assert told.sentence.startswith(
        f"A temporary file in {tempfile.gettempdir()} did not get the room it needs"
    )


def test_a_file_for_which_there_is_no_room_is_named(tmp_path: Path) -> None:
    def chunks():
        yield b"the beginning"
        raise OSError(28, "No space left on device")

    place = tmp_path / "board.csv"
    with pytest.raises(OSError, match=f"No space left on device: '{place}'"):
        write_whole(place, chunks(), replace=False)
    assert list(tmp_path.iterdir()) == []
