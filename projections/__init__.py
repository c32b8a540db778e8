"""The questions: each file answers one question from its own tables."""
