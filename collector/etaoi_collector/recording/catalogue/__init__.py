"""The catalogue: what lists need to know of recordings, kept in SQLite beside them.

It can be thrown away at any time. What it says of a recording is used only while the recording's files are
those that it was made from; everything else is read from the recording again.
"""
