"""Search across everything that was recorded, by the words and fields of the one query language."""
