"""Imports of other people's records into a real ledger."""
