"""Tests of the pure readings."""
