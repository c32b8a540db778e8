"""A policy: every parameter that decides how facts become figures, named in full."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from aggregates.measures import Frozen
from aggregates.values import Line, Number, Score

Bands = Literal["viva", "engagedly", "upraise", "mooncamp", "planview"]
RollUp = Literal["mean", "pooled", "weakest"]


class Policy(Frozen):
    """How progress, status, roll-up and silence are computed.

    No field has a default, so that no release changes the past by changing one; `DEFAULT_POLICY` is what a new
    ledger adopts. Sources of the rules: Viva Goals, Engagedly, UpRaise, Mooncamp, Planview (bands), oslokommune
    (weighted mean), Quantive (pooled), Perdoo (weakest), Google and Doerr (scores).
    """

    name: Line
    bands: Bands
    equal_counts_as_met: bool
    """Whether a keep measure that equals its target is met (Quantive is strict: not met)."""
    clamp_for_roll_up: bool
    """Whether progress is clamped to 0..1 before it is rolled up."""
    roll_up: RollUp
    check_in_every_days: Annotated[int, Field(ge=1, le=92)]
    grace_days: Annotated[int, Field(ge=0, le=31)]
    confidence_low_below: Score
    confidence_high_from: Score
    score_green_from: Score
    score_yellow_from: Score
    narrative_when_low: bool
    """Whether a check-in of low confidence needs a word on what changed."""
    number_digits_before: Annotated[int, Field(ge=1, le=15)]
    number_digits_after: Annotated[int, Field(ge=0, le=6)]
    no_value_counts: Number
    """What a committed key result without a value counts after the grace period."""


DEFAULT_POLICY = Policy(
    name="default",
    bands="viva",
    equal_counts_as_met=True,
    clamp_for_roll_up=False,
    roll_up="mean",
    check_in_every_days=7,
    grace_days=3,
    confidence_low_below=Decimal("0.4"),
    confidence_high_from=Decimal("0.7"),
    score_green_from=Decimal("0.7"),
    score_yellow_from=Decimal("0.4"),
    narrative_when_low=True,
    number_digits_before=15,
    number_digits_after=6,
    no_value_counts=Decimal(0),
)
