"""Measurements behind docs/benchmarks.md. Run by `make bench`."""
