"""Pure readings: how facts become figures, words and sentences."""
