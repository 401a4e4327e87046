"""Recordings on disk: written while events arrive, read back at any place, listed and pruned."""
