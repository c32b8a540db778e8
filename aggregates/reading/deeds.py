"""What became of a facet, in the words in which somebody would say it: `target changed from 90 to 80 %`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LONGEST_TITLE = 40
_MOST = 3
_DONE = {
    "active": "taken up again",
    "committed": "back to committed",
    "withdrawn": "withdrawn",
    "replaced": "replaced by another",
    "carried": "carried on",
    "dropped": "dropped",
    "recorded_in_error": "recorded in error",
    "closed": "closed",
}
_NAMES = {"ends_on": "end", "cycle": "cycle"}
_NAMELESS = frozenset({"owner", "team", "alignment", "carried_from", "visibility"})
"""Facets whose values are identifiers, which nobody says."""


def deed(facet: str, old: Any, new: Any, measure: Mapping[str, Any] | None = None) -> str:
    """Return what became of one facet, with both values where they are short; `measure` gives a number its unit."""
    if facet == "standing":
        return _standing(new)
    name = _NAMES.get(facet, facet.replace("_", " "))
    before, after = _said(facet, old), _said(facet, new)
    if facet == "wording":
        return f"reworded from {before} to {after}" if before and after and before != after else "reworded"
    if facet == "ends_on":
        return f"end moved from {before or 'that of the cycle'} to {after or 'that of the cycle'}"
    if facet in _NAMELESS or before == after:
        return f"{name} changed"
    unit = (
        f" {measure['unit']}" if facet in ("target", "baseline") and measure and measure.get("unit") else ""
    )
    if before is None:
        return f"{name} set to {after}{unit}"
    if after is None:
        return f"{name} taken back"
    moved = "moved" if facet == "cycle" else "changed"
    return f"{name} {moved} from {before} to {after}{unit}"


def told(deeds: Sequence[str]) -> str:
    """Return several deeds as the beginning of a sentence."""
    shown = [*deeds[:_MOST], *([f"{len(deeds) - _MOST} more"] if len(deeds) > _MOST else [])]
    text = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return text[:1].upper() + text[1:]


def _standing(new: Any) -> str:
    word = new["word"] if isinstance(new, Mapping) else new
    into = new.get("into") if isinstance(new, Mapping) else None
    done = _DONE.get(str(word), str(word).replace("_", " ")) if word is not None else "taken back"
    return f"carried into {into}" if word == "carried" and into else done


def _said(facet: str, value: Any) -> str | None:
    """Return a value in a few words; None for none, and for a wording that is long."""
    if value is None:
        return None
    if facet == "target":
        return _target(value)
    if facet == "wording":
        title = value["title"] if isinstance(value, Mapping) else str(value)
        return f"“{title}”" if len(title) <= _LONGEST_TITLE else None
    if facet == "measure":
        return str(value["kind"]).replace("_", " ")
    return str(value) if isinstance(value, str | int) else None


def _target(value: Mapping[str, Any]) -> str:
    match value.get("kind"):
        case "point":
            return str(value["at"])
        case "band":
            return f"{value['low']}–{value['high']}"
        case "stages":
            return f"{len(value['stages'])} stages"
        case "steps":
            return f"{value['steps'][-1]['at']} in {len(value['steps'])} steps"
    return "done"
