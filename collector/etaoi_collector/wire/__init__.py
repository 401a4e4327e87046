"""What is said: events, codec, handshake, versions, limits, and the records of the trace file.

Imports the standard library and msgspec only, because the SDK takes this room into the user's agent. Where
msgpack is installed, reading is faster.
"""
