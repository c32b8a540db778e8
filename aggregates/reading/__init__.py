"""Pure readings: how facts become figures, words and sentences."""

READING_VERSION = 1
"""Raised whenever the same facts under the same policy would read differently; a part of every basis."""
