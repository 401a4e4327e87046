"""What is shown of a call equals what the model really got: every scene, under both SDKs, sync and async."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest

from etaoi_tui.detail.compare.request_diff import compare
from etaoi_tui.detail.span_document import describe_span
from tests.detail.pages import text_of
from tests.xray.checks import agree, assert_replays, assert_sent, assert_steps, wraps
from tests.xray.recorders import MODES, ObservedRun, under_etaoi, under_ours
from tests.xray.scenes import SCENES

ours = cache(under_ours)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ObservedRun]:
    """All scenes under the etaoi SDK; they run in one process, each in a session of its own."""
    names = [name if mode == "sync" else f"{name}:{mode}" for name in SCENES for mode in MODES]
    return under_etaoi(tmp_path_factory.mktemp("etaoi"), names)


def under(sdk: str, name: str, mode: str, request: pytest.FixtureRequest) -> ObservedRun:
    if sdk == "ours":
        return ours(name, mode)
    observed: dict[str, ObservedRun] = request.getfixturevalue("reference")
    return observed[name if mode == "sync" else f"{name}:{mode}"]


both = pytest.mark.parametrize("sdk", ["ours", pytest.param("etaoi", marks=pytest.mark.real_clients)])
every_scene = pytest.mark.parametrize("name", list(SCENES))
either_way = pytest.mark.parametrize("mode", MODES)


@both
@every_scene
@either_way
def test_the_chain_of_received_spans_is_the_real_one(
    sdk: str, name: str, mode: str, request: pytest.FixtureRequest
) -> None:
    observed = under(sdk, name, mode, request)
    assert len(observed.calls) == len(observed.received) > 0
    for call, received in zip(observed.calls, observed.received, strict=True):
        chain = observed.chain(call)
        assert_sent(chain, received, ours=sdk == "ours", all_recorded=observed.all_recorded)
        if name != "unrecorded":
            assert_steps(chain, received, ours=sdk == "ours")
        assert_replays(chain, received, ours=sdk == "ours")
        assert not chain.unplaced


@both
@every_scene
@either_way
def test_the_pages_name_what_was_not_recorded(
    sdk: str, name: str, mode: str, request: pytest.FixtureRequest
) -> None:
    observed = under(sdk, name, mode, request)
    for call in observed.calls:
        document = describe_span(call, observed.payloads, call.trace.ended_at)
        text = " ".join(text_of(document, "request").split())
        assert "This page failed" not in text
        chain = observed.chain(call)
        if sdk == "ours":
            assert "what was recorded" not in text
            assert "etaoi SDK" not in text
            continue
        if wraps(chain):
            assert "tell neither parameters nor tool schemas" in text
        assert ("first 120 characters" in text) == any(
            side.digests for step in chain.down if step.diff for side in (step.diff.old, step.diff.new)
        )
        for step in wraps(chain):
            if step.diff is not None and step.diff.nothing:
                assert "no change in what was recorded" in text
    for call in observed.inner_calls:
        chain = observed.chain(call)
        assert chain.down == chain.up == []
        assert chain.raw is chain.sent


@both
@pytest.mark.parametrize("name", ["everything", "states", "editing", "deep"])
@either_way
def test_the_last_hook_after_the_model_gives_what_the_agent_returned(
    sdk: str, name: str, mode: str, request: pytest.FixtureRequest
) -> None:
    observed = under(sdk, name, mode, request)
    steps = [step for step in observed.chain(observed.calls[-1]).up if "after_" in step.label]
    assert steps
    diffs = [step.diff for step in steps if step.diff is not None]
    assert len(diffs) == len(steps)
    agree(diffs[-1].new.messages, observed.result, whole=sdk == "ours")
    for one, following in pairwise(diffs):
        assert not compare(one.new, following.old).messages_changed
