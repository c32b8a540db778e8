"""The history of an item for people: who changed what, before, after, why, on both clocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.cli.page import Block
from api.cli.show.drift import decided
from api.cli.show.words import Body, Words, check_in, count


def page(body: Body, zone: ZoneInfo) -> list[Block]:
    """Return every entry of the item, one block each."""
    words = Words(body, zone)
    item = body.get("reference") or body.get("item") or "the item"
    blocks: list[Block] = [f"History of {item}: {count(len(body['entries']), 'entry', 'entries')}"]
    for entry in body["entries"]:
        blocks += _entry(entry, words, body["item"])
    return blocks


def _entry(entry: Mapping[str, Any], words: Words, asked: str) -> list[Block]:
    """Return one entry; on the page of an objective it names the key result that it is about."""
    behalf = f" for {words.person(entry['on_behalf_of'])}" if entry.get("on_behalf_of") else ""
    told = words.moment(entry["recorded_at"])
    true = words.moment(entry["effective_at"])
    clocks = told if true in (told, told[:10]) else f"{told}, true {true}"
    marks = f", supersedes {entry['supersedes']}" if entry["supersedes"] else ""
    if entry["superseded_at"]:
        marks += f", superseded at {entry['superseded_at']}"
    name = entry["name"].replace(".", " ").replace("_", " ")
    if entry["key_result"] not in (None, asked):
        name = name.replace("key result", words.item(entry["key_result"]), 1)
    blocks: list[Block] = [
        f"{entry['position']:>6}  {clocks}  {name}, {words.person(entry['by'])}{behalf}{marks}"
    ]
    if entry["source"]:
        blocks.append(f"        from {words.source(entry['source'])}")
    for change in entry["changes"]:
        if change["before"] == change["after"]:
            if change["facet"] in ("value", "confidence"):
                same = words.facet(change["facet"], change["after"])
                blocks.append(f"        {change['facet']}: {same}, as before")
            continue
        if change["facet"] == "check_in":
            blocks += [f"        {told}"] if (told := check_in(change["after"] or {})) else []
            continue
        before, after = (words.facet(change["facet"], change[side]) for side in ("before", "after"))
        arrow = after if change["before"] is None else f"{before} → {after}"
        blocks.append(f"        {change['facet'].replace('_', ' ')}: {arrow}")
    if entry["reason"]:
        blocks.append(f"        why: {entry['reason']['kind'].replace('_', ' ')}: {entry['reason']['text']}")
    if entry["decided"]["how"] != "none":
        blocks.append(f"        decision: {decided(entry['decided'], words)}")
    return blocks
