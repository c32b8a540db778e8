"""Rows of answers as they go out, kept while nothing but check-ins is recorded."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from aggregates.reading.history import Completed
from replay.presenting import identifiers_in
from replay.sight import Sight
from replay.veiling import masked

MASKS_KEPT: Final = 4_096


@dataclass(frozen=True, slots=True)
class Piece:
    """A row of an answer as it goes out, its name and every identifier in it."""

    name: Hashable
    row: Mapping[str, Any]
    content: bytes
    named: frozenset[str]

    @classmethod
    def of(cls, name: Hashable, row: Mapping[str, Any]) -> Piece:
        """Return the piece of a row."""
        content = bytes(memoryview(orjson.dumps(row)))  # orjson keeps room
        return cls(name, row, content, frozenset(identifiers_in(content)))


@dataclass(slots=True)
class Book:
    """Completed rows of one kind of answer by name, each with what it was completed from; and their pieces."""

    rows: dict[str, Any] = field(default_factory=dict)
    pieces: dict[Hashable, Piece] = field(default_factory=dict)
    masks: dict[tuple[Hashable, str], tuple[Piece, Piece]] = field(default_factory=dict)

    def piece(self, name: Hashable, row: Mapping[str, Any]) -> Piece:
        """Return the piece of a row; the kept one as long as the row is the same."""
        known = self.pieces.get(name)
        if known is None or known.row is not row:
            known = self.pieces[name] = Piece.of(name, row)
        return known

    def shown(self, piece: Piece, sight: Sight) -> Piece:
        """Return a piece in which nothing is named that is hidden."""
        if piece.named.isdisjoint(sight.names):
            return piece
        key = (piece.name, sight.digest)
        known = self.masks.get(key)
        if len(self.masks) > MASKS_KEPT:
            self.masks.clear()
        if known is None or known[0] is not piece:
            known = self.masks[key] = (piece, Piece.of(piece.name, masked(piece.row, sight)))
        return known[1]


@dataclass(slots=True)
class Told(Book):
    """The history of one item: its entries as far as they were read, completed and opened. Texts stay open in it, so it
    is good only as long as nothing else was found to be erased."""

    read: tuple[int, list[dict[str, Any]]] = (0, [])
    """Up to which position, and the rows."""
    completed: Completed = field(default_factory=Completed)
    opened: dict[int, tuple[Mapping[str, Any], dict[str, Any]]] = field(default_factory=dict)
    weight: int = 0
    """As how many rows it was counted."""

    def rows_at(self, position: int, read: Callable[[int], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Return the rows up to a position; `read` gives those after one."""
        reached, rows = self.read
        if position < reached:
            return [row for row in rows if row["position"] <= position]
        if position > reached:
            rows = [*rows, *read(reached)]
            self.read = position, rows
        return rows

    def open(
        self, entries: list[dict[str, Any]], unseal: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
    ) -> list[dict[str, Any]]:
        """Return entries with their texts; only those are unsealed that were not yet."""
        found: dict[int, dict[str, Any]] = {}
        new: list[dict[str, Any]] = []
        for entry in entries:
            known = self.opened.get(entry["position"])
            if known is None or known[0] is not entry:
                new.append(entry)
            else:
                found[entry["position"]] = known[1]
        if new:
            for entry, told in zip(new, unseal(new), strict=True):
                self.opened[entry["position"]] = entry, told
                found[entry["position"]] = told
        return [found[entry["position"]] for entry in entries]
