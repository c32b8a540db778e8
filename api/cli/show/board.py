"""The board for people: every objective of a cycle and its status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.cli.page import Block, Table
from api.cli.show.words import Body, Words, aim, count, percent, plain

_ORDER = (
    "off_track",
    "behind",
    "on_track",
    "achieved",
    "not_started",
    "draft",
    "closed",
    "withdrawn",
    "carried",
)
_GLYPHS = {
    "off_track": "■",
    "behind": "▲",
    "on_track": "●",
    "achieved": "✓",
    "not_started": "◌",
    "draft": "○",
}
_MOST_ATTENTION = 12


def page(body: Body, zone: ZoneInfo, *, short: bool = False) -> list[Block]:
    """Return the board; `short` leaves the key results out."""
    words = Words(body, zone)
    table = Table(
        ("", "ref", "title", "owner", "team", ">progress", "pace", ">conf.", "status", "said", "silent"),
        wide=("title", "owner"),
    )
    for objective in sorted(body["objectives"], key=lambda row: words.team(row["team"])):
        table.row(*_objective(objective, words))
        if not short:
            for key_result in objective["key_results"]:
                table.row(*_key_result(key_result, words))
    cycle = body["cycle"]
    first = (
        f"{cycle['name']} ({cycle['key']}), {cycle['starts_on']} to {cycle['ends_on']}, {cycle['standing']}"
    )
    blocks: list[Block] = [first, headline(body), ""]
    if not body["objectives"]:
        return [*blocks, nothing_yet(body)]
    blocks += [table, "", *attention(body, words), *unjudged(body, short=short)]
    for gone in body["owners_who_left"]:
        blocks.append(f"{words.person(gone['id'])} left and still owns {', '.join(gone['owns'])}.")
    slips = [one for row in (body, *body["objectives"]) for one in row["recorded_in_error"]]
    if slips:
        told = "; ".join(f"{one['reference']} {one['title']}" for one in slips)
        blocks.append(f"Recorded in error and not counted: {told}.")
    return blocks


def nothing_yet(body: Body) -> str:
    """Return that a cycle shows no objective, and on which day: on a later one there may be some."""
    day = body["basis"]["effective_at"]
    return f"No objective stood in this cycle at the end of {day}; `record` takes draft_objective."


def headline(body: Body) -> str:
    """Return the counts by status: never an average."""
    counts = body["counts"]
    shown = [
        f"{_GLYPHS.get(word, '—')} {counts[word]} {word.replace('_', ' ')}"
        for word in _ORDER
        if counts.get(word)
    ]
    parts = [count(len(body["objectives"]), "objective"), *shown]
    flags = [f"{body['silent']} silent"] if body["silent"] else []
    if body["disagreements"]:
        flags.append(f"{body['disagreements']} said otherwise than computed")
    return "  ".join(parts) + "".join(f"  ┊ {flag}" for flag in flags)


def attention(body: Body, words: Words) -> list[Block]:
    """Return the objectives that need attention, each with its reason."""
    needy = [
        row for row in body["objectives"] if row["status"]["word"] == "off_track" or row["status"]["silent"]
    ]
    if not needy:
        return ["Nothing needs attention: no objective is off track or silent."]
    needy.sort(key=lambda row: (row["status"]["word"] != "off_track", -(row["silent_days"] or 0)))
    lines: list[Block] = [f"Needs attention ({min(len(needy), _MOST_ATTENTION)} of {len(needy)}):"]
    for row in needy[:_MOST_ATTENTION]:
        reasons = []
        if row["status"]["silent"]:
            reasons.append(f"{row['silent_days']} days silent")
        if row["pace"] and row["pace"].get("difference"):
            reasons.append(f"pace {_signed(row['pace']['difference'])}")
        if row["status"].get("disagreement"):
            reasons.append(row["status"]["disagreement"])
        lines.append(
            f"  {row['status']['glyph']} {row['reference']} {row['title']} — {words.person(row['owner'])}: "
            f"{', '.join(reasons) or row['status']['explain']['sentence']}"
        )
    return lines


def unjudged(body: Body, *, short: bool = False) -> list[Block]:
    """Return why items that have a value read *not started*: nothing says how far they should be."""
    why: dict[str, list[str]] = {}
    for objective in body["objectives"]:
        for row in (objective,) if short else objective["key_results"]:
            explained = row["status"]["explain"]
            has_value = row["progress" if short else "value"] is not None
            if explained["rule"] == "nothing_speaks" and has_value:
                why.setdefault(explained["sentence"], []).append(row["reference"])
    return [f"  {_GLYPHS['not_started']} {_listed(named)}: {sentence}" for sentence, named in why.items()]


def _listed(references: list[str]) -> str:
    left = len(references) - _MOST_ATTENTION
    return ", ".join(references[:_MOST_ATTENTION]) + (f" and {left} more" if left > 0 else "")


def _objective(row: Mapping[str, Any], words: Words) -> tuple[str, ...]:
    return (
        row["status"]["glyph"],
        row["reference"],
        row["title"],
        words.person(row["owner"]),
        words.team(row["team"]),
        percent(row["progress"]),
        _pace(row["pace"]),
        _confidence(row["confidence"]),
        *_status(row),
    )


def _key_result(row: Mapping[str, Any], words: Words) -> tuple[str, ...]:
    reached = f"{plain(row['value']['value'])} ({aim(row)})" if row["value"] else aim(row)
    return (
        f" {row['status']['glyph']}",
        row["reference"],
        f"  {row['title']}: {reached}",
        words.person(row["owner"]),
        "",
        percent(row["progress"]) if row["progress"] is not None else row.get("progress_mark") or "–",
        _pace(row["pace"]),
        _confidence(row["confidence"]),
        *_status(row),
    )


def _status(row: Mapping[str, Any]) -> tuple[str, str, str]:
    status = row["status"]
    silent = f"{row['silent_days']} days" if status["silent"] else ""
    return status["word"].replace("_", " "), (status["said"] or "–").replace("_", " "), silent


def _pace(pace: Mapping[str, Any] | None) -> str:
    if pace is None or pace.get("difference") is None:
        return "–"
    return _signed(pace["difference"])


def _signed(difference: str) -> str:
    text = percent(difference)
    return text if text.startswith("−") else f"+{text}"


def _confidence(confidence: Mapping[str, Any] | None) -> str:
    return "–" if confidence is None else f"{float(confidence['value']):.1f}"
