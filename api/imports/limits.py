"""Every limit of the files that are taken over: what is over one is refused, listed as a fault, or left to a person."""

from __future__ import annotations

from typing import Final

from aggregates.importing.cells import LONGEST_CELL
from aggregates.importing.reader import MOST_KEPT
from aggregates.snapshots import tables as page_tables
from aggregates.snapshots.cells import MOST_ASSIGNEES
from aggregates.snapshots.markdown import (
    LARGEST_PAGE,
    LONGEST_LINE,
    MOST_FAULTS,
    MOST_KEY_RESULTS,
    MOST_LINES,
    MOST_OBJECTIVES,
)
from aggregates.snapshots.matching import MOST_PAIRS, MOST_WORK
from api.imports import people, table_series
from api.imports.check_ins import MOST_CHECK_INS
from api.imports.profile_files import LARGEST_PROFILE
from api.imports.repository import LARGEST_ANSWER, LARGEST_HISTORY, LONGEST_RUN, MOST_PAGES
from api.imports.sources import LARGEST_MANIFEST, LONGEST_PATH, LONGEST_WORDS, MOST_VERSIONS
from api.imports.tables import json_rows
from api.imports.tables.csv_rows import LONGEST_FIELD
from api.imports.tables.reading import LARGEST_FILE
from api.imports.tables.xlsx_rows import LARGEST_UNPACKED, MOST_COLUMNS
from ledger.limits import Limit

NOT_READ: Final = "what is beyond is not read"
_TABLE, _SOURCE, _PEOPLE = "table_cannot_be_read", "source_cannot_be_read", "people_map_cannot_be_read"
_PAGE = "page_is_too_large"

LIMITS: Final = (
    Limit("a table's file", LARGEST_FILE, "bytes", _TABLE),
    Limit("a workbook, unpacked (whatever it is packed to)", LARGEST_UNPACKED, "bytes", _TABLE),
    Limit("columns of a workbook", MOST_COLUMNS, "columns", NOT_READ),
    Limit("a cell of CSV, as it stands in the file", LONGEST_FIELD, "characters", _TABLE),
    Limit("a line of JSON lines", json_rows.LONGEST_LINE, "bytes", _TABLE),
    Limit("a cell of a table that is read", LONGEST_CELL, "characters", "cell_is_too_long"),
    Limit("texts that are kept beside one item", MOST_KEPT, "texts", "too_many_texts"),
    Limit("rows of a table of check-ins", MOST_CHECK_INS, "check-ins", _TABLE),
    Limit("a profile's file", LARGEST_PROFILE, "bytes", "profile_cannot_be_read"),
    Limit("a people map", people.LARGEST_MAP, "bytes", _PEOPLE),
    Limit("lines of a people map", people.MOST_LINES, "lines", _PEOPLE),
    Limit("exports of one series", table_series.MOST_VERSIONS, "files", _SOURCE),
    Limit("a page of Markdown", LARGEST_PAGE, "bytes", _PAGE),
    Limit("lines of a page", MOST_LINES, "lines", _PAGE),
    Limit("a line of a page", LONGEST_LINE, "characters", "line_is_too_long"),
    Limit("a cell of a page's table", page_tables.LONGEST_CELL, "characters", "text_is_too_long"),
    Limit("objectives of a page", MOST_OBJECTIVES, "objectives", _PAGE),
    Limit("key results of a page", MOST_KEY_RESULTS, "key results", _PAGE),
    Limit("assignees of a row of a page", MOST_ASSIGNEES, "persons", "assignees_are_unclear"),
    Limit("faults that are listed of a page", MOST_FAULTS, "faults", "too_many_faults"),
    Limit("pairs of items of two versions that are compared", MOST_PAIRS, "pairs", "doubtful"),
    Limit("length of all titles of one version times that of the other", MOST_WORK, "characters²", "doubtful"),
    Limit("versions of one page or folder", MOST_VERSIONS, "versions", _SOURCE),
    Limit("the manifest of a folder of versions", LARGEST_MANIFEST, "bytes", _SOURCE),
    Limit("a path inside a source", LONGEST_PATH, "characters", _SOURCE),
    Limit("words of a version: author, subject", LONGEST_WORDS, "characters", NOT_READ),
    Limit("pages of a repository's folder", MOST_PAGES, "pages", _SOURCE),
    Limit("all versions of one page of a repository", LARGEST_HISTORY, "bytes", _SOURCE),
    Limit("an answer of git", LARGEST_ANSWER, "bytes", _SOURCE),
    Limit("a question to git", int(LONGEST_RUN), "seconds", _SOURCE),
)  # fmt: skip
"""The table that the documentation prints and the tests walk through."""
