"""Watch LLM agents think, live, in a second terminal."""
