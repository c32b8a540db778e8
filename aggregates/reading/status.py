"""Status: one list of words, computed from pace or confidence, each with the rule that fired."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from aggregates.reading.figures import MILLION, Ratio, percent_text, ratio_of, ratio_text
from aggregates.reading.frame import Frame

Told = tuple[str, str, str, dict[str, Any]]
"""Word, rule, sentence and inputs of a status."""

GLYPHS = {
    "draft": "○",
    "not_started": "◌",
    "on_track": "●",
    "behind": "▲",
    "off_track": "■",
    "achieved": "✓",
    "closed": "—",
    "withdrawn": "—",
    "carried": "—",
}
"""Every word of a status with its glyph; *silent* is a flag over any of them (a dotted ring)."""

SAID_ORDER = ("off_track", "behind", "on_track", "achieved")
"""The words that an owner can say, the weakest first."""

GREEN = frozenset({"on_track", "achieved"})
ENDED = frozenset({"closed", "withdrawn", "carried"})

_RULES = {
    "viva": ("more than 25 points behind is off track", "any less is behind", "level or ahead is on track"),
    "engagedly": ("more than 33 points behind is off track", "16.5 to 33 points behind is behind",
                  "less than 16.5 points behind is on track"),
    "upraise": ("below 0.75 of what is expected is off track", "0.75 to 0.95 of it is behind",
                "from 0.95 of it is on track"),
    "mooncamp": ("below 0.70 of what is expected is off track", "0.70 to 0.90 of it is behind",
                 "from 0.90 of it is on track"),
    "planview": ("", "more than 10 % under the projection is behind", "within 10 % of it is on track"),
}  # fmt: skip
_SPOKEN = {word: word.replace("_", " ") for word in SAID_ORDER}
_WORD_OF_CONFIDENCE = {"low": "off_track", "medium": "behind", "high": "on_track"}
_PLACE = {"off_track": 0, "behind": 1, "on_track": 2}


def band_of(bands: str, actual: Ratio, expected: Ratio) -> str:
    """Return the word for an actual and an expected fraction, compared exactly and before any rounding.

    d = e − a. viva: d > 0.25 off track, 0 < d ≤ 0.25 behind, d ≤ 0 on track. engagedly: d < 16.5 points on track,
    16.5–33 behind, > 33 off track. upraise: a/e ≥ 0.95 on track, 0.75–0.95 behind, below off track. mooncamp: a/e
    below 0.70 off track, 0.70–0.90 behind, from 0.90 on track. planview: within 10 % of the projection on track,
    else behind. Where e is 0 the quotients are compared as products, so nothing expected is on track.
    """
    top, bottom = actual
    above, below = expected
    if bands == "viva":
        gap, whole = above * bottom - top * below, bottom * below
        return "off_track" if 4 * gap > whole else "behind" if gap > 0 else "on_track"
    if bands == "engagedly":
        gap, whole = 1000 * (above * bottom - top * below), bottom * below
        return "on_track" if gap < 165 * whole else "behind" if gap <= 330 * whole else "off_track"
    share, full = 100 * top * below, above * bottom
    if bands == "upraise":
        return "on_track" if share >= 95 * full else "behind" if share >= 75 * full else "off_track"
    if bands == "mooncamp":
        return "off_track" if share < 70 * full else "behind" if share < 90 * full else "on_track"
    if bands == "planview":
        return "on_track" if share >= 90 * full else "behind"
    raise ValueError(f"There are no bands called {bands}.")


def confidence_band(confidence: Ratio, frame: Frame) -> str:
    """Return low, medium or high, half open, as the policy draws the lines (WorkBoard: 0.4 and 0.7)."""
    scaled = confidence[0] * MILLION
    if scaled >= frame.confidence_high * confidence[1]:
        return "high"
    return "low" if scaled < frame.confidence_low * confidence[1] else "medium"


def pace_of(actual: Ratio | None, expected: Ratio | None) -> dict[str, Any] | None:
    """Return `{expected, difference}` where there is a path; difference is a − e, exact and then as text."""
    if expected is None:
        return None
    if actual is None:
        return {"expected": ratio_text(expected), "difference": None}
    top, bottom = expected
    gap = (actual[0] * bottom - top * actual[1], actual[1] * bottom)
    return {"expected": ratio_text(expected), "difference": ratio_text(gap)}


def pace_words(difference: str) -> str:
    """Return a difference of a pace in words for people: `13.4 % behind`, `on pace`."""
    if difference == "0":
        return "on pace"
    if difference.startswith("-"):
        return f"{percent_text(ratio_of(difference[1:]))} behind"
    return f"{percent_text(ratio_of(difference))} ahead"


@lru_cache(maxsize=256)
def band_told(bands: str, word: str) -> tuple[str, str]:
    """Return the code and the sentence of the rule that fired where a status comes from pace."""
    return f"bands:{bands}", (
        f"Progress is compared with what was expected on that day: under {bands}, {_RULES[bands][_PLACE[word]]}."
    )


def from_confidence(confidence: Ratio, whose: str, frame: Frame) -> Told:
    """Return the status that comes from confidence, marked so."""
    low, high = frame.policy.confidence_low_below, frame.policy.confidence_high_from
    sentence = (
        f"No path was declared, so {whose} speaks: below {low} is off track, from {high} is on track, "
        "between them is behind."
    )
    word = _WORD_OF_CONFIDENCE[confidence_band(confidence, frame)]
    return word, "confidence", sentence, {"confidence": ratio_text(confidence)}


def status_row(
    told: Told, said: str | None, silent_days: int | None, pace: Mapping[str, Any] | None, frame: Frame
) -> dict[str, Any]:
    """Return a status ready for JSON.

    Shape: `{word, glyph, said, silent, counts_as, disagrees, disagreement?, explain: {rule, sentence, inputs,
    policy_version}}`. `counts_as` is the word under which the item is counted: a silent item never counts as
    green, so it counts as *silent* where its word is on track or achieved. `disagrees` says whether what was said
    differs from what is computed, where both speak; `disagreement` puts it into words.
    """
    word, rule, sentence, inputs = told
    silent = silent_days is not None
    if silent:
        inputs["silent_days"] = silent_days
        inputs["silent_after_days"] = frame.window
    disagrees = said is not None and said != word and word in SAID_ORDER
    row = {
        "word": word,
        "glyph": GLYPHS[word],
        "said": said,
        "silent": silent,
        "counts_as": "silent" if silent and word in GREEN else word,
        "disagrees": disagrees,
        "explain": {
            "rule": rule,
            "sentence": sentence,
            "inputs": inputs,
            "policy_version": frame.policy_version,
        },
    }
    if disagrees and said is not None:
        row["disagreement"] = _disagreement(said, word, rule, pace)
    return row


def _disagreement(said: str, word: str, rule: str, pace: Mapping[str, Any] | None) -> str:
    if pace is not None and pace["difference"] is not None and rule.startswith("bands"):
        return f"says {_SPOKEN[said]}, pace says {pace_words(pace['difference'])}"
    return f"says {_SPOKEN[said]}, computed is {_SPOKEN[word]}"


def silence_of(
    check_in: str | None, value: str | None, since: int, until: int, frame: Frame
) -> tuple[int, bool]:
    """Return the days without a sign and whether they are more than the cadence with its grace.

    `check_in` and `value` are the moments of the last ones as stored text, `since` the day from which the cadence
    runs (the commitment or the cycle's start, whichever is later), `until` the last day on which a check-in was
    due. Days are days of the organisation's zone.
    """
    last = since
    if value is not None:
        last = max(last, frame.day_of(value))
    if check_in is not None:
        last = max(last, frame.day_of(check_in))
    days = (frame.day if frame.day < until else until) - last
    return (days if days > 0 else 0, days > frame.window)
