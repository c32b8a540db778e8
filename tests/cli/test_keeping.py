"""Keeping a ledger on the command line: made, proved, rebuilt, carried elsewhere, its tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from api.cli.codes import Code
from ledger.settings import Settings
from tests.cli.conftest import CommandLine


def test_init_prints_the_token_once_and_says_what_losing_the_key_means(empty: CommandLine) -> None:
    typed = empty(
        "init",
        "--organisation",
        "Corner Bakery",
        "--zone",
        "Europe/Berlin",
        "--name",
        "Ada",
        "--handle",
        "ada",
    )
    assert typed.code == Code.DONE
    assert typed.out.count("strategy_ledger_p_") == 1
    assert "Without it no personal text of this ledger can ever be read again" in typed.out
    key = Path(empty.environ["STRATEGY_LEDGER_MASTER_KEY_FILE"])
    assert key.stat().st_mode & 0o777 == 0o600
    assert str(key) in typed.out


def test_init_refuses_what_cannot_be(empty: CommandLine) -> None:
    named = ("--organisation", "B", "--zone", "UTC")
    for words, code in (
        (("--zone", "UTC", "--name", "Ada"), Code.USAGE),
        (("--organisation", "B", "--zone", "Mars/Olympus", "--name", "Ada"), Code.USAGE),
        (("--organisation", "B\x07", "--zone", "UTC", "--name", "Ada"), Code.USAGE),
        ((*named, "--name", "  "), Code.USAGE),
        ((*named, "--name", "Ada", "--handle", "a b"), Code.USAGE),
    ):
        typed = empty("init", *words)
        assert typed.code == code, (words, typed.err)
        assert typed.sentence
        assert empty("version", "--json").json["ledger"] is None


def test_a_ledger_is_created_once(line: CommandLine) -> None:
    typed = line("init", "--organisation", "B", "--zone", "UTC", "--name", "Ada")
    assert typed.code == Code.CONFLICT


def test_where_no_ledger_is_every_command_says_what_to_do(empty: CommandLine) -> None:
    for words in (
        ("cycles",),
        ("board", "spring"),
        ("verify",),
        ("rebuild",),
        ("export", "--out", "x"),
        ("token", "list"),
    ):
        typed = empty(*words)
        assert typed.code == Code.UNAVAILABLE, words
        assert "`strategy-ledger init`" in typed.sentence


def test_verify_is_clean_and_rebuild_gives_the_next_generation(season: CommandLine) -> None:
    assert season("verify", "--samples", "5", "--json").json["clean"] is True
    before = season("board", "spring", "--json").out
    first, second = (season("rebuild", "--json").json["generation"] for _ in range(2))
    assert second == first + 1
    assert season("board", "spring", "--json").out == before


def test_an_export_comes_back_byte_for_byte(
    season: CommandLine, new_settings: Callable[[], Settings], tmp_path: Path
) -> None:
    season("check-in", "KR-1", "--confidence", "0.3", "--what-changed", "The oven is late.")
    entries, people, again = (tmp_path / name for name in ("entries", "people", "again"))
    told = season("export", "--out", str(entries), "--directory", str(people))
    assert told.err.startswith("12 entries of ledger ")
    nothing = season("export", "--after", "12", "--out", str(tmp_path / "nothing"))
    assert nothing.err.startswith("0 entries of ledger ")
    assert ", which ends at position 12, to " in nothing.err
    beyond = season("export", "--after", "13", "--out", str(tmp_path / "beyond"))
    assert beyond.code == Code.NOT_FOUND
    assert "beyond the end of the ledger, which stands at position 12" in beyond.sentence
    assert not (tmp_path / "beyond").exists()
    assert entries.stat().st_mode & 0o777 == people.stat().st_mode & 0o777 == 0o600

    elsewhere = CommandLine({**season.environ, "STRATEGY_LEDGER_SCHEMA": new_settings().schema})
    restored = elsewhere("restore", str(entries), "--directory", str(people), "--json")
    assert restored.json["entries"] == 12, restored.err
    elsewhere("export", "--out", str(again))
    assert again.read_bytes() == entries.read_bytes()
    assert elsewhere("history", "KR-1", "--json").out == season("history", "KR-1", "--json").out
    assert "The oven is late." in elsewhere("history", "KR-1").out
    assert elsewhere("verify").code == Code.DONE
    assert elsewhere("restore", str(entries)).code == Code.CONFLICT


def test_a_spoilt_file_is_refused_and_leaves_nothing(
    season: CommandLine, new_settings: Callable[[], Settings], tmp_path: Path
) -> None:
    entries = tmp_path / "entries"
    season("export", "--out", str(entries))
    whole = entries.read_bytes()
    elsewhere = CommandLine({**season.environ, "STRATEGY_LEDGER_SCHEMA": new_settings().schema})
    for spoilt in (b"", whole[:-9], b"{}\n", whole[5:]):
        entries.write_bytes(spoilt)
        typed = elsewhere("restore", str(entries))
        assert typed.code == Code.REFUSED, typed.err
        assert "Nothing was restored" in typed.sentence
        assert elsewhere("version", "--json").json["ledger"] is None
    assert elsewhere("restore", str(tmp_path / "absent")).code == Code.UNAVAILABLE


def test_tokens_are_issued_listed_and_revoked(line: CommandLine) -> None:
    token = line("token", "issue", "ada", "--label", "phone", "--json").json["token"]
    listed = line("token", "list", "--json").json["tokens"]
    assert [one["label"] for one in listed] == ["first steward", "phone"]
    assert token not in line("token", "list").out
    assert line("token", "revoke", listed[1]["id"]).code == Code.DONE
    assert line("token", "list", STRATEGY_LEDGER_TOKEN=token).code == Code.NOT_ALLOWED
    assert line("token", "revoke", listed[1]["id"]).code == Code.NOT_FOUND
    assert line("token", "revoke", "x").code == Code.NOT_FOUND
    assert line("token", "issue", "nobody").code == Code.NOT_FOUND


def test_a_port_that_is_none_is_refused(empty: CommandLine) -> None:
    for command in ("serve", "demo"):
        typed = empty(command, "--port", "65536")
        assert typed.code == Code.USAGE
        assert "--port '65536' is not" in typed.err


def test_a_setting_that_cannot_be_used_is_named(line: CommandLine) -> None:
    typed = line("cycles", STRATEGY_LEDGER_SCHEMA="Not A Schema")
    assert typed.code == Code.UNAVAILABLE
    assert "STRATEGY_LEDGER_SCHEMA" in typed.sentence


def test_a_backup_names_a_place_that_is_free_to_restore_to(line: CommandLine, tmp_path: Path) -> None:
    written = line("backup", "--to", str(tmp_path / "backups"))
    assert written.code == 0, written.err
    (place,) = (tmp_path / "backups").iterdir()
    told = written.out.splitlines()[-1]
    assert told.endswith(f"strategy-ledger --schema back restore {place}")
    assert line("backup", "--check", str(place)).out.splitlines()[-1] == told
    # and every night again: where nothing changed, what is there is held against its manifest
    again = line("backup", "--to", str(tmp_path / "backups"))
    assert again.code == 0, again.err
    assert again.out.startswith(f"{place}: there already, as nothing changed since, and whole; ")
    assert f"the last by its name is {place}." in line("restore", str(place.parent)).sentence
    (place / "people.jsonl").write_bytes(b"")
    assert line("backup", "--check", str(place)).code == Code.UNAVAILABLE
