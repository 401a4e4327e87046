"""The list of runs: which have a row, in which groups and order, and what they came to in numbers."""
