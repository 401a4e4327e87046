"""Differences between texts, messages and requests."""
