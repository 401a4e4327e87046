"""A model API on loopback, for real provider classes: real HTTP, real SSE, and a bill for every answer.

Only the standard library: it also runs inside the environments of the real classes.
"""
