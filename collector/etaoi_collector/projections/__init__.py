"""Spans and runs as plain objects with stable names: what `--json`, `tail`, the bus and exports read."""
