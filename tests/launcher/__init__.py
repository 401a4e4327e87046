"""Programs that `etaoi-tui run` starts, seen by the real collector."""
