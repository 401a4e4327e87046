"""Spans as plain objects with stable names: what ``--json``, ``tail`` and subscribers read."""
