"""What a page says is read as it stands; what cannot be understood is listed, never guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregates.snapshots import markdown
from aggregates.snapshots.cells import split_row
from aggregates.snapshots.markdown import parse_markdown
from aggregates.snapshots.page import Snapshot
from aggregates.values import clean_text
from tests.snapshots.pages import HEADER, objective, page, version

BADGE = "![p0](https://ipfs.io/ipfs/QmV88khHDJEXi7wo6o972MZWY661R9PhrZW6dvpFP6jnMn/p0.svg)"


def codes(snapshot: Snapshot) -> list[str]:
    return [fault.code for fault in snapshot.faults]


def row_of(cells: str):
    [row] = page(objective("Ship", cells)).key_results
    return row


def test_an_objective_and_its_key_results_are_read_with_their_lines():
    snapshot = page(
        objective("Ship it", f"`go` works | @ada | {BADGE} | 0.5 | .7 | 1.0", "JS works | @bob"),
        objective("Sell it", "Ten customers | @cyd | p2 | | | "),
    )

    ship, sell = snapshot.objectives
    assert (ship.title, ship.position, ship.line) == ("Ship it", 1, 1)
    assert (sell.title, sell.position, sell.line) == ("Sell it", 2, 8)
    go, js = ship.key_results
    assert (go.title, go.assignees, go.priority, go.line) == ("`go` works", ("@ada",), "p0", 5)
    assert (go.mid_score, go.projected, go.final) == (Decimal("0.5"), Decimal("0.7"), Decimal(1))
    assert (js.title, js.assignees, js.line) == ("JS works", ("@bob",), 6)
    assert (js.priority, js.mid_score, js.projected, js.final) == (None, None, None, None)
    assert snapshot.faults == ()


def test_the_original_of_every_cell_is_kept():
    row = row_of(f"Works | [@ada](https://example.org/ada) | {BADGE} | .7 | n/a | ")

    assert row.original("priority") == BADGE
    assert row.original("assignees") == "[@ada](https://example.org/ada)"
    assert row.original("mid_score") == ".7"
    assert row.original("projected") == "n/a"
    assert row.original("final") == ""
    assert row.assignees == ("@ada",)


def test_columns_are_found_by_their_headers_in_any_order_and_may_be_missing():
    text = (
        "## Objective: Ship\n\n| final  SCORE | Owner | key result |\n|:--|:-:|--:|\n| 0.3 | @ada | Works |\n"
    )

    [row] = page(text).key_results

    assert (row.title, row.assignees, row.final) == ("Works", ("@ada",), Decimal("0.3"))
    assert row.priority is None
    assert [cell.header for cell in row.cells] == ["final  SCORE", "Owner", "key result"]


def test_outer_pipes_may_be_missing_and_lines_may_end_as_on_windows():
    text = "## Objective: Ship\r\n\r\nKey Result | Assignee\r\n--- | ---\r\nWorks | @ada\r\n"

    [row] = page(text).key_results

    assert (row.title, row.assignees) == ("Works", ("@ada",))


def test_text_around_the_tables_is_kept_as_notes():
    snapshot = page(
        "Preamble\n\n## Objective: Ship\n\nBackground:\n\n* one\n* two\n\n",
        HEADER,
        "| Works | @ada |\n\nHard to tell.\n\n### Notes\n\nOn hold.\n\n## Next steps\n\nRest.\n",
    )

    [ship] = snapshot.objectives
    assert ship.notes == "Background:\n\n* one\n* two\n\n\nHard to tell.\n\n### Notes\n\nOn hold."
    assert [row.title for row in ship.key_results] == ["Works"]
    assert snapshot.notes == "Preamble\n\n## Next steps\n\nRest."


def test_what_a_reader_does_not_see_holds_no_key_results():
    hidden = f"## Objective: Example\n\n{HEADER}| Example | @ada |\n"

    snapshot = page(
        objective("Ship", "Works | @ada"), f"```\n{hidden}```\n\n<!--\n{hidden}-->\n", objective("Sell")
    )

    assert [one.title for one in snapshot.objectives] == ["Ship", "Sell"]
    assert snapshot.faults == ()


def test_two_tables_under_one_objective_are_one_list():
    [ship] = page(objective("Ship", "One | @ada"), HEADER, "| Two | @bob |\n").objectives

    assert [row.title for row in ship.key_results] == ["One", "Two"]


def test_a_row_of_blank_cells_is_no_key_result():
    snapshot = page(objective("Ship", " | | | | | ", "Works | @ada"))

    assert [row.title for row in snapshot.key_results] == ["Works"]
    assert snapshot.faults == ()


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("@rvagg & @warpfork", ("@rvagg", "@warpfork")),
        ("@a, @b; @c/@d + @e", ("@a", "@b", "@c", "@d", "@e")),
        ("@a and @b", ("@a", "@b")),
        ("@a @b", ("@a", "@b")),
        ("Rod Vagg", ("Rod Vagg",)),
        ("Alexandra Sandoval", ("Alexandra Sandoval",)),
        ("@a & @A", ("@a",)),
        ("[@a](https://example.org/a) & [@b](https://example.org/b)", ("@a", "@b")),
        ("N/A", ()),
        ("", ()),
    ],
)
def test_assignees_are_told_apart(cell, names):
    assert row_of(f"Works | {cell}").assignees == names


@pytest.mark.parametrize(
    ("cell", "score"),
    [
        ("0.5", "0.5"),
        (".7", "0.7"),
        ("0", "0"),
        ("1", "1"),
        ("1.0", "1.0"),
        ("1.", "1"),
        ("n/a", None),
        ("N/A", None),
        ("", None),
    ],
)
def test_scores_are_read(cell, score):
    row = row_of(f"Works | @ada | | {cell}")

    assert row.mid_score == (None if score is None else Decimal(score))
    assert row.unreadable == ()


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1.1", "score_is_out_of_range"),
        ("70", "score_is_out_of_range"),
        ("-0.2", "score_is_not_a_number"),
        ("70%", "score_is_not_a_number"),
        ("0,7", "score_is_not_a_number"),
        ("1e-3", "score_is_not_a_number"),
        ("NaN", "score_is_not_a_number"),
        ("٠.٥", "score_is_not_a_number"),
        ("0.12345678", "score_is_not_a_number"),
        ("almost done", "score_is_not_a_number"),
        ("0.5 or so", "score_is_not_a_number"),
        ("~~0.4~~ 1.0", "score_is_not_a_number"),
    ],
)
def test_a_score_that_is_none_is_a_fault_and_not_blank(cell, code):
    snapshot = page(objective("Ship", f"Works | @ada | | 0.1 | {cell} | 0.9"))

    [row], [fault] = snapshot.key_results, snapshot.faults
    assert (row.mid_score, row.projected, row.final) == (Decimal("0.1"), None, Decimal("0.9"))
    assert row.unreadable == ("projected",)
    assert row.original("projected") == cell
    assert (fault.line, fault.column, fault.text, fault.code) == (5, "Projected Score", cell, code)
    assert fault.what
    assert fault.remedy
    assert not snapshot.loses_rows


def test_a_priority_is_a_word_or_a_badge():
    assert row_of("Works | @ada | P1").priority == "p1"
    assert row_of(f"Works | @ada | {BADGE}").priority == "p0"
    assert codes(page(objective("Ship", "Works | @ada | urgent"))) == ["priority_is_unknown"]
    assert codes(page(objective("Ship", "Works | @ada | ![p12](x)"))) == ["priority_is_unknown"]


def test_assignees_that_name_nobody_are_a_fault():
    snapshot = page(objective("Ship", "Works | &"))

    assert codes(snapshot) == ["assignees_are_unclear"]
    assert snapshot.key_results[0].unreadable == ("assignees",)


def test_a_pipe_inside_a_cell_is_written_with_a_backslash():
    assert row_of(r"A \| B | @ada").title == "A | B"
    assert split_row(r"| a \| b | c |") == ["a | b", "c"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (objective("Ship", "A | B | @ada | p0 | | | 1"), "row_is_malformed"),
        (objective("Ship", " | @ada | p0 | | | "), "key_result_is_unreadable"),
        (objective("Ship", f"{'long ' * 50} | @ada"), "key_result_is_unreadable"),
        (objective("Ship") .rstrip() + "\nThis is no row.\n", "row_is_malformed"),
        (objective("", "Works | @ada"), "objective_is_unreadable"),
        (objective("o" * 201, "Works | @ada"), "objective_is_unreadable"),
        (objective("Ship").replace("## ", "##"), "heading_is_malformed"),
        (objective("Ship").replace("## Objective: Ship", "**Objective: Ship**"), "heading_is_malformed"),
        (HEADER + "| Works | @ada |\n", "table_has_no_objective"),
        (f"## Objective: Ship\n\n{HEADER.splitlines()[0]}\n| Works | @ada |\n", "table_has_no_rule"),
        ("## Objective: Ship\n\n| Assignee | Priority |\n|--|--|\n| @ada | p0 |\n", "table_has_no_key_results"),
        ("## Objective: Ship\n\n|Key Result|Owner|Assignee|\n|--|--|--|\n|W|@a|@b|\n", "column_is_repeated"),
        (objective("Ship", "Works | @ada") + "```\nopen\n", "block_is_not_closed"),
        (objective("Ship", "Works\x00 | @ada"), "line_has_control_character"),
        (objective("Ship", "Works\x1b[31m | @ada"), "line_has_control_character"),
        (objective("Ship", "Works\x85 | @ada"), "line_has_control_character"),
        (objective("Ship", "x" * 5000 + " | @ada"), "line_is_too_long"),
    ],
)  # fmt: skip
def test_what_may_hide_a_row_says_so(text, code):
    snapshot = page(text)

    assert code in codes(snapshot)
    assert snapshot.loses_rows
    assert all(fault.what and fault.remedy and fault.text.isprintable() for fault in snapshot.faults)


def test_a_row_is_never_given_to_the_objective_before_a_lost_heading():
    lost = objective("Se\x00ll", "Ten customers | @bob")

    snapshot = page(objective("Ship", "Works | @ada"), lost, objective("Stay", "Calm | @cyd"))

    assert [(one.title, [row.title for row in one.key_results]) for one in snapshot.objectives] == [
        ("Ship", ["Works"]),
        ("Stay", ["Calm"]),
    ]
    assert codes(snapshot) == ["line_has_control_character", "table_has_no_objective"]


def test_a_line_that_is_not_utf8_is_a_fault_and_the_rest_is_read():
    text = objective("Ship", "Works | @ada").encode() + b"Notes in Latin-1: \xe9t\xe9\n"

    snapshot = parse_markdown(b"\xef\xbb\xbf" + text, version())

    assert [row.title for row in snapshot.key_results] == ["Works"]
    assert codes(snapshot) == ["line_is_not_utf8"]
    assert not snapshot.loses_rows


def test_a_title_that_stands_twice_is_a_fault():
    snapshot = page(objective("Ship", "Works | @ada", "Works | @bob"), objective("Ship"))

    assert [(fault.line, fault.code) for fault in snapshot.faults] == [
        (6, "title_is_repeated"),
        (8, "title_is_repeated"),
    ]
    assert len(snapshot.key_results) == 2


def test_an_unknown_column_and_long_notes_are_listed_and_lose_nothing():
    text = "## Objective: Ship\n\n| Key Result | Mood |\n|--|--|\n| Works | fine |\n\n" + "word " * 900

    snapshot = page(text.replace("word " * 100, "word " * 100 + "\n"))

    assert codes(snapshot) == ["notes_are_too_long", "column_is_unknown"]
    assert not snapshot.loses_rows


@pytest.mark.parametrize(
    "content",
    [
        b"x" * (markdown.LARGEST_PAGE + 1),
        b"\n" * markdown.MOST_LINES,
        objective("Ship", *(f"Key result {number}" for number in range(1001))).encode(),
        b"".join(objective(f"Objective {number}").encode() for number in range(201)),
    ],
)
def test_a_page_over_its_limits_is_not_read_at_all(content):
    snapshot = parse_markdown(content, version())

    assert snapshot.unread
    assert snapshot.objectives == ()
    assert codes(snapshot) == ["page_is_too_large"]


def test_faults_are_listed_up_to_a_limit():
    rows = [f"Key result {number} | @ada | urgent" for number in range(500)]

    snapshot = page(objective("Ship", *rows))

    assert len(snapshot.faults) == markdown.MOST_FAULTS + 1
    assert codes(snapshot)[-1] == "too_many_faults"
    assert snapshot.loses_rows


PIECES = st.sampled_from(
    ["## Objective: ", "Ship", "\n", "\n\n", HEADER, "| ", " |", "@ada", "0.5", BADGE, "```", "<!--", "-->", "#"]
)  # fmt: skip


@given(
    st.one_of(
        st.binary(), st.text().map(str.encode), st.lists(PIECES).map(lambda them: "".join(them).encode())
    )
)
@example(b"## Objective: A\n| Key Result |\n|-|\n| ![p](" * 50)
def test_whatever_the_bytes_are_the_reader_answers(content):
    snapshot = parse_markdown(content, version())

    titles = [one.title for one in snapshot.objectives] + [row.title for row in snapshot.key_results]
    assert all(clean_text(title, longest=200, newlines=False) == title for title in titles)
    for row in snapshot.key_results:
        for score in (row.mid_score, row.projected, row.final):
            assert score is None or 0 <= score <= 1
    assert all(fault.text.isprintable() and fault.column.isprintable() for fault in snapshot.faults)
