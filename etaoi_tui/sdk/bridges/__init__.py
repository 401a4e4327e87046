"""The bridges: what `etaoi_tui.watch` can watch, a system a file. A claim imports nothing of it."""
