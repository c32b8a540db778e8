"""Tests of replay: the fold, verify, the basis."""
