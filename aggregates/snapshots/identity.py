"""Finds each row of a version among the rows of the series so far: present, gone, reworded or new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from aggregates.snapshots.matching import Doubt, Item, Judgement, Verdict, match_alike, same_titles

SAME = Decimal("1.00")
STOOD_BEFORE = Judgement(SAME, Doubt.CERTAIN, "the same title stood on the page before")


@dataclass(slots=True)
class Identified:
    """For each new row its key (none when it is new), and the judgements on what is reworded, new, back and gone."""

    keys: dict[int, str] = field(default_factory=dict)
    reworded: dict[int, Judgement] = field(default_factory=dict)
    added: dict[int, Judgement] = field(default_factory=dict)
    again: set[int] = field(default_factory=set)
    dropped: dict[str, Judgement] = field(default_factory=dict)


def identify(
    present: dict[str, Item],
    gone: dict[str, Item],
    new: Sequence[Item],
    verdict: Verdict,
    *,
    rows_are_lost: bool,
) -> Identified:
    """Find each new row among those present before, by title; then among those gone, by title; then by likeness."""
    found = Identified()
    for known, back in ((present, False), (gone, True)):
        keys, left = list(known), [index for index in range(len(new)) if index not in found.keys]
        for i, j in same_titles([known[key] for key in keys], [new[index] for index in left]):
            found.keys[left[j]] = keys[i]
            if back:
                found.again.add(left[j])
    taken = set(found.keys.values())
    keys, left = (
        [key for key in present if key not in taken],
        [i for i in range(len(new)) if i not in found.keys],
    )
    matches = match_alike(
        [present[key] for key in keys], [new[index] for index in left], verdict, rows_are_lost=rows_are_lost
    )
    for (i, j), judgement in matches.pairs.items():
        found.keys[left[j]], found.reworded[left[j]] = keys[i], judgement
    found.added = {left[j]: judgement for j, judgement in matches.added.items()}
    found.dropped = {keys[i]: judgement for i, judgement in matches.dropped.items()}
    return found
