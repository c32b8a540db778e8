"""References are drawn once a command is allowed: what is refused uses up no number that people would ask about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from aggregates.entry import Recorded

LAST = 999_999_999
"""The last number that a reference can have: places are held from there downwards."""


class HeldReferences:
    """Places for the references of one command, and what was drawn for each, once, though it is decided again."""

    def __init__(self, draw: Callable[[str], str]) -> None:
        self._draw = draw
        self._drawn: dict[str, str | None] = {}

    def place(self, kind: str) -> str:
        """Return what holds the place of a reference of a kind (`OBJ` or `KR`) while the command is decided."""
        place = f"{kind}-{LAST - len(self._drawn)}"
        self._drawn[place] = None
        return place

    def referenced(self, recorded: Sequence[Recorded]) -> list[Recorded]:
        """Return what an allowed command records, with its references drawn."""
        return [
            replace(one, event=one.event.model_copy(update={"reference": self._of(place)}))
            if (place := getattr(one.event, "reference", None)) in self._drawn
            else one
            for one in recorded
        ]

    def _of(self, place: str) -> str:
        drawn = self._drawn[place]
        if drawn is None:
            drawn = self._drawn[place] = self._draw(place.partition("-")[0])
        return drawn
