"""The commands that need no screen. Data goes to stdout, talk to stderr; nothing here imports Textual."""
