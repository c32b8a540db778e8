"""The findings for people: what an auditor would ask about, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.cli.page import Block
from api.cli.show.words import Body, Words, count


def page(body: Body, zone: ZoneInfo) -> list[Block]:
    """Return every finding with its answers; none ever disappears."""
    words, counts = Words(body, zone), body["counts"]
    rules = ", ".join(f"{number} {rule.replace('_', ' ')}" for rule, number in counts["rules"].items())
    blocks: list[Block] = [
        f"{count(len(body['findings']), 'finding')}: {counts['open']} open, {counts['answered']} answered"
        + (f" ({rules})" if rules else "")
    ]
    for row in body["findings"]:
        blocks += finding(row, words)
    return blocks


def finding(row: Mapping[str, Any], words: Words) -> list[Block]:
    """Return one finding: its rule and cause, its sentence, what moved, the answers."""
    item = row.get("reference") or row.get("key_result") or row.get("objective") or row.get("cycle") or ""
    blocks: list[Block] = [f"{row['standing']:>9}  {row['rule']}:{row['cause']}  {item}  {row['sentence']}"]
    for change in row["changes"]:
        old, new = (words.facet(change["facet"], change[side]) for side in ("old", "new"))
        blocks.append(f"           {change['facet']}: {old} → {new}, {change['direction']}")
    for answer in row["answers"]:
        when = words.moment(answer.get("recorded_at"))
        blocks.append(
            f"           {answer['answer']} by {words.person(answer.get('by'))}, {when}: {answer['text']}"
        )
    return blocks
