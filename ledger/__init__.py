"""The ledger: events stored over PostgreSQL, its settings, directory, keys and servers."""
