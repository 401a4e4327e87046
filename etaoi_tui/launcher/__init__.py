"""`etaoi-tui run`: starts a program so that what its agents do is seen, without a change in its code."""
