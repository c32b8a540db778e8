"""The drift for people: how each commitment changed, softer or harder, who, when, why, by which decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.cli.page import Block
from api.cli.show.words import Body, Words, count, why

_SIGNS = {"softer": "▽ softer", "harder": "△ harder", "neutral": "· neutral"}


def page(body: Body, zone: ZoneInfo) -> list[Block]:
    """Return what became of the commitments: the counts, then each that changed."""
    words, counts = Words(body, zone), body["counts"]
    kinds = ", ".join(f"{number} {kind}" for kind, number in counts["kinds"].items())
    blocks: list[Block] = [
        f"Drift of {body['cycle']} since line {body['line']}: {counts['kept']} of "
        f"{count(counts['objectives'], 'objective')} kept as committed",
        f"{counts['softer']} softer, {counts['harder']} harder, {counts['neutral']} neutral"
        + (f" ({kinds})" if kinds else ""),
    ]
    for objective in body["objectives"]:
        if not objective["kept"]:
            blocks += ["", *_objective(objective, words)]
    return blocks


def _objective(row: Mapping[str, Any], words: Words) -> list[Block]:
    line = row["line"]
    blocks: list[Block] = [
        f"{row['reference']}  {row['title']}",
        f"    committed by {words.by(line)} on {words.moment(line['effective_at'])}",
    ]
    blocks += _facets(row, words, "    ")
    for key_result in row["key_results"]:
        if key_result["facets"]:
            blocks.append(f"  {key_result['reference']}  {key_result['title']}")
            blocks += _facets(key_result, words, "    ")
            blocks.append(f"    scores: {scores(key_result['scores'])}")
    blocks.append(f"  scores of {row['reference']}: {scores(row['scores'])}")
    return blocks


def _facets(row: Mapping[str, Any], words: Words, indent: str) -> list[Block]:
    blocks: list[Block] = []
    for facet in row["facets"]:
        if facet["kind"] == "kept" and all(change["old"] == change["new"] for change in facet["changes"]):
            continue
        name = facet["facet"]
        old, new = words.facet(name, facet["old"]), words.facet(name, facet["new"])
        named = {"ends_on": "end"}.get(name, name)
        blocks.append(f"{indent}{facet['kind']}: {named} {old} → {new}  {_SIGNS[facet['direction']]}")
        for change in facet["changes"]:
            if len(facet["changes"]) > 1:
                blocks.append(
                    f"{indent}  {words.facet(name, change['old'])} → {words.facet(name, change['new'])}"
                )
            blocks += [f"{indent}  {told}" for told in circumstances(change, words)]
    return blocks


def circumstances(change: Mapping[str, Any], words: Words) -> list[str]:
    """Return who changed it, when and why, and who decided; one line each."""
    reason = f", {why(change['reason'])}" if change.get("reason") else ", no reason given"
    when = words.moment(change["effective_at"])
    if words.day(change["recorded_at"]) != words.day(change["effective_at"]):
        when += f" (recorded {words.moment(change['recorded_at'])})"
    amends = f", amends {change['amends']}" if change.get("amends") else ""
    gone = f", superseded at {change['superseded_at']}" if change.get("superseded_at") else ""
    lines = [f"{words.by(change)}, {when}, position {change['position']}{amends}{gone}{reason}"]
    return [*lines, f"decision: {decided(change['decided'], words)}"]


def decided(told: Mapping[str, Any], words: Words) -> str:
    """Return who decided a change and how we know."""
    if told["how"] == "according_to_source":
        author = words.person(told["author"]) if told["author"] else "somebody"
        return f"changed by {author} according to the source, decider unknown"
    if told["decision"] is None:
        return str(told["words"])
    who = words.person(told["decided_by"])
    when = f", {words.moment(told['decided_at'])}" if told["decided_at"] else ""
    return f"{who}{when}: {told['text']} ({told['words']})"


def scores(row: Mapping[str, Any]) -> str:
    """Return the score that was said, and those against each line and against the final target."""
    parts = [f"said {_said(row['said'])}"]
    parts += [f"against line {line['line']} {_score(line)}" for line in row["lines"]]
    if row["final"] is not None:
        parts.append(f"against the final target {_score(row['final'])}")
    return ", ".join(parts)


def _said(score: str | None) -> str:
    """Return a score as it was said; a mean of what was said, to two places."""
    if score is None:
        return "–"
    return score if len(score) <= 4 else f"{float(score):.2f}"


def _score(row: Mapping[str, Any]) -> str:
    if row["score"] is None:
        return str(row.get("mark") or "–")
    return f"{float(row['score']):.2f} {row.get('band') or ''}".rstrip()
