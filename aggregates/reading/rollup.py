"""Roll-up: the figure of an objective from its key results, and from its children where the policy pools them."""

from __future__ import annotations

from collections.abc import Sequence

from aggregates.policy import Policy
from aggregates.reading.figures import MILLION, ZERO, Ratio, clamp, compare, total

Weighted = tuple[Ratio, int]
"""A figure and its weight in millionths."""


def roll_up(parts: Sequence[Weighted], policy: Policy, *, clamped: bool = True) -> Ratio | None:
    """Return one exact figure for many, or None for none.

    mean Σp·w/Σw (oslokommune); pooled is the same mean over key results and child objectives, each child with the
    weight 1 (Quantive: (27+18+73)/3); weakest is the smallest, negatives counting 0 (Perdoo). Progress is clamped to
    0..1 first where the policy says so.
    """
    if not parts:
        return None
    if clamped and policy.clamp_for_roll_up:
        parts = [(clamp(figure), weight) for figure, weight in parts]
    if policy.roll_up == "weakest":
        return weakest([figure for figure, _ in parts])
    return weighted_mean(parts)


def weighted_mean(parts: Sequence[Weighted]) -> Ratio:
    """Return Σp·w/Σw exactly; the weights are positive."""
    if len(parts) == 1:
        return parts[0][0]
    top, bottom = total([(figure[0] * weight, figure[1]) for figure, weight in parts])
    return (top, bottom * sum([weight for _, weight in parts]))


def weakest(figures: Sequence[Ratio]) -> Ratio:
    """Return the smallest figure, negatives counting 0."""
    lowest = figures[0]
    for figure in figures[1:]:
        if compare(figure, lowest) < 0:
            lowest = figure
    return ZERO if lowest[0] < 0 else lowest


CHILD_WEIGHT = MILLION
"""The weight of a child objective among key results: 1."""
