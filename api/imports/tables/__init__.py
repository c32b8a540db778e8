"""Reads tables row by row: CSV, workbooks, JSON lines; each row with its line in the file."""
