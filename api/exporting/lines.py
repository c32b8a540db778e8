"""Rows as CSV (RFC 4180) and as NDJSON, chunk by chunk."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from api.exporting.table import Column, Row

_CHUNK_ROWS = 500
BOM = "\ufeff".encode()
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula, also in full width, or skips before one."""


def neutral(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe in front.

    The way back is plain: where a sign follows the leading apostrophes, take one of them away. That is why a text
    that has apostrophes before a sign gets one more.
    """
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_SIGNS) else text


def csv_of(columns: Sequence[Column], rows: Iterable[Row], *, bom: bool = False) -> Iterator[bytes]:
    """Give a CSV file: UTF-8, a head, commas, CRLF, quotes where they are needed.

    Only columns of text are neutralised: a negative number stays a number.
    """
    texts = [column.kind == "text" for column in columns]
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n").writerow
    if bom:
        yield BOM
    write([column.name for column in columns])
    for place, row in enumerate(rows, start=1):
        write([_cell(value, text=text) for value, text in zip(row, texts, strict=True)])
        if place % _CHUNK_ROWS == 0:
            yield _taken(out)
    yield _taken(out)


def _cell(value: Any, *, text: bool) -> Any:
    if value is None:
        return ""
    if text:
        return neutral(str(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _taken(out: io.StringIO) -> bytes:
    """Return what was written and empty the buffer."""
    data = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return data


def ndjson_of(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """Give one JSON object for each row, each on a line of its own; decimals are strings as in every JSON answer."""
    names = [column.name for column in columns]
    lines: list[bytes] = []
    for row in rows:
        lines.append(orjson.dumps(dict(zip(names, row, strict=True))) + b"\n")
        if len(lines) == _CHUNK_ROWS:
            yield b"".join(lines)
            lines = []
    yield b"".join(lines)
