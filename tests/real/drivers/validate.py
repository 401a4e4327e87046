"""Checks messages against the models of the real etaoi-schema. Runs in the real clients' environment.

    python validate.py FILE      a stream of [time, message]

Prints how many events were valid; the first invalid one ends it with its error.
"""

from __future__ import annotations

import sys

import msgpack
from etaoi_schema import Envelope

if __name__ == "__main__":
    valid = 0
    with open(sys.argv[1], "rb") as file:
        for _, message in msgpack.Unpacker(file, max_buffer_size=2**31 - 1):
            for envelope in msgpack.unpackb(message):
                valid += len(Envelope.model_validate(envelope).batch)
    sys.stdout.write(f"{valid}\n")
