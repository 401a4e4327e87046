"""What other tracers send, turned into the events of `etaoi_collector.wire`.

Receivers and readers hand in bytes; what comes out are frames that are recorded and decoded like any other.
"""
