"""The server's log: one line for each request and each thing worth knowing, as text or as JSON.

A line names the request, the actor's identifier, the route's template and the position; never a token, a body, a
query or the address as it was sent, for those name people.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal, TextIO

import orjson

LogFormat = Literal["text", "json"]
REQUESTS: Final = logging.getLogger("strategy_ledger.requests")
SERVER: Final = logging.getLogger("strategy_ledger.server")


class JsonLines(logging.Formatter):
    """One JSON object in each line: time, level, logger, message, then what the record tells."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "told", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextLines(logging.Formatter):
    """A line for people: time, level, message, then what the record tells, name by name."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        said = getattr(record, "told", {}).items()
        told = " ".join([f"{name}={value}" for name, value in said if value is not None])
        line = f"{_instant(record)} {record.levelname.lower():7} {record.getMessage()}"
        line = f"{line}  {told}" if told else line
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(form: LogFormat, out: TextIO | None = None) -> logging.Handler:
    """Send the log of this process to a stream (standard error) in one form; return the handler, to be taken off."""
    handler = logging.StreamHandler(out or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.addHandler(handler)
    if root.level > logging.INFO or root.level == logging.NOTSET:
        root.setLevel(logging.INFO)
    for noisy in ("psycopg", "psycopg.pool", "uvicorn", "uvicorn.error", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return handler


def tell(logger: logging.Logger, level: int, message: str, told: Mapping[str, Any]) -> None:
    """Write a line that is written very often: as the logger would, without looking for the code behind it."""
    record = logging.LogRecord(logger.name, level, "", 0, message, (), None)
    record.told = told
    logger.handle(record)


def _instant(record: logging.LogRecord) -> str:
    second, part = divmod(int(record.created * 1_000), 1_000)
    return f"{_second(second)}.{part:03}Z"


@lru_cache(maxsize=8)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
