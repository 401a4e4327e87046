"""``POST /api/sessions/ID/audio``: the recording of a call that the etaoi SDK uploads when the call ends.

It is taken, so that the SDK neither waits nor complains, and dropped: this is no player. The viewer says so.
"""

from __future__ import annotations

from typing import ClassVar

from etaoi_collector.receivers.door import Endpoint, HttpAnswer, HttpRequest, Receiver, endpoint, json_answer


class Audio(Receiver):
    """Takes uploads and drops them."""

    name = "etaoi audio"
    endpoints: ClassVar[tuple[Endpoint, ...]] = (
        endpoint("POST PUT", r"^/api/sessions/(?P<session>[^/]{1,200})/audio$"),
    )

    def respond(self, request: HttpRequest) -> HttpAnswer:
        """Note what was not kept."""
        self.context.ingest.notices.add("A call's audio was uploaded: audio not kept", len(request.body))
        return json_answer(200, {"status": "ok", "kept": False})


RECEIVER = Audio
