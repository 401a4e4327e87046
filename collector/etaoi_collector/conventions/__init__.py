"""The words of payloads and metadata: what producers write and what the viewer reads, in one place."""
