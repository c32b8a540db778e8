"""The best one-to-one assignment between two lists, by the method of Kuhn and Munkres with potentials."""

from __future__ import annotations

from collections.abc import Mapping


def best_assignment(weights: Mapping[tuple[int, int], int]) -> list[tuple[int, int]]:
    """Return the pairs, no row in two of them, whose weights have the greatest sum; sorted, ties as the rows stand.

    `weights` holds the acceptable pairs only, each positive. Takes time with n² · m for n rows against m, n ≤ m.
    """
    old, new = sorted({i for i, _ in weights}), sorted({j for _, j in weights})
    if len(old) > len(new):
        turned = best_assignment({(j, i): weight for (i, j), weight in weights.items()})
        return sorted((i, j) for j, i in turned)
    costs = [[-weights.get((i, j), 0) for j in new] for i in old]
    chosen = [(old[row], new[column]) for row, column in _cheapest(costs)]
    return sorted(pair for pair in chosen if pair in weights)


def _cheapest(costs: list[list[int]]) -> list[tuple[int, int]]:
    """Return one column for each row with the least total cost; there are at least as many columns as rows.

    Rows enter one at a time; each extends the assignment along the cheapest alternating path. Index 0 is a
    sentinel, so rows and columns count from 1 inside.
    """
    rows, columns = len(costs), len(costs[0]) if costs else 0
    row_price, column_price = [0] * (rows + 1), [0] * (columns + 1)
    row_of, came_from = [0] * (columns + 1), [0] * (columns + 1)
    for row in range(1, rows + 1):
        row_of[0], column = row, 0
        slack: list[int | None] = [None] * (columns + 1)
        done = [False] * (columns + 1)
        while row_of[column]:
            done[column] = True
            current, nearest, step = row_of[column], 0, None
            for other in range(1, columns + 1):
                if done[other]:
                    continue
                cost = costs[current - 1][other - 1] - row_price[current] - column_price[other]
                known = slack[other]
                if known is None or cost < known:
                    slack[other], came_from[other] = cost, column
                    known = cost
                if step is None or known < step:
                    step, nearest = known, other
            for other in range(columns + 1):
                known = slack[other]
                if done[other]:
                    row_price[row_of[other]] += step or 0
                    column_price[other] -= step or 0
                elif known is not None:
                    slack[other] = known - (step or 0)
            column = nearest
        while column:
            row_of[column] = row_of[came_from[column]]
            column = came_from[column]
    return [(row_of[column] - 1, column - 1) for column in range(1, columns + 1) if row_of[column]]
