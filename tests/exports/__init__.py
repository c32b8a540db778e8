"""What leaves the ledger: flat tables, files, views for plain SQL, the record itself."""
