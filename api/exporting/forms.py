"""The forms in which an answer is written out: which there are, what each is called, and the writing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from api.exporting.catalogue import TABLES
from api.exporting.lines import csv_of, ndjson_of
from api.exporting.names import Names
from api.exporting.table import Body, Column, Row
from api.release import RELEASE

if TYPE_CHECKING:
    from replay.asked import Question
    from replay.questions import Reader


@dataclass(frozen=True, slots=True)
class Form:
    """One form: its name, which is also the ending of its files, its media type, what it is."""

    name: str
    media_type: str
    meaning: str


FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form("csv", "text/csv; charset=utf-8", "comma-separated values (RFC 4180), UTF-8"),
        Form(
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "a workbook with typed cells",
        ),
        Form("ndjson", "application/x-ndjson", "one JSON object on each line"),
    )
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for: a form, perhaps a byte order mark before a CSV file, and who reads it."""

    form: Form
    bom: bool = False
    reader: str = ""


def written(wish: Wish, question: Question, body: Body, zone: ZoneInfo) -> Iterator[bytes]:
    """Give the answer to a question in a form, chunk by chunk; `body` is the answer as it is sent as JSON.

    Teams have names where the body holds `teams`.

    Raises TooManyRows while it is read.
    """
    table = TABLES[question.name]
    rows = table.rows(body, Names(body, zone))
    return _chunks(wish, question, table.all_columns, rows, body, zone)


def _chunks(
    wish: Wish,
    question: Question,
    columns: tuple[Column, ...],
    rows: Iterator[Row],
    body: Body,
    zone: ZoneInfo,
) -> Iterator[bytes]:
    match wish.form.name:
        case "csv":
            return csv_of(columns, rows, bom=wish.bom)
        case "ndjson":
            return ndjson_of(columns, rows)
    from api.exporting.sheets import xlsx_of  # openpyxl takes a fifth of a second to import

    return xlsx_of(question.name, columns, rows, _about(wish, question, body, zone))


def with_teams(reader: Reader, body: dict[str, Any]) -> dict[str, Any]:
    """Return the answer with the names of the teams at its basis."""
    if "teams" in body:
        return body
    from replay.asked import TeamsList

    basis = body["basis"]
    asked = reader.ask(TeamsList(), as_of=str(basis["position"]), effective_at=basis["effective_at"])
    return {**body, "teams": asked.body["teams"]}


def subject_of(question: Question) -> str:
    """Return the cycle or the item that a question is about; nothing where it is about all."""
    return str(getattr(question, "item", None) or getattr(question, "cycle", None) or "")


def file_name(form: Form, question: Question, body: Body) -> str:
    """Return a name for the file that says what is in it: question, cycle or item, position, effective day."""
    basis = body["basis"]
    parts = (question.name, subject_of(question), f"p{basis['position']}", basis["effective_at"])
    name = "-".join(part for part in parts if part)
    kept = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in name)
    return f"{kept}.{form.name}"


def address_of(question: Question, body: Body) -> str:
    """Return the address of the same answer as JSON, good for ever."""
    basis, subject = body["basis"], subject_of(question)
    path = f"/v1/{question.name}"
    if getattr(question, "item", None):
        kind = "key-results" if subject.startswith("KR-") else "objectives"
        path = f"/v1/{kind}/{quote(subject)}/{question.name}"
    elif subject:
        path = f"/v1/cycles/{quote(subject)}/{question.name}"
    asked = {"as_of": basis["position"], "effective_at": basis["effective_at"], **question.chosen()}
    return f"{path}?{urlencode(asked)}"


def _about(wish: Wish, question: Question, body: Body, zone: ZoneInfo) -> list[tuple[str, Any]]:
    """Return what the sheet `basis` says above the columns."""
    basis = body["basis"]
    told: list[tuple[str, Any]] = [
        ("question", question.name),
        ("about", subject_of(question) or "everything"),
        ("one row", TABLES[question.name].each),
        *[(name, basis[name]) for name in basis],
    ]
    if "private" in body:
        told.append(("private", f"{body['private']} more that the reader may not see"))
    if wish.reader:
        told.append(("reader", wish.reader))
    return [
        *told,
        ("the same as JSON", f"GET {address_of(question, body)}"),
        ("zone", f"days are days in {zone.key}; instants are in UTC"),
        ("numbers", "a decimal that a spreadsheet's number cannot hold to its last digit is kept as text"),
        ("release", RELEASE),
    ]
