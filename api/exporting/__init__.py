"""Answers as flat tables: one definition of columns for each question, written as CSV, XLSX or NDJSON."""
