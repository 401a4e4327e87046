"""The collector: who listens, records and remembers. Draws nothing, imports neither textual nor rich."""

__version__ = "0.1.0"
