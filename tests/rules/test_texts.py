"""What people write is seen as it is kept: nothing invisible, nothing turned round, nothing legitimate broken."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from aggregates.commands import COMMANDS
from aggregates.entry import Source
from aggregates.evolve import evolve
from aggregates.importing.cells import read_line, read_text
from aggregates.snapshots.cells import Unreadable
from aggregates.values import clean_text
from ledger.chunks import plain_rows
from ledger.codec import RawEntry, decode, export_line
from ledger.directory import Somebody, checked
from ledger.lines import LineCheck
from replay.fold import Fold
from tests.rules.company import SCOPE, Company


@pytest.fixture
def company() -> Company:
    return Company()


UNSEEN = [
    "\u200b", "\u2060", "\u00ad", "\ufeff", "\ufe0f", "\U000e0101", "\u3164", "\u115f", "\u1160", "\uffa0", "\u2800",
    "\u200f", "\u200e", "\u061c", "\u200d", "\u034f", "\u180e", "\u17b4", "\u00a0\u200b\u3000", "\u200b\u200d \u2060",
    "\U0001d159",
]  # fmt: skip
TURNED = [
    f"Open {character}99 of 100" for character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
]
SEEN = [
    "A", "7", "!", "—", "😀", "👩\u200d🚒 ready", "❤\ufe0f", "👨\u200d👩\u200d👧\u200d👦",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "زيادة الإيرادات ١٠٪", "הגדלת ההכנסות ב־10%", "می\u200cخواهیم رشد کنیم", "اسم\u200f (A)",
    "क्\u200dष", "한국어", "ᄒ\u1161ᆫ",
    "ᄀ\u1160", "Zu\u00adsammen", "⠓⠊", "日本\u3000語", "葛\U000e0100飾区", "๑", "1️⃣",
]  # fmt: skip


@pytest.mark.parametrize("text", UNSEEN)
def test_a_text_of_which_nothing_is_seen_says_nothing(text: str) -> None:
    for newlines in (False, True):
        with pytest.raises(ValueError, match="nothing that can be seen") as refused:
            clean_text(text, longest=200, newlines=newlines)
        assert refused.value.type == "text_is_invisible"  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", [*TURNED, "Grow\U000e0061\U000e0062", "🏴\U000e0067 and\U000e0067"])
def test_a_text_does_not_read_differently_from_what_it_says(text: str) -> None:
    with pytest.raises(ValueError, match=r"remove it") as refused:
        clean_text(text, longest=200, newlines=False)
    assert refused.value.type == "text_has_control_character"  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", SEEN)
def test_what_people_write_in_any_script_is_taken(text: str) -> None:
    assert clean_text(text, longest=200, newlines=False)
    assert clean_text(f"One.\n{text}", longest=200, newlines=True)


def test_every_text_of_people_passes_the_one_check() -> None:
    """Titles, reasons, names, sources, attributes, stages, notes, cells: each says no by itself."""
    item = {"objective": UUID(int=1)}
    asked = {
        "reword_objective": {**item, "title": "\u200b"},
        "declare_local": {**item, "because": "\u3164"},
        "withdraw_objective": {**item, "reason": {"kind": "scope", "text": "\u2060"}},
        "form_team": {"team": UUID(int=2), "name": "\u2800"},
        "plan_cycle": {
            "cycle": "x", "name": "\ufeff", "kind": "custom", "starts_on": "2026-01-01", "commit_by": "2026-01-01",
            "ends_on": "2026-01-02",
        },
        "answer_finding": {"rule": "late_line", "cause": 3, "answer": "explained", "text": "\ufe0f"},
    }  # fmt: skip
    for name, fields in asked.items():
        with pytest.raises(ValidationError) as refused:
            COMMANDS[name].model_validate(fields)
        assert [error["type"] for error in refused.value.errors()] == ["text_is_invisible"], name
    for wrong in ({"name": "\u200b", "version": "1"}, {"name": "repository", "version": "\u200b"}):
        with pytest.raises(ValidationError, match="nothing that can be seen"):
            Source.model_validate(wrong)
    with pytest.raises(ValueError, match="nothing that can be seen"):
        checked(Somebody(UUID(int=1), "person", "\u200b\u200b", None, None))
    for read in (read_line, read_text):
        with pytest.raises(Unreadable) as unreadable:
            read("\u3164")
        assert "nothing that can be seen" in unreadable.value.what


def test_what_an_earlier_release_took_is_still_read_restored_and_carried(company: Company) -> None:
    """Given entries whose texts show nothing or turn round, then they replay, restore and are carried on."""
    company.plan("2026-q3", "2026-07-01", "2026-07-10", "2026-09-30")
    objective, key_result = company.committed()
    entries = [_older(raw) for raw in company.ledger.entries]
    assert sum(raw != kept for raw, kept in zip(company.ledger.entries, entries, strict=True)) == 3
    # then they are read, folded, and restored one by one or together
    Fold().apply(entries)
    lines = [export_line(raw) + b"\n" for raw in entries]
    one_by_one, together = LineCheck(io.BytesIO()), LineCheck(io.BytesIO())
    for line in lines:
        one_by_one.row(line)
    together.row(lines[0])
    assert plain_rows(together, lines[1:]) is not None
    assert one_by_one.position == together.position == len(lines)
    # and the objective goes on in the next cycle under the title that it has
    states: dict[str, Any] = {}
    for raw in entries:
        states[raw.stream] = evolve(states.get(raw.stream), decode(raw))
    company.ledger.world.states.update(states)
    copy = {"key_result": key_result, "successor": company.ledger.new_id(), "reference": "KR-2"}
    company.do(
        "carry_objective", objective=objective, successor=company.ledger.new_id(), reference="OBJ-2",
        into="2026-q3", key_results=[copy], reason=SCOPE,
    )  # fmt: skip
    assert any(raw.name == "objective.drafted" and TURN in raw.data for raw in company.ledger.entries)


TURN = "\u202e".encode()


def _older(raw: RawEntry) -> RawEntry:
    """Return an entry as a release that asked less of a text would have kept it."""
    data = raw.data.replace(b'"title":"', b'"title":"' + TURN)
    return raw._replace(data=data.replace(b'"name":"Growth"', '"name":"\u200b"'.encode()))
