"""The documents of what leaves the ledger, made from the definitions: `python -m api.exporting.reference`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from api.exporting.catalogue import TABLES
from api.exporting.forms import FORMS
from api.exporting.table import BASIS, KINDS
from projections.views import VIEWS

DOCS = Path(__file__).parents[2] / "docs"
_EXPORTS = """\
# Exports

Made from the code by `python -m api.exporting.reference`; do not edit by hand.

The answers to six questions can be taken away as flat tables, in the same words by every door and at any basis:

```sh
strategy-ledger board 2026-q3 --format csv > board.csv
strategy-ledger drift 2026-q3 --out drift.xlsx --as-of 2026-q3:closed
curl -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:8000/v1/cycles/2026-q3/board?format=csv&as_of=2026-q3:closed'
```

Over HTTP `format` decides, else the Accept header; an Accept that names none of the forms is refused with 406. The
file's name says question, cycle or item, position and effective day. On the command line the ending of `--out`
names the form where `--format` does not; a file belongs to its owner alone, is written whole or not at all, and over
another one only with `--replace`. Whoever may read the answer may take it away, and no more than the answer says is in
the table: what is private to others is counted in `basis_private`.

The whole record leaves by `strategy-ledger export` (see the [operating guide](operating.md)), plain SQL reads the
[views](sql-views.md).

## Forms
"""
_AFTER_FORMS = """
- **CSV** has a head, commas, CRLF and quotes where they are needed (RFC 4180); empty is nothing, `true` and `false` are
  flags. `bom=true` or `--bom` puts a byte order mark in front, without which some spreadsheets misread UTF-8.
- **Formulas.** In columns of text, a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break (also with a sign
  in full width) gets an apostrophe in front, so that no spreadsheet runs it. The way back: where such a sign follows
  the leading apostrophes, take one of them away. Numbers are never touched: `-5` stays `-5`.
- **XLSX** has typed cells: numbers, dates, instants in UTC, true and false. Text is never a formula and is left as it
  is. A recorded decimal that a spreadsheet's number cannot hold to its last digit (beyond about 15 digits) stays text.
  The sheet `basis` says what the answer stands on, who read it, the address that gives it again, and each column's
  meaning. A sheet holds 1,048,575 rows; an answer with more is refused with `too_many_rows`.
- **NDJSON** has the same names; decimals are strings as in every JSON answer, whole numbers and flags are their own.

The same basis, reader and release give the same bytes, also of a workbook, so the ETag holds for each form.

## Kinds of columns

| kind | how it is written |
|---|---|
"""
_ANSWERS = """
Names of people are those of the directory as it is now; identifiers never change. Where a cell holds several things
they are apart by `; `. Columns keep their names, kinds and meanings; new ones may come between them, so read them by
name.
"""
_VIEWS = """\
# Views for plain SQL

Made from the code by `python -m api.exporting.reference`; do not edit by hand. A test compares it with the database.

For tools that read PostgreSQL and know no HTTP, each ledger's schema holds views that begin with `v1_`. They show
the present, as far as the projections are (`v1_basis` says how far). The past at any basis, pace, status and
direction are answers of the ledger and are not here: take [exports](exports.md) for them.

## Who may read them

The role `<schema>_reader` may select from these views and nothing else: no table, no function of the ledger, no view
but these. Give a tool a login in it:

```sql
create role bi login password '…' in role ledger_reader;
alter role bi set search_path = ledger;
alter role bi set default_transaction_read_only = on;
alter role bi set statement_timeout = '10min';
alter role bi set idle_in_transaction_session_timeout = '10min';
alter role bi connection limit 5;
```

Migrations make the role where the migrating login may make roles; else they say at start-up that it is missing, and
it is used as soon as an administrator has made it and the server was started again. The views themselves are made
when `serve` starts or `rebuild` ran. The server must be one that the tool can reach: the embedded one listens to
nobody. What PostgreSQL lets every login do, temporary tables and advisory locks, this one can do too, and could so
keep the answers from following or from being read: then whoever asks, and the log, are told after ten seconds which
login and which process holds what (`ledger_is_busy`). Give it to tools that you trust, or to a copy of the database
that follows it.

**Visibility.** The views hold what is visible to everyone. An objective that is not, everything on it, every
decision that touches it and every entry that names it are left out and counted in `v1_private`. Whoever is made
visible or hidden is so from the next query on.

**Names of people** are not in them: they stand beside the record so that they can change and go, and a copy in
another tool would stay. `v1_directory` has them for whoever decides otherwise; nobody may read it until it is
granted: `grant select on ledger.v1_directory to bi`. Personal text of check-ins is sealed and appears nowhere in
the clear.

## What stays as it is

Within `v1_` a column keeps its name, type and meaning; new ones come at the end. The tables behind move: a rebuild
makes others beside them, and the views follow in the transaction in which readers change over. Somebody who reads a
view for long makes the rebuild wait; writing goes on. Read several views in one transaction, `v1_basis` first, so
that all tell one moment:

```sql
begin transaction isolation level repeatable read, read only;
select position from v1_basis;
select cycle, count(*) from v1_objectives where standing = 'committed' group by cycle;
commit;
```

`superseded_by` names the entry that took a row's place; `where superseded_by is null` is what stands. Positions
lead back to the entries: `v1_entries`, `GET /v1/entries/{position}`.

## The views
"""


def exports() -> str:
    """Return `docs/exports.md`."""
    return "\n".join(_exports()).rstrip() + "\n"


def _exports() -> Iterator[str]:
    yield _EXPORTS
    yield "| format | media type | what it is |\n|---|---|---|"
    for form in FORMS.values():
        yield f"| `{form.name}` | `{form.media_type}` | {form.meaning} |"
    rows = "\n".join(f"| {kind} | {told} |" for kind, told in KINDS.items())
    yield _AFTER_FORMS + rows
    yield _ANSWERS
    for table in TABLES.values():
        yield f"## {table.question.capitalize()}\n\n{table.each}\n\n| column | kind | meaning |\n|---|---|---|"
        for column in table.columns:
            yield f"| `{column.name}` | {column.kind} | {column.meaning} |"
        yield ""
    yield "## The basis\n\nThe last columns of every table.\n\n| column | kind | meaning |\n|---|---|---|"
    for column in BASIS:
        yield f"| `{column.name}` | {column.kind} | {column.meaning} |"


def views() -> str:
    """Return `docs/sql-views.md`."""
    return "\n".join(_views()).rstrip() + "\n"


def _views() -> Iterator[str]:
    yield _VIEWS
    for view in VIEWS:
        yield f"### `{view.name}`\n\n{view.what}\n\n| column | type | meaning |\n|---|---|---|"
        for column in view.columns:
            yield f"| `{column.name}` | {column.type} | {column.meaning} |"
        yield ""


def main() -> None:
    """Write both documents."""
    (DOCS / "exports.md").write_text(exports(), encoding="utf-8")
    (DOCS / "sql-views.md").write_text(views(), encoding="utf-8")


if __name__ == "__main__":
    main()
