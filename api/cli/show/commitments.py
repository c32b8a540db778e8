"""The commitments for people: each objective as it stood at its own line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.cli.page import Block, Table
from api.cli.show.words import Body, Words, aim, count


def page(body: Body, zone: ZoneInfo) -> list[Block]:
    """Return what was committed, with each line's day, grade, confidence and acceptance."""
    words, counts = Words(body, zone), body["counts"]
    moved = f", moved to {body['commit_by_now']}" if body["commit_by_now"] != body["commit_by"] else ""
    blocks: list[Block] = [
        f"Committed for {body['cycle']}, {body['starts_on']} to {body['ends_on']}, "
        f"commit-by {body['commit_by']}{moved}",
        f"{count(counts['objectives'], 'objective')}: {counts['on_time']} on time, {counts['late']} late; "
        f"{counts['not_committed']} not committed; {count(counts['added_late'], 'key result')} added late; "
        f"{counts['replanned']} re-planned; grades: "
        + (", ".join(f"{number} {grade}" for grade, number in counts["grades"].items()) or "none"),
        "",
    ]
    table = Table(
        ("ref", "committed", "owner", ">conf.", "accepted by", "ambition", "on", "line"),
        [],
        ("committed", "line"),
    )
    for objective in body["objectives"]:
        for line in objective["lines"]:
            _line(table, line, words)
            if line["line"] == 1:
                for late in objective["added_late"]:
                    _added(table, late, words)
    blocks.append(table if table.rows else "Nothing was committed yet.")
    if body["not_committed"]:
        blocks += ["", "Not committed:"]
        blocks += [
            f"  {row['reference']} {row['title']} — {words.person(row['owner'])}, {row['standing'].replace('_', ' ')}"
            for row in body["not_committed"]
        ]
    if body["moved_here"]:
        blocks += ["", "Committed in another cycle and moved here:"]
        blocks += [
            f"  {row['reference']} {row['title']} — {words.person(row['owner'])}, {row['standing'].replace('_', ' ')}, "
            f"its line is entry {row['line']}"
            for row in body["moved_here"]
        ]
    return blocks


def _line(table: Table, line: Mapping[str, Any], words: Words) -> None:
    state = line["state"]
    facets = state["facets"]
    accepted = words.person(line["accepted_by"]) if line["accepted_by"] else "–"
    table.row(
        state["reference"],
        facets["wording"]["value"]["title"],
        words.person(facets["owner"]["value"]),
        line["confidence"] or "–",
        accepted,
        "",
        words.moment(line["effective_at"]),
        f"{line['words']}, {line['grade']}",
    )
    for key_result in state["key_results"]:
        _key_result(table, key_result, words, "", "")


def _added(table: Table, line: Mapping[str, Any], words: Words) -> None:
    _key_result(
        table, line["state"], words, words.moment(line["effective_at"]), f"{line['words']}, {line['grade']}"
    )


def _key_result(table: Table, state: Mapping[str, Any], words: Words, on: str, how: str) -> None:
    values = {name: fact["value"] for name, fact in state["facets"].items()}
    if values["standing"]["word"] != "active":
        return
    values.setdefault("baseline", None)
    table.row(
        state["reference"],
        f"  {values['wording']['title']}: {aim(values)}",
        words.person(values["owner"]),
        "",
        "",
        values["ambition"],
        on,
        how,
    )
