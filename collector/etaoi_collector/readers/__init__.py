"""Files that other programs wrote, read as recordings: a format a file."""
