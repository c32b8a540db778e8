"""The decisions for people: what, by whom, who wrote it down, who confirmed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.cli.page import Block
from api.cli.show.words import Body, Words, count


def page(body: Body, zone: ZoneInfo) -> list[Block]:
    """Return every decision."""
    words = Words(body, zone)
    blocks: list[Block] = [count(len(body["decisions"]), "decision")]
    for row in body["decisions"]:
        blocks += decision(row, words)
    return blocks


def decision(row: Mapping[str, Any], words: Words) -> list[Block]:
    """Return one decision and what it touches and ratifies."""
    when = words.moment(row.get("decided_at") or row["recorded_at"])
    touched = ", ".join(words.item(objective) for objective in row.get("touches", ()))
    how = row.get("words") or row.get("standing") or ""
    blocks: list[Block] = [
        f"{row['position']:>6}  {words.person(row['decided_by'])}, {when}: {row['text']}",
        f"        recorded by {words.person(row['recorded_by'])}, {words.moment(row['recorded_at'])}"
        + (f", confirmed by {words.person(row['confirmed_by'])}" if row.get("confirmed_by") else "")
        + (f" ({how})" if how else ""),
    ]
    blocks.append(f"        decision {row['decision']}, touches {touched or 'no objective'}")
    if row["standing"] == "asserted":
        blocks.append(
            f"        waits for {words.person(row['decided_by'])} to confirm it: decisions confirm {row['decision']}"
        )
    if row.get("ratifies"):
        blocks.append(f"        ratifies {', '.join(map(str, row['ratifies']))}")
    return blocks
