"""Which row of a later version is which row of an earlier one, and how sure that is.

Rows of the same title are the same row. The rest is compared pair by pair, and the one-to-one assignment with the
greatest weight over all acceptable pairs is taken. A pair weighs the square of what it has above 0.50 (with 0.10 more
for a shared assignee and 0.05 for the same objective), so that one good pair outweighs two poor ones. The thresholds
come from the figures in `likeness`:

- below 0.40 two titles have nothing in common; unrelated rows that stand side by side reach 0.51;
- from 0.60 on a row of the same assignee is taken to be the same row, reworded;
- where a word was exchanged for another this stays doubtful, however alike the rest is: "… is being using by ipfs"
  and "… by filecoin" are 0.88 alike, of one assignee, and two key results;
- with another assignee and an exchanged word it is another row: the twins in Go and in JS are 0.96 alike;
- from 0.85 on, of the same assignee in the same objective, with words only added, left out or spelled otherwise,
  it is certain: the one rewording in the real pages (`js-ipld-interace`, then `js-ipld-interface`) is 0.91 alike;
- a lead of less than 0.10 over the next choice adds a doubt, and with less than 0.03 it is doubtful.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from aggregates.snapshots.assignment import best_assignment
from aggregates.snapshots.likeness import NEAR, Likeness, likeness

ALIKE = Decimal("0.60")
LIKELY_ALIKE = Decimal("0.70")
ALIKE_OF_OTHERS = Decimal("0.75")
SURELY_ALIKE = Decimal("0.85")
CLEAR_LEAD = Decimal("0.10")
NO_LEAD = Decimal("0.03")
MOST_PAIRS = 4_000
MOST_WORK = 16_000_000
_NONE = Decimal("0.00")


class Doubt(StrEnum):
    """How far a judgement can be wrong."""

    CERTAIN = "certain"
    LIKELY = "likely"
    DOUBTFUL = "doubtful"

    def worse(self) -> Doubt:
        """Return the next greater doubt."""
        return Doubt.LIKELY if self is Doubt.CERTAIN else Doubt.DOUBTFUL


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The row that would have been the next choice: its title, its line on its page, how alike it is."""

    title: str
    line: int
    similarity: Decimal


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was judged about a row that stands in one version only under this title.

    `similarity` (0 to 1, hundredths) is that of the chosen row, or of the nearest one where none was chosen.
    """

    similarity: Decimal
    doubt: Doubt
    because: str
    runner_up: RunnerUp | None = None

    def in_words(self) -> str:
        """Return the doubt as one line of at most 200 characters."""
        start = f"{self.doubt}: {self.because} ({self.similarity} alike)"
        if self.runner_up is None:
            return start
        return f"{start}; next at {self.runner_up.similarity}: {self.runner_up.title}"[:200]


@dataclass(frozen=True, slots=True)
class Item:
    """A row as matching sees it; `group` is its objective, `marks` its assignees or, of an objective, its rows."""

    title: str
    line: int
    group: str
    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of (earlier, later) indices with their judgement, and the judgement of every row that has no pair."""

    pairs: Mapping[tuple[int, int], Judgement]
    dropped: Mapping[int, Judgement]
    added: Mapping[int, Judgement]


Verdict = Callable[[Item, Item, Likeness], tuple[Doubt, int] | None]
"""Doubt and extra weight (hundredths) of taking two rows for one, or None when they are two."""


def same_titles(earlier: Sequence[Item], later: Sequence[Item]) -> list[tuple[int, int]]:
    """Pair the rows of the same title; among several, of the same objective and assignees first, then in order."""
    keys: tuple[Callable[[Item], object], ...] = (
        lambda item: (item.title, item.group, item.marks),
        lambda item: (item.title, item.group),
        lambda item: (item.title, item.marks),
        lambda item: item.title,
    )
    pairs: list[tuple[int, int]] = []
    old, new = dict(enumerate(earlier)), dict(enumerate(later))
    for key in keys:
        waiting: dict[object, list[int]] = {}
        for index, item in old.items():
            waiting.setdefault(key(item), []).append(index)
        for index, item in list(new.items()):
            if found := waiting.get(key(item)):
                pairs.append((found.pop(0), index))
                del old[pairs[-1][0]], new[index]
    return pairs


def judge_key_result(old: Item, new: Item, alike: Likeness) -> tuple[Doubt, int] | None:
    """Decide whether two key results are one that was reworded; the assignees support or oppose it."""
    similarity, home = alike.similarity, old.group == new.group
    shared, known = bool(old.marks & new.marks), bool(old.marks and new.marks)
    extra = 10 * shared + 5 * home
    if known and not shared:
        return (Doubt.DOUBTFUL, extra) if similarity >= ALIKE_OF_OTHERS and not alike.exchanged else None
    if similarity < ALIKE:
        return None
    if alike.exchanged or similarity < LIKELY_ALIKE:
        return Doubt.DOUBTFUL, extra
    return Doubt.CERTAIN if shared and home and similarity >= SURELY_ALIKE else Doubt.LIKELY, extra


def judge_objective(old: Item, new: Item, alike: Likeness) -> tuple[Doubt, int] | None:
    """Decide whether two objectives are one that was reworded; the key results they share support it.

    The titles of "CAR file format is well defined …" and "IPLD Selectors are well defined …", side by side in
    2020-Q1, are 0.70 alike: an exchanged word needs a key result in common.
    """
    common = len(old.marks & new.marks)
    mostly = common >= 2 and 2 * common >= len(old.marks)
    titles = alike.similarity >= ALIKE and (not alike.exchanged or common > 0)
    if not titles and not mostly:
        return None
    if titles and mostly and alike.similarity >= SURELY_ALIKE:
        return Doubt.CERTAIN, 50
    if (titles and common) or common == len(old.marks) or (titles and alike.similarity >= SURELY_ALIKE):
        return Doubt.LIKELY, 50 * mostly
    return Doubt.DOUBTFUL, 50 * mostly


def match_alike(
    earlier: Sequence[Item], later: Sequence[Item], verdict: Verdict, *, rows_are_lost: bool
) -> Matches:
    """Pair rows without a namesake by likeness, one to one, with the greatest weight over all of them.

    More than 4,000 pairs (or as much text) in one step are not compared: that is another page, and all is doubtful.
    `rows_are_lost` says that a row of either version could not be read, so that no absence is certain.
    """
    work = sum(len(item.title) for item in earlier) * sum(len(item.title) for item in later)
    if len(earlier) * len(later) > MOST_PAIRS or work > MOST_WORK:
        unsure = Judgement(_NONE, Doubt.DOUBTFUL, "too much changed at once to be compared")
        return Matches(
            {}, dict.fromkeys(range(len(earlier)), unsure), dict.fromkeys(range(len(later)), unsure)
        )
    alike = {
        (i, j): likeness(old.title, new.title) for i, old in enumerate(earlier) for j, new in enumerate(later)
    }
    accepted: dict[tuple[int, int], Doubt] = {}
    weights: dict[tuple[int, int], int] = {}
    for (i, j), like in alike.items():
        said = verdict(earlier[i], later[j], like)
        if said is not None:
            accepted[i, j] = said[0]
            weights[i, j] = max(int(like.similarity * 100) - 50 + said[1], 1) ** 2
    pairs: dict[tuple[int, int], Judgement] = {}
    for i, j in best_assignment(weights):
        rivals = [(alike[i, k], new) for k, new in enumerate(later) if k != j]
        rivals += [(alike[k, j], old) for k, old in enumerate(earlier) if k != i]
        pairs[i, j] = _judge_pair(alike[i, j], accepted[i, j], _nearest(rivals))
    dropped = {
        i: _judge_alone(old, [(alike[i, j], new) for j, new in enumerate(later)], rows_are_lost=rows_are_lost)
        for i, old in enumerate(earlier)
        if i not in {pair[0] for pair in pairs}
    }
    added = {
        j: _judge_alone(
            new, [(alike[i, j], old) for i, old in enumerate(earlier)], rows_are_lost=rows_are_lost
        )
        for j, new in enumerate(later)
        if j not in {pair[1] for pair in pairs}
    }
    return Matches(pairs, dropped, added)


def _nearest(others: Sequence[tuple[Likeness, Item]]) -> RunnerUp | None:
    if not others:
        return None
    alike, item = max(others, key=lambda other: other[0].similarity)
    return RunnerUp(item.title, item.line, alike.similarity)


def _judge_pair(alike: Likeness, doubt: Doubt, rival: RunnerUp | None) -> Judgement:
    because = "a word was exchanged for another" if alike.exchanged else "the wording is nearly the same"
    lead = alike.similarity - rival.similarity if rival is not None else CLEAR_LEAD
    if lead < CLEAR_LEAD:
        because = "another row is nearly as alike"
        doubt = Doubt.DOUBTFUL if lead < NO_LEAD else doubt.worse()
    return Judgement(alike.similarity, doubt, because, rival)


def _judge_alone(item: Item, others: Sequence[tuple[Likeness, Item]], *, rows_are_lost: bool) -> Judgement:
    """Judge a row that stands in one version only; a row of its own assignee in its objective may replace it."""
    nearest = _nearest(others)
    similarity = nearest.similarity if nearest else _NONE
    beside = any(other.group == item.group and other.marks & item.marks for _, other in others)
    if rows_are_lost:
        doubt, because = Doubt.DOUBTFUL, "a row of one of the two versions could not be read"
    elif similarity >= ALIKE:
        doubt, because = Doubt.DOUBTFUL, "a row is alike and was not taken for the same"
    elif similarity >= NEAR or beside:
        doubt, because = Doubt.LIKELY, "a row is somewhat alike or of the same assignee"
    else:
        doubt, because = Doubt.CERTAIN, "no other row is alike"
    return Judgement(similarity, doubt, because, nearest)
