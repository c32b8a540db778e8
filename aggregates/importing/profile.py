"""A profile: how the tables of one source are written, and which of their columns and words mean what here.

The document is JSON or TOML in exactly this shape; `docs/imports.md` shows it. What it does not say is not known.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from aggregates.importing.cells import DateOrder, DecimalSign, PercentRule, Writing
from aggregates.measures import Frozen, Kind
from aggregates.objective.events import Said
from aggregates.values import Confidence, Line

Layout = Literal["rows", "tree", "milestones", "wide"]
"""How objectives and key results stand in the table.

`rows`: a key result in each row, with its objective; `tree`: each row names its parents; `milestones`: key results
follow their goal by the order of rows; `wide`: an objective in each row, its key results in numbered columns.
"""

ColumnOf = Literal[
    "objective", "objective_key", "description", "objective_owner", "parent", "local",
    "key_result", "key_result_key", "owner", "kind", "unit", "baseline", "target", "low", "high",
    "value", "on", "confidence", "said", "score", "weight", "ambition", "ends_on", "notes",
    "level", "action", "progress", "team", "steps", "stages",
]  # fmt: skip
"""What a column may hold, in our words."""


def _several(given: object) -> object:
    return (given,) if isinstance(given, str) else given


Names = Annotated[tuple[Line, ...], BeforeValidator(_several), Field(min_length=1, max_length=20)]
"""A column's name, or several under which it may stand."""


class MeasureWord(Frozen):
    """What one word of the column `kind` means; without a kind the direction follows from baseline and target."""

    kind: Kind | None = None
    unit: Line | None = None
    rolled_up: bool = False
    """The row has no figures of its own: its progress comes from the rows below it."""
    refused: Line | None = None
    """Why a row with this word cannot be a key result."""


class Profile(Frozen):
    """How one source writes its tables."""

    name: Line
    layout: Layout = "rows"
    encoding: Line | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    header: Annotated[int, Field(ge=1, le=1000)] = 1
    """The row of the header, counted from 1."""
    tab: Line | None = None
    """The tab of a workbook; absent means its first."""
    decimal: DecimalSign | None = None
    thousands: Literal["", ".", ",", " ", "'"] = ""
    dates: DateOrder = "iso"
    percent: PercentRule | None = None
    digits: Annotated[int, Field(ge=0, le=6)] | None = None
    columns: dict[ColumnOf, Names] = Field(default_factory=dict)
    measures: dict[Line, MeasureWord] = Field(default_factory=dict)
    said: dict[Line, Said | Literal["nothing"]] = Field(default_factory=dict)
    confidence: dict[Line, Confidence] = Field(default_factory=dict)
    ambition: dict[Line, Literal["committed", "aspirational"]] = Field(default_factory=dict)
    keep: tuple[Line, ...] = ()
    """Columns whose texts are kept beside the item as the source has them."""
    only: dict[Line, Line] = Field(default_factory=dict)
    """Rows are read only where these columns hold these words."""
    fill_down: bool = False
    """A blank objective means the one above, as merged cells of a spreadsheet do."""
    owners_are: Line | None = None
    """What the owners of this source are where they are no persons: then each needs a line of the people map."""
    cut_titles: bool = False
    """A title over 200 characters is cut; its whole text is kept beside the item."""
    baseline: Line | None = None
    """The baseline where the source has none; `target` likewise."""
    target: Line | None = None
    default_unit: Line | None = None
    check_ins: CheckInTab | None = None
    levels: dict[Line, Literal["objective", "key_result"]] = Field(default_factory=dict)
    """What the words of the column `level` mean."""
    skip_actions: tuple[Line, ...] = ()
    """Words of the column `action` for which a row is left out, with a line in the report."""

    def writing(self) -> Writing:
        """Return how this source writes numbers and days."""
        return Writing(self.decimal, self.thousands, self.dates, self.percent, self.digits)


class CheckInTab(Frozen):
    """The tab (or file) of check-ins beside the key results: each row becomes a value and a confidence of its day."""

    tab: Line
    columns: dict[
        Literal["key_result", "objective", "on", "owner", "value", "confidence", "said", "notes"], Names
    ]


Profile.model_rebuild()
