"""Laws of the whole stack: rules, ledger, projections and reader together, on PostgreSQL, also under attack."""
