"""The one way from entries to state, now or at any earlier position."""
