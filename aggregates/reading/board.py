"""The board: every objective of a cycle on a day, completed from facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from aggregates.frozen import dataclass
from aggregates.policy import Policy
from aggregates.reading.expected import straight_line
from aggregates.reading.figures import Ratio, ratio_text
from aggregates.reading.frame import Frame, frame_of
from aggregates.reading.objectives import Children, read_objective
from aggregates.reading.people import Owners
from aggregates.reading.status import ENDED, GLYPHS

States = Mapping[str, Any]
_Read = tuple[dict[str, Any], Ratio | None, Ratio | None]
_Stand = tuple[str, bool, bool]
"""What a status counts as, whether it is silent, whether it disagrees."""


@dataclass(frozen=True, slots=True)
class _Share:
    """What one objective adds to the figures of the board, so that these are not counted anew from every row."""

    own: _Stand
    key_results: Sequence[_Stand]
    left: Sequence[tuple[str, str]]
    """Owner and reference of whatever is owned by somebody who left and is not over."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> _Share:
        """Return what a completed objective adds."""
        return cls(
            _stand_of(row),
            [_stand_of(one) for one in row["key_results"]],
            [
                (item["owner"]["id"], item["reference"])
                for item in (row, *row["key_results"])
                if item["owner"]["presence"] == "left" and item["status"]["word"] not in ENDED
            ],
        )


_Known = tuple[Mapping[str, Any], Children, _Read, _Share]
Kept = MutableMapping[str, _Known]
"""Completed objectives by identifier, each with the state and the children's figures that it was completed from, and
with what it adds to the figures of the board."""


def complete_board(
    states: States,
    *,
    policy: Policy,
    policy_version: int,
    day: date,
    zone: ZoneInfo,
    kept: Kept | None = None,
) -> dict[str, Any]:
    """Return the board of a cycle ready for JSON.

    `states` holds `cycle`, `objectives`, `people`, `teams` as facets at a basis. Shape: `{cycle, day, elapsed,
    policy: {version, name, bands, roll_up, clamp_for_roll_up, silent_after_days}, objectives: […], counts:
    {draft, not_started, on_track, behind, off_track, achieved, closed, withdrawn, carried, silent}, silent,
    disagreements, owners_who_left, key_results: {counts, silent, disagreements}, teams, recorded_in_error: […]}`.
    `counts` add up to the number of objectives: a silent item that would be green counts as silent; `silent` is
    every flagged one. Objectives are as in `read_objective`, decimals as strings. `kept` holds rows that were completed
    for the same cycle, people, day and policy: those whose states are the same objects are taken from it.
    """
    cycle = states["cycle"]
    frame = frame_of(cycle, policy=policy, policy_version=policy_version, day=day, zone=zone)
    owners = Owners(states["people"])
    known, in_error = _read_all(states, frame, owners, {} if kept is None else kept)
    shares = [one[3] for one in known]
    return {
        "cycle": cycle,
        "day": frame.today,
        "elapsed": ratio_text(straight_line(frame.starts_on, frame.ends_on, frame.day)),
        "policy": {
            "version": policy_version,
            "name": policy.name,
            "bands": policy.bands,
            "roll_up": policy.roll_up,
            "clamp_for_roll_up": policy.clamp_for_roll_up,
            "silent_after_days": frame.window,
        },
        "objectives": [one[2][0] for one in known],
        **_counted(share.own for share in shares),
        "owners_who_left": _who_left(shares),
        "key_results": _counted(stand for share in shares for stand in share.key_results),
        "teams": states["teams"],
        "recorded_in_error": in_error,
    }


def _read_all(
    states: States, frame: Frame, owners: Owners, kept: Kept
) -> tuple[list[_Known], list[dict[str, Any]]]:
    """Return every objective as it is known in their order, and those recorded in error."""
    live, in_error = [], []
    for state in states["objectives"]:
        if "standing" not in state["facets"]:
            continue
        if state["facets"]["standing"]["value"]["word"] == "recorded_in_error":
            fact = state["facets"]["standing"]
            title = state["facets"]["wording"]["value"]["title"]
            in_error.append(
                {
                    "id": state["id"],
                    "reference": state["reference"],
                    "title": title,
                    "position": fact["position"],
                }
            )
        else:
            live.append(state)
    if frame.policy.roll_up == "pooled":
        return _pooled(live, frame, owners, kept), in_error
    return [_read(state, frame, owners, (), kept) for state in live], in_error


def _read(state: Mapping[str, Any], frame: Frame, owners: Owners, children: Children, kept: Kept) -> _Known:
    """Return what `read_objective` does, or what is kept of it where state and children are the same."""
    known = kept.get(state["id"])
    if known is None or known[0] is not state or known[1] != children:
        read = read_objective(state, frame, owners, children)
        known = kept[state["id"]] = (state, children, read, _Share.of(read[0]))
    return known


def _pooled(live: list[Mapping[str, Any]], frame: Frame, owners: Owners, kept: Kept) -> list[_Known]:
    """Return the objectives with the figures of committed children pooled into their parents, children first."""
    known = {state["id"]: state for state in live}
    children: dict[str, list[str]] = {}
    for state in live:
        parent = _parent_of(state)
        if parent in known and state["facets"]["standing"]["value"]["word"] in ("committed", "closed"):
            children.setdefault(parent, []).append(state["id"])
    done: dict[str, _Known] = {}
    for state in live:
        waiting, met = [state["id"]], set()
        while waiting:
            item = waiting[-1]
            below = [child for child in children.get(item, ()) if child not in done and child not in met]
            met.add(item)
            if below:
                waiting.extend(below)
                continue
            waiting.pop()
            if item not in done:
                figures = [done[child][2][1:] for child in children.get(item, ()) if child in done]
                done[item] = _read(known[item], frame, owners, figures, kept)
    return [done[state["id"]] for state in live]


def _parent_of(state: Mapping[str, Any]) -> str:
    fact = state["facets"].get("alignment")
    return "" if fact is None else str(fact["value"].get("parent", ""))


def _stand_of(row: Mapping[str, Any]) -> _Stand:
    status = row["status"]
    return status["counts_as"], status["silent"], status["disagrees"]


def _counted(stands: Iterable[_Stand]) -> dict[str, Any]:
    """Return `{counts, silent, disagreements}` of what has a status."""
    counts = dict.fromkeys((*GLYPHS, "silent"), 0)
    silent = disagreements = 0
    for (word, is_silent, disagrees), times in Counter(stands).items():
        counts[word] += times
        silent += times * is_silent
        disagreements += times * disagrees
    return {"counts": counts, "silent": silent, "disagreements": disagreements}


def _who_left(shares: Iterable[_Share]) -> list[dict[str, Any]]:
    """Return every owner who left with the references of what they still own and is not over."""
    owned: dict[str, list[str]] = {}
    for share in shares:
        for person, reference in share.left:
            owned.setdefault(person, []).append(reference)
    return [{"id": person, "owns": references} for person, references in sorted(owned.items())]
