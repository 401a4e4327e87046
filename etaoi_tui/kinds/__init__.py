"""What rows need to know of a kind of span, and the registry of all kinds; below `view` and `detail`."""
