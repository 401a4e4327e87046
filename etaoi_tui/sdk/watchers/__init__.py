"""What `etaoi_tui.watch` can watch: a system a file. Claiming a target imports nothing of that system."""
