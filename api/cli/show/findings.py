"""The findings for people: what an auditor would ask about, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from api.cli.page import Block
from api.cli.show.words import Body, Words, count, why

_MOST = 50
_INDENT = " " * 11
_NONE = {"decision": "No decision", "person": "Nobody", "owner": "No objective", "team": "No team"}


def page(body: Body, zone: ZoneInfo) -> list[Block]:
    """Return every finding with its answers; none ever disappears."""
    words, counts = Words(body, zone), body["counts"]
    rules = ", ".join(f"{number} {rule.replace('_', ' ')}" for rule, number in counts["rules"].items())
    blocks: list[Block] = [
        f"{count(len(body['findings']), 'finding')}: {counts['open']} open, {counts['answered']} answered"
        + (f" ({rules})" if rules else "")
    ]
    if "groups" in body:
        return [*blocks, *_grouped(body, words)]
    for row in body["findings"]:
        blocks += finding(row, words)
    return blocks


def _grouped(body: Body, words: Words) -> list[Block]:
    """Return the findings group by group, each under its name and its counts."""
    rows: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for row in body["findings"]:
        rows.setdefault((row["rule"], row["cause"]), []).append(row)
    blocks: list[Block] = []
    for group in body["groups"]:
        counts = group["counts"]
        told = [f"{counts['open']} open", f"{counts['answered']} answered"]
        told += [f"{counts[word]} {word}" for word in ("softer", "harder", "neutral") if counts[word]]
        blocks += ["", f"{_title(group, body['group_by'], words)}: {', '.join(told)}"]
        for one in group["findings"]:
            for row in rows.get((one["rule"], one["cause"]), ()):
                blocks += finding(row, words)
    return blocks


def _title(group: Mapping[str, Any], by: str, words: Words) -> str:
    """Return what a group is called."""
    if group["key"] is None:
        return "Private" if group.get("private") else _NONE[by]
    if by == "team":
        names = [group["title"] or group["key"], *(one["name"] or one["team"] for one in group["above"])]
        return " · ".join(reversed(names))
    if by != "decision":
        return words.person(group["key"])
    decision = group["decided"]
    if decision is None:
        return f"Decision {group['key']}, which was retracted or is not known at this basis"
    who = words.person(decision["decided_by"])
    return f"“{group['title']}” ({who}, {words.day(decision['recorded_at'])}, {decision['standing']})"


def finding(row: Mapping[str, Any], words: Words) -> list[Block]:
    """Return one finding: its rule and cause, its sentence, who and why, what moved, what ratifies it, the answers."""
    reason = f", {why(row['reason'])}" if row["reason"] else ""
    blocks: list[Block] = [
        _line(row),
        f"{_INDENT}{words.by(row)}, {words.moment(row['effective_at'] or row['recorded_at'])}{reason}",
    ]
    for change in row["changes"]:
        if change["old"] == change["new"] and len(row["changes"]) > 1:
            continue
        old, new = (words.facet(change["facet"], change[side]) for side in ("old", "new"))
        name = {"ends_on": "end"}.get(change["facet"], change["facet"])
        blocks.append(f"{_INDENT}{name}: {old} → {new}, {change['direction']}")
    blocks += [f"{_INDENT}{_concern(one, row, words)}" for one in row["concerns"]]
    if row["recorded_in_error"]:
        blocks.append(f"{_INDENT}the item was recorded in error")
    if row["superseded_at"] is not None:
        blocks.append(f"{_INDENT}the entry was amended or retracted at position {row['superseded_at']}")
    ratified = row["ratified_by"]
    blocks += [f"{_INDENT}{one['words']}, by decision {one['decision'] or '(private)'}" for one in ratified]
    for answer in row["answers"]:
        when = words.moment(answer.get("recorded_at"))
        blocks.append(
            f"{_INDENT}{answer['answer']} by {words.person(answer.get('by'))}, {when}: {answer['text']}"
        )
    return blocks


def _concern(one: Mapping[str, Any], row: Mapping[str, Any], words: Words) -> str:
    """Return an entry that a decision ratifies, or that stands without it."""
    item, days = one["key_result"] or row["objective"], one["days_before"]
    when = "" if days is None else ", the same day" if days == 0 else f", {count(days, 'day')} before"
    return f"{f'{words.item(item)}: ' if item else ''}{one['words']} (entry {one['position']}{when})"


def brief(rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return findings in a line each, before something is recorded about them."""
    shown: list[Block] = [_line(row) for row in rows[:_MOST]]
    left = len(rows) - _MOST
    return [*shown, f"{_INDENT}and {count(left, 'more finding')}"] if left > 0 else shown


def _line(row: Mapping[str, Any]) -> str:
    item = row.get("reference") or row.get("key_result") or row.get("objective") or row.get("cycle") or ""
    return f"{row['standing']:>9}  {row['rule']}:{row['cause']}  {item}  {row['sentence']}"
