"""A voice call as turns, stages and silences, folded from the spans of a session. Pure: knows no screen."""
