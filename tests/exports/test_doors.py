"""The same table by every door: HTTP by `format` or Accept, the command line by `--format` or the file's ending."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from api.cli.faults import Fault
from api.cli.files import write_whole
from api.exporting.catalogue import TABLES
from api.exporting.forms import FORMS
from api.exporting.serving import best
from tests.api.conftest import House, house  # noqa: F401 (a fixture)
from tests.cli.conftest import CommandLine, empty, line, season, today  # noqa: F401 (fixtures)

XLSX = FORMS["xlsx"].media_type


@pytest.fixture(scope="module")
def told(house: House) -> House:  # noqa: F811
    """A cycle with a committed objective whose wording begins like a formula, a value, a change and its decision."""
    objective, key_result = house.objective("now", title='=HYPERLINK("x")')
    house.post(
        f"/v1/key-results/{key_result}/check-ins", {"value": "75.5", "confidence": "0.6", "said": "behind"}
    )
    decided = house.post(
        "/v1/decisions", {"text": "+1: bake later", "decided_by": "ines", "touches": [objective]}
    )
    change = {
        "target": {"kind": "point", "at": "45"},
        "reason": {"kind": "external", "text": "- the oven broke"},
        "decision": decided["identifiers"]["decision"],
    }
    house.post(f"/v1/key-results/{key_result}/target-changes", change)
    house.objective("now", title="No drift here")
    return house


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


ADDRESSES = {
    "board": "/v1/cycles/now/board",
    "commitments": "/v1/cycles/now/commitments",
    "drift": "/v1/cycles/now/drift",
    "history": "/v1/objectives/OBJ-1/history",
    "decisions": "/v1/decisions",
    "findings": "/v1/cycles/now/findings",
}


@pytest.mark.parametrize("question", list(TABLES))
def test_each_answer_is_the_same_table_in_every_form(told: House, question: str) -> None:
    """Given one address, when it is asked in each form, then columns, rows and cells are the same."""
    names = [column.name for column in TABLES[question].all_columns]
    answers = {form: told["rita"].get(ADDRESSES[question], params={"format": form}) for form in FORMS}
    for form, answer in answers.items():
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == FORMS[form].media_type
        assert answer.headers["content-disposition"].endswith(f'.{form}"')
        assert answer.headers["ledger-position"]
    lines = [json.loads(row) for row in answers["ndjson"].content.splitlines()]
    cells = table(answers["csv"].content)
    sheet = openpyxl.load_workbook(io.BytesIO(answers["xlsx"].content))[question]
    rows = [dict(zip(names, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=2)]
    assert all(list(row) == names for row in (*lines, *cells))
    assert [cell.value for cell in sheet[1]] == names
    assert len(lines) == len(cells) == len(rows) > 0
    for plain, cell, typed in zip(lines, cells, rows, strict=True):
        for column in TABLES[question].all_columns:
            value = plain[column.name]
            assert (cell[column.name] == "") == (value is None) == (typed[column.name] is None), column.name
            if column.kind == "number" and value is not None:
                assert float(cell[column.name]) == float(value) == typed[column.name]


def test_the_board_says_what_the_json_says(told: House) -> None:
    answer = told.get(ADDRESSES["board"], by="rita")
    told_as = table(told["rita"].get(ADDRESSES["board"], params={"format": "csv"}).content)
    row, key_result = answer["objectives"][0], answer["objectives"][0]["key_results"][0]
    first = told_as[0]
    assert first["objective_title"] == '\'=HYPERLINK("x")'
    assert first["key_result_reference"] == key_result["reference"]
    assert (first["value"], first["target"], first["baseline"]) == ("75.5", "45", "90")
    assert first["progress"] == key_result["progress"]
    assert first["objective_progress"] == row["progress"]
    assert first["objective_owner_name"] == "Ines"
    assert (first["said"], first["confidence"], first["silent"]) == ("behind", "0.6", "false")
    assert first["basis_position"] == str(answer["basis"]["position"])
    assert first["basis_effective_on"] == answer["basis"]["effective_at"]
    assert first["basis_private"] == str(answer.get("private", 0))


def test_drift_names_what_was_kept_and_what_changed(told: House) -> None:
    rows = table(told["rita"].get(ADDRESSES["drift"], params={"format": "csv"}).content)
    changed = [row for row in rows if row["kind"] == "retargeted"]
    assert [(row["old_number"], row["new_number"], row["direction"]) for row in changed] == [
        ("30", "45", "softer")
    ]
    assert changed[0]["reason"] == "'- the oven broke"
    assert changed[0]["decision_text"] == "'+1: bake later"
    assert changed[0]["decided"] == "asserted"
    kept = [row for row in rows if row["objective_title"] == "No drift here"]
    assert [(row["kept"], row["kind"], row["key_result_reference"] != "") for row in kept] == [
        ("true", "kept", False),
        ("true", "kept", True),
    ]


def test_the_same_basis_gives_the_same_file_and_its_etag(told: House) -> None:
    basis = told.get(ADDRESSES["board"], by="rita")["basis"]
    asked = {"as_of": basis["position"], "effective_at": basis["effective_at"]}
    for form in FORMS:
        first = told["rita"].get(ADDRESSES["board"], params={**asked, "format": form})
        again = told["rita"].get(ADDRESSES["board"], params={**asked, "format": form})
        assert (first.content, first.headers["etag"]) == (again.content, again.headers["etag"])
        assert (
            f"board-now-p{basis['position']}-{basis['effective_at']}.{form}"
            in first.headers["content-disposition"]
        )
        unchanged = told["rita"].get(
            ADDRESSES["board"],
            params={**asked, "format": form},
            headers={"If-None-Match": first.headers["etag"]},
        )
        assert unchanged.status_code == 304
    tags = {
        told["rita"].get(ADDRESSES["board"], params={**asked, "format": form}).headers["etag"]
        for form in FORMS
    }
    assert len(tags) == len(FORMS)


def test_a_workbook_names_its_reader_and_its_basis(told: House) -> None:
    data = told["rita"].get(ADDRESSES["board"], params={"format": "xlsx"}).content
    sheet = openpyxl.load_workbook(io.BytesIO(data))["basis"]
    said = {row[0].value: row[2].value for row in sheet.iter_rows(max_row=20)}
    assert said["reader"] == f"person:{told.people['rita']}"
    assert said["position"] == str(told.ledger.head().position)
    assert str(said["the same as JSON"]).startswith("GET /v1/cycles/now/board?as_of=")
    other = told["ines"].get(ADDRESSES["board"], params={"format": "xlsx"}).content
    assert other != data


def test_accept_chooses_where_format_does_not(told: House) -> None:
    for accept, media_type in (
        ("text/csv", "text/csv; charset=utf-8"),
        (f"text/csv;q=0.5, {XLSX}", XLSX),
        ("application/x-ndjson", "application/x-ndjson"),
        ("text/html, application/json;q=0.9, */*;q=0.1", "application/json"),
        ("*/*", "application/json"),
    ):
        answer = told["rita"].get(ADDRESSES["board"], headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type), accept
    marked = told["rita"].get(ADDRESSES["board"], params={"format": "csv", "bom": "true"})
    assert marked.content.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("parameters", "accept", "status", "code", "pointer"),
    [
        ({"format": "pdf"}, "*/*", 422, "parameter_is_invalid", "/query/format"),
        ({"format": "xlsx", "bom": "true"}, "*/*", 422, "parameter_is_invalid", "/query/bom"),
        ({"bom": "perhaps"}, "*/*", 422, "parameter_is_invalid", "/query/bom"),
        ({}, "text/html", 406, "none_of_these_types", "/header/Accept"),
        ({}, "text/csv;q=0", 406, "none_of_these_types", "/header/Accept"),
    ],
)
def test_a_form_that_is_not_offered_is_refused(
    told: House, parameters: dict[str, str], accept: str, status: int, code: str, pointer: str
) -> None:
    answer = told["rita"].get(ADDRESSES["board"], params=parameters, headers={"Accept": accept})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/v1/problems/{code}"
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_accept_is_read_as_rfc_9110_says() -> None:
    assert best("application/json") == "json"
    assert best("text/*") == "csv"
    assert best("text/*;q=0.2, text/csv;q=0, application/json;q=0.1") == "json"
    assert best("TEXT/CSV; charset=utf-8") == "csv"
    assert best("application/*, application/json;q=0") == "xlsx"
    assert best("image/png") is None
    assert best("text/csv;q=often") is None
    assert best(",,") is None


# -- the command line


def test_the_command_line_writes_the_same_table(season: CommandLine, tmp_path: Path) -> None:  # noqa: F811
    shown = season("board", "spring", "--format", "csv")
    assert shown.code == 0, shown.err
    rows = table(shown.out.encode())
    assert [row["objective_title"] for row in rows] == ["Good bread"]
    out = tmp_path / "board.xlsx"
    written = season("board", "spring", "--out", str(out))
    assert written.code == 0, written.err
    assert written.err.startswith("board at position ")
    assert written.out == ""
    assert out.stat().st_mode & 0o777 == 0o600
    assert openpyxl.load_workbook(out)["board"].max_row == 2
    for words in (
        ["commitments", "spring"],
        ["drift", "spring"],
        ["history", "OBJ-1"],
        ["decisions"],
        ["findings"],
    ):
        told_as = season(*words, "--format", "ndjson")
        assert told_as.code == 0, told_as.err
        assert all(json.loads(row)["basis_position"] for row in told_as.out.splitlines())


def test_what_contradicts_itself_is_said(season: CommandLine) -> None:  # noqa: F811
    for words, sentence in (
        (["--format", "csv", "--json"], "--json and --format csv contradict each other"),
        (["--out", "board.doc"], "The ending of board.doc names no form"),
        (["--format", "xlsx", "--bom"], "A byte order mark stands before CSV only"),
        (["--out", "nowhere/board.csv"], "No such file or directory"),
    ):
        typed = season("board", "spring", *words)
        assert typed.code in (2, 5)
        assert sentence in typed.sentence


def test_nothing_is_left_of_a_file_that_could_not_be_written(season: CommandLine, tmp_path: Path) -> None:  # noqa: F811
    """Given an unknown cycle, then no file is there, neither whole nor half."""
    assert season("board", "autumn", "--out", str(tmp_path / "board.csv")).code == 3
    assert list(tmp_path.glob("*board*")) == []


def test_no_file_is_written_over_unasked(season: CommandLine, tmp_path: Path) -> None:  # noqa: F811
    # given a file that somebody edited under the name that is asked for
    board, lines, people = (tmp_path / name for name in ("board.csv", "ledger.lines", "people.lines"))
    commands = (
        ("board", "spring", "--out", str(board)),
        ("export", "--out", str(lines)),
        ("export", "--out", str(tmp_path / "free"), "--directory", str(people)),
    )
    for file in (board, lines, people):
        file.write_text("edited")
    # when an answer, the entries or the directory would go there, then they do not, and nothing else is left
    for words in commands:
        refused = season(*words)
        assert refused.code == 4
        assert refused.sentence.endswith("or --replace to write over it.")
    assert {file.name: file.read_text() for file in tmp_path.glob("[bflp]*")} == {
        file.name: "edited" for file in (board, lines, people)
    }
    # and only where that is asked for
    for words in commands:
        written = season(*words, "--replace")
        assert written.code == 0, written.err
    assert "edited" not in board.read_text() + lines.read_text() + people.read_text()
    assert season("export", "--out", str(lines), "--directory", str(lines), "--replace").code == 2
    assert season("export", "--out", str(tmp_path)).code == 2


def test_a_file_that_comes_while_one_is_written_keeps_its_place(tmp_path: Path) -> None:
    path = tmp_path / "board.csv"

    def overtaken() -> Iterator[bytes]:
        path.write_text("somebody else's")
        yield b"ours"

    with pytest.raises(Fault, match="is there already"):
        write_whole(path, overtaken(), replace=False)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["somebody else's"]


def test_an_end_in_the_middle_leaves_the_older_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "board.csv"
    path.write_text("older")

    def ended() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, ended(), replace=True)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["older"]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, [b"board", b"\n"], replace=True)
        assert os.read(end, 100) == b"board\n"
    finally:
        os.close(end)
    assert pipe.is_fifo()
    write_whole(Path(os.devnull), [b"board"], replace=True)
    assert Path(os.devnull).is_char_device()
