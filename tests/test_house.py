"""The house is kept: locked libraries without addresses, no machine's paths, rooms that exist, rules without chance."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
ROOMS = ("aggregates", "ledger", "projections", "replay", "api")
LOCK = (HOUSE / "requirements.lock").read_text()
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text())
TEXT = {
    ".cfg",
    ".css",
    ".html",
    ".js",
    ".json",
    ".lock",
    ".md",
    ".py",
    ".sh",
    ".sql",
    ".svg",
    ".toml",
    ".txt",
    ".yml",
    "",
}


def tracked() -> list[Path]:
    """Return the files that git keeps, or every file outside hidden folders where there is no git."""
    try:
        listed = subprocess.run(
            [
                "git",
                "-c",
                f"safe.directory={HOUSE}",
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
            cwd=HOUSE,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        names = [Path(name) for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [path.relative_to(HOUSE) for path in HOUSE.rglob("*")]
        names = [name for name in names if not any(part.startswith(".") for part in name.parts[:-1])]
    return [name for name in names if (HOUSE / name).is_file()]


def modules(room: str) -> list[Path]:
    return sorted((HOUSE / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_says_in_a_sentence_what_it_is(room):
    doc = ast.get_docstring(ast.parse((HOUSE / room / "__init__.py").read_text()))
    assert doc
    assert doc.splitlines()[0].endswith(".")


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_says_what_it_is(room):
    assert [str(path) for path in modules(room) if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_the_lock_holds_hashes_and_no_addresses():
    assert not re.search(r"://|index-url|find-links|file:|@ ", LOCK)
    pinned = re.findall(
        r"^([a-z0-9][a-z0-9._-]*)==[^\s;]+.*?((?:\\\n\s+--hash=sha256:[0-9a-f]{64} ?)*)$", LOCK, re.M
    )
    assert len(pinned) > 40
    assert [name for name, hashes in pinned if not hashes] == []
    assert len(pinned) == len(re.findall(r"^[a-z0-9]", LOCK, re.M))


def test_the_lock_holds_what_the_project_asks_for():
    asked = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    names = {match[0].lower() for line in asked if (match := re.match(r"[A-Za-z0-9._-]+", line))}
    assert {name for name in names if not re.search(rf"^{re.escape(name)}==", LOCK, re.M)} == set()


def test_every_dependency_has_an_upper_bound():
    calendar = {"setuptools", "tzdata"}  # the one builds, the other is data
    for line in PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]:
        assert "<" in line or any(line.startswith(name) for name in calendar), line


def test_no_file_holds_a_path_of_a_machine():
    pattern = re.compile(rf"{re.escape(str(HOUSE))}/|/{'root'}/|/home/[a-z]|/Users/[A-Za-z]|/opt/[a-z]")
    found = []
    for name in tracked():
        if name.suffix not in TEXT or name == Path("tests/test_house.py"):
            continue
        for number, line in enumerate((HOUSE / name).read_text(errors="replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{name}:{number}: {line.strip()[:120]}")
    assert found == []


def test_no_file_of_data_or_key_is_kept():
    kept = [
        str(name)
        for name in tracked()
        if name.suffix in {".key", ".pem", ".pid", ".log"} or name.name == ".env"
    ]
    assert kept == []


def test_rules_make_no_identifiers():
    """An identifier reaches a rule inside its command; the type UUID is allowed there, its makers are not."""
    makers = {"uuid1", "uuid3", "uuid4", "uuid5", "uuid6", "uuid7", "uuid8", "getnode"}
    found = []
    for path in modules("aggregates"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
            if isinstance(node, ast.Attribute):
                names = {node.attr}
            found += [
                f"{path.relative_to(HOUSE)}:{getattr(node, 'lineno', 0)}: {name}" for name in names & makers
            ]
    assert found == []


def test_the_scripts_can_be_run():
    script = HOUSE / ".ci" / "run"
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0


def test_make_lists_every_target():
    listed = subprocess.run(["make", "help"], cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^([a-z][a-z-]*):", (HOUSE / "Makefile").read_text(), re.M)
    assert [name for name in targets if f"make {name} " not in listed] == []
