"""The measurements of the house: `python -m bench` takes them, prints a table and writes `docs/benchmarks.md`."""
