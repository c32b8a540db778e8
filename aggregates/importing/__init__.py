"""What a table of another tool says: its cells, its rows, and the changes that they ask of the ledger."""
