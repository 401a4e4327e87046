"""Files that `--replay` opens: a format a file, found by `registry`."""
