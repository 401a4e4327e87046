"""`etaoi-tui doctor`: looks at the way from an agent to the screen, and says what is in the way."""
