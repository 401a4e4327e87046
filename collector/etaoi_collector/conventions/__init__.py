"""The words of payloads and of other tracers: names, shapes, and how counts are meant."""
