"""`etaoi-tui doctor`."""
