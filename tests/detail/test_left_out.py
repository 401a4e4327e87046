"""A payload that its sender left out is not shown as if there had been none."""

from __future__ import annotations

import pytest

from etaoi_tui.sdk.transport.encoder import LEFT_OUT
from tests.detail.pages import end, start, text_of
from tests.detail.recorded import Recorded
from tests.detail.test_recordings import describe_in

LEFT_OUT_PAYLOAD = {"etaoi_tui.note": LEFT_OUT}


@pytest.mark.parametrize("kind", ["sub_agent", "tool"])
def test_the_page_names_the_reason_for_a_missing_payload(kind: str) -> None:
    recorded = Recorded()
    recorded.send(start(1, kind, LEFT_OUT_PAYLOAD), end(1, kind, LEFT_OUT_PAYLOAD, at=2))
    page = text_of(describe_in(recorded, recorded.spans[0]), "io")
    assert page.count(LEFT_OUT) == 2
    assert "(none)" not in page


def test_a_model_call_names_the_reason_for_a_missing_answer() -> None:
    recorded = Recorded()
    recorded.send(start(1, "llm", LEFT_OUT_PAYLOAD), end(1, "llm", LEFT_OUT_PAYLOAD, at=2))
    page = text_of(describe_in(recorded, recorded.spans[0]))
    assert LEFT_OUT in page and "No response" not in page


def test_a_model_call_names_the_reason_for_a_missing_request() -> None:
    recorded = Recorded()
    recorded.send(start(1, "llm", LEFT_OUT_PAYLOAD), end(1, "llm", {"text": "done"}, at=2))
    page = text_of(describe_in(recorded, recorded.spans[0]))
    assert page.count(LEFT_OUT) == 1 and "done" in page


@pytest.mark.parametrize("kind", ["sub_agent", "tool"])
def test_recorded_payloads_are_shown(kind: str) -> None:
    recorded = Recorded()
    recorded.send(start(1, kind, LEFT_OUT_PAYLOAD), end(1, kind, {"output": "done"}, at=2))
    page = text_of(describe_in(recorded, recorded.spans[0]), "io")
    assert page.count(LEFT_OUT) == 1
    assert "done" in page
