"""What can be wrong with a table file as a whole."""

from __future__ import annotations

from aggregates.refusals import Refusal


class TableCannotBeRead(Refusal):
    """This file cannot be read as a table."""

    kind = "unavailable"
