"""The ledger, tested against a real PostgreSQL."""
