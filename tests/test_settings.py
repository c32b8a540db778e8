"""Settings come from the environment, have safe defaults, and are refused with a sentence that names the variable."""

import os
from pathlib import Path

import pytest

from ledger.settings import ROOT_DATA_DIR, SettingsError, default_data_dir, load_settings


def test_nothing_set_means_the_embedded_server_in_a_directory_of_its_own():
    settings = load_settings({})
    assert settings.embedded
    assert settings.schema == "ledger"
    assert settings.data_dir == default_data_dir({})
    assert settings.master_key_file == settings.data_dir / "master.key"
    assert (settings.migrate_url, settings.master_key, settings.token) == (None, None, None)


def test_every_variable_is_read():
    settings = load_settings(
        {
            "STRATEGY_LEDGER_DATABASE_URL": "postgresql://app@db/strategy",
            "STRATEGY_LEDGER_MIGRATE_URL": "postgres://owner@db/strategy",
            "STRATEGY_LEDGER_DATA_DIR": "somewhere",
            "STRATEGY_LEDGER_SCHEMA": "north_2",
            "STRATEGY_LEDGER_MASTER_KEY": "key",
            "STRATEGY_LEDGER_MASTER_KEY_FILE": "/run/keys/ledger",
            "STRATEGY_LEDGER_TOKEN": " token ",
        }
    )
    assert not settings.embedded
    assert settings.data_dir == Path.cwd() / "somewhere"
    assert settings.schema == "north_2"
    assert settings.master_key_file == Path("/run/keys/ledger")
    assert settings.token == "token"


def test_an_empty_variable_counts_as_absent():
    names = ("DATABASE_URL", "MIGRATE_URL", "DATA_DIR", "SCHEMA", "MASTER_KEY", "MASTER_KEY_FILE", "TOKEN")
    assert load_settings({f"STRATEGY_LEDGER_{name}": " " for name in names}) == load_settings({})


def test_secrets_do_not_show():
    settings = load_settings(
        {
            "STRATEGY_LEDGER_DATABASE_URL": "postgresql://app:hush@db/strategy",
            "STRATEGY_LEDGER_MASTER_KEY": "hush",
            "STRATEGY_LEDGER_TOKEN": "hush",
        }
    )
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    "schema", ["Ledger", "1st", "a-b", "pg_mine", "public", "a" * 42, 'x"; drop table y', "ä", "ledger\n."]
)
def test_a_schema_that_needs_quoting_is_refused(schema):
    with pytest.raises(SettingsError, match="STRATEGY_LEDGER_SCHEMA is"):
        load_settings({"STRATEGY_LEDGER_SCHEMA": schema})


def test_the_longest_schema_is_taken():
    assert len(load_settings({"STRATEGY_LEDGER_SCHEMA": "a" * 41}).schema) == 41


@pytest.mark.parametrize("url", ["mysql://root:hush@db/x", "host=db password=hush", "hush"])
def test_an_address_of_something_else_is_refused_without_repeating_it(url):
    with pytest.raises(SettingsError, match="STRATEGY_LEDGER_DATABASE_URL must be") as refusal:
        load_settings({"STRATEGY_LEDGER_DATABASE_URL": url})
    assert "hush" not in str(refusal.value)


def test_an_address_for_migrations_alone_is_refused():
    with pytest.raises(SettingsError, match="set both"):
        load_settings({"STRATEGY_LEDGER_MIGRATE_URL": "postgresql://owner@db/strategy"})


def test_unknown_homes_and_nul_characters_are_refused():
    with pytest.raises(SettingsError, match="home directory is not known"):
        load_settings({"STRATEGY_LEDGER_DATA_DIR": "~nobody-of-this-name/x"})
    with pytest.raises(SettingsError, match="NUL"):
        load_settings({"STRATEGY_LEDGER_TOKEN": "a\x00b"})


def test_root_keeps_a_ledger_outside_every_home(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir({"HOME": "/private", "XDG_DATA_HOME": "/private/data"}) == ROOT_DATA_DIR


class TestOrdinaryUser:
    @pytest.fixture(autouse=True)
    def _user(self, monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)

    def test_the_data_home_comes_first_then_the_home(self, tmp_path):
        environ = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
        assert default_data_dir(environ) == tmp_path / "data" / "strategy-ledger"
        assert default_data_dir({"HOME": str(tmp_path)}) == tmp_path / ".local" / "share" / "strategy-ledger"

    @pytest.mark.parametrize("home", ["", "/nonexistent", "relative", "/proc/1"])
    def test_without_a_home_that_can_be_written_it_is_a_directory_of_their_own(self, home, monkeypatch):
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        assert default_data_dir({"HOME": home}) == Path("/var/tmp/strategy-ledger-4000000")
