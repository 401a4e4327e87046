"""Spans and traces written out: a format a file. Nothing here imports Textual."""
