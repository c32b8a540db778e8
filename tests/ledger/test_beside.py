"""What stands beside the record: names that can be erased, keys that can be forgotten, tokens that can be revoked."""

from __future__ import annotations

import re
import stat
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from aggregates.entry import Sealed
from ledger.directory import HandleIsMalformed, HandleIsTaken
from ledger.identifiers import new_id
from ledger.keys import Keys, MasterKeyError, make_master_key_file
from ledger.lifecycle import Created
from ledger.store import Ledger
from ledger.tokens import PATTERN, PREFIX, is_well_formed
from tests.waiting import PATIENCE


def test_identifiers_sort_by_time() -> None:
    made = [new_id() for _ in range(1_000)]
    assert made == sorted(made)
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}


def test_references_count_up_by_kind(ledger: Ledger) -> None:
    assert [ledger.next_reference("OBJ") for _ in range(2)] == ["OBJ-1", "OBJ-2"]
    assert ledger.next_references("KR", 2) == ["KR-1", "KR-2"]
    with pytest.raises(ValueError, match="no references"):
        ledger.next_reference("XYZ")


def test_people_are_found_by_identifier_handle_and_address(ledger: Ledger, created: Created) -> None:
    grace = new_id()
    ledger.directory.add(grace, "Grace Example", handle="grace", email="grace@example.org")
    for text in (str(grace), f"person:{grace}", "grace", "@Grace", "GRACE@example.org"):
        assert ledger.directory.lookup(text) == grace
    assert ledger.directory.lookup("nobody") is None
    assert ledger.directory.lookup(str(new_id())) is None
    assert ledger.directory.lookup("ada") == created.steward


def test_handles_are_unique_and_well_formed(ledger: Ledger) -> None:
    with pytest.raises(HandleIsTaken):
        ledger.directory.add(new_id(), "Another Ada", handle="Ada")
    with pytest.raises(HandleIsMalformed):
        ledger.directory.add(new_id(), "Blank", handle="with blank")
    with pytest.raises(ValueError, match="empty"):
        ledger.directory.add(new_id(), "  ")


def test_an_erased_person_leaves_only_an_identifier(ledger: Ledger, created: Created) -> None:
    alias = ledger.directory.alias("notes.git", "Ada E.", person=created.steward)
    assert ledger.directory.alias("notes.git", "Ada E.") == alias
    assert ledger.directory.alias_names()[alias.alias].name == "Ada E."
    assert ledger.directory.erase(created.steward)
    assert ledger.directory.of(created.steward) is None
    assert ledger.directory.aliases() == []
    assert len(ledger.read_page(0, 10)) == 4


def test_sealed_text_opens_until_its_key_is_erased(ledger: Ledger) -> None:
    author = new_id()
    sealed = ledger.keys.seal(author, "I am worried about March.")
    assert ledger.keys.seal(author, "x").key_id == sealed.key_id
    assert ledger.keys.open(sealed) == "I am worried about March."
    assert ledger.keys.erase(author) == 1
    assert ledger.keys.open(sealed) is None
    assert ledger.keys.seal(author, "x").key_id != sealed.key_id


def test_sealed_text_belongs_to_its_author_and_its_ledger(ledger: Ledger) -> None:
    author = new_id()
    sealed = ledger.keys.seal(author, "mine")
    stolen = Sealed(**{**sealed.model_dump(), "author": new_id()})
    with pytest.raises(ValueError, match="does not belong"):
        ledger.keys.open(stolen)
    forged = Sealed(**{**sealed.model_dump(), "commitment": "0" * 64})
    with pytest.raises(ValueError, match="committed"):
        ledger.keys.open(forged)
    elsewhere = Keys(ledger._connections, ledger.settings, UUID(int=1))
    with pytest.raises(MasterKeyError):
        elsewhere.open(sealed)


def test_the_longest_text_fits(ledger: Ledger) -> None:
    assert (
        ledger.keys.open(ledger.keys.seal(new_id(), "\N{GRINNING FACE}" * 4_000))
        == "\N{GRINNING FACE}" * 4_000
    )


@pytest.mark.parametrize("key", [None, "QUJD", "not base64!", "YW5vdGhlciBrZXksIGFsc28gMzIgYnl0ZXMgbG9uZy4="])
def test_a_wrong_or_missing_master_key_says_what_is_lost(
    ledger: Ledger, key: str | None, tmp_path: Path
) -> None:
    settings = replace(ledger.settings, master_key=key, master_key_file=tmp_path / "absent")
    assert ledger.identifier is not None
    keys = Keys(ledger._connections, settings, ledger.identifier)
    with pytest.raises(MasterKeyError) as refused:
        keys.seal(new_id(), "text")
    assert str(refused.value)


def test_the_master_key_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "master.key"
    make_master_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(MasterKeyError):
        make_master_key_file(path)


def test_a_token_is_shown_once_and_counts_until_revoked(
    ledger: Ledger, created: Created, steward: str
) -> None:
    assert re.fullmatch(PATTERN, created.token)
    assert ledger.tokens.actor_of(created.token) == steward
    clear = ledger.tokens.issue(steward, "laptop")
    known = {token.label: token for token in ledger.tokens.list(steward)}
    assert known["first steward"].last_used_at is not None
    assert known["laptop"].last_used_at is None
    assert known["laptop"].shown == f"strategy_ledger_p_…{clear[-4:]}"
    assert ledger.tokens.revoke(known["laptop"].id)
    assert not ledger.tokens.revoke(known["laptop"].id)
    assert ledger.tokens.actor_of(clear) is None
    for wrong in ("", PREFIX, f"{PREFIX}\N{SNOWMAN}", clear[3:], PREFIX + "x" * 200):
        assert ledger.tokens.actor_of(wrong) is None
    with ledger.pool.connection() as connection:
        row = connection.execute("select string_agg(tokens::text, ' ') from tokens").fetchone()
    assert row is not None
    assert created.token not in row[0]


def test_whoever_scans_for_leaked_tokens_can_tell_one_without_asking(ledger: Ledger, steward: str) -> None:
    """A token bears a check of itself, and says whether it is a person's or a program's."""
    token = ledger.tokens.issue(steward, "laptop")
    program = ledger.tokens.issue(f"service:{new_id()}", "robot")
    assert (token[:18], program[:18]) == ("strategy_ledger_p_", "strategy_ledger_s_")
    assert is_well_formed(token)
    for place in (20, 40, 62, -1):
        other = "A" if token[place] != "A" else "B"
        assert not is_well_formed(token[:place] + other + (token[place + 1 :] if place != -1 else ""))
    assert zlib.crc32(token[:-6].encode()) == sum(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".index(digit) * 62**place
        for place, digit in enumerate(reversed(token[-6:]))
    )


def test_a_token_is_for_its_scopes_and_its_days(ledger: Ledger, steward: str) -> None:
    weekly = ledger.tokens.caller_of(
        ledger.tokens.issue(steward, "phone", scopes=["check_in", "read"], days=1)
    )
    assert weekly is not None
    assert str(weekly) == steward
    assert (sorted(weekly.scopes), weekly.is_expired) == (["check_in", "read"], False)
    (kept,) = [token for token in ledger.tokens.list() if token.label == "phone"]
    assert kept.scopes == ("read", "check_in")
    assert (kept.expires_at - kept.created_at).days == 1
    (first,) = [token for token in ledger.tokens.list() if token.label == "first steward"]
    assert (first.expires_at - first.created_at).days == 365
    assert len(first.scopes) == 5
    wrongs: list[dict[str, Any]] = [{"scopes": ["everything"]}, {"scopes": []}, {"days": 0}, {"days": 4_000}]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="A token is"):
            ledger.tokens.issue(steward, "wrong", **wrong)


def test_an_expired_token_says_so_and_is_nobody(ledger: Ledger, steward: str) -> None:
    token = ledger.tokens.issue(steward, "old", days=1)
    with ledger.pool.connection() as connection:
        connection.execute("update tokens set expires_at = now() - interval '1 second' where label = 'old'")
    caller = ledger.tokens.caller_of(token)
    assert caller is not None
    assert caller.is_expired
    assert ledger.tokens.actor_of(token) is None
    (kept,) = [one for one in ledger.tokens.list() if one.label == "old"]
    assert kept.last_used_at is None


def test_the_security_log_keeps_what_happened_and_counts_what_repeats_itself(
    ledger: Ledger, steward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("ledger.security.time.monotonic", lambda: now[0])
    caller = ledger.tokens.caller_of(ledger.tokens.issue(steward, "laptop"))
    for _ in range(5):
        ledger.security.note("refused", "adopt_policy", door="http", actor=caller, subject="/v1/policies")
    ledger.security.note("failed", "token_is_not_valid", door="command line")
    now[0] += 61
    ledger.security.note("refused", "adopt_policy", door="http", actor=caller, subject="/v1/policies")
    first, second, third = ledger.security.page()
    assert (first.actor, first.token, first.subject, first.times) == (
        steward, caller.token if caller else None, "/v1/policies", 1,
    )  # fmt: skip
    assert (second.actor, second.outcome, second.door) == (None, "failed", "command line")
    assert third.times == 5
    assert [line.number for line in ledger.security.page(first.number, 1)] == [second.number]


def test_what_was_counted_and_not_repeated_is_written_before_the_log_is_read(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a burst of one failed token within a minute, when the log is read, then it says how often."""
    monkeypatch.setattr("ledger.security.WINDOW_SECONDS", PATIENCE)
    for _ in range(500):
        ledger.security.note("failed", "token_is_not_valid", door="http")
    assert [line.times for line in ledger.security.page()] == [1, 499]
    assert [line.times for line in ledger.security.page()] == [1, 499]


def test_of_what_repeats_itself_the_longest_ago_is_forgotten_first_and_its_count_is_kept(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given more addresses than are remembered, then one that was tried of late is still counted, not written."""
    monkeypatch.setattr("ledger.security.MOST_REMEMBERED", 3)

    def tried(address: str) -> None:
        ledger.security.note("refused", "read", door="http", subject=address)

    for address in ("/1", "/1", "/2", "/3", "/4", "/3"):
        tried(address)
    lines = [(line.subject, line.times) for line in ledger.security.page()]
    assert lines == [("/1", 1), ("/2", 1), ("/3", 1), ("/4", 1), ("/1", 1), ("/3", 1)]
