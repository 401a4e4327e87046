"""Status codes of gRPC (the ``google.rpc.Code`` of its documentation)."""

from __future__ import annotations

OK, INVALID, DENIED, EXHAUSTED, UNIMPLEMENTED, UNAVAILABLE, UNAUTHENTICATED = 0, 3, 7, 8, 12, 14, 16
