"""Decisions: what was decided, by whom, recorded by whom, confirmed by whom."""
