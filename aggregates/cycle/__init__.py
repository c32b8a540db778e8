"""A cycle: planned, open, scoring, closed."""
