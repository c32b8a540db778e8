"""An objective and its key results: the aggregate of the record."""
