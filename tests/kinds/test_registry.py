"""How viewers of kinds are found, and what happens with one that cannot be loaded or raises."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from pathlib import Path

import pytest

import etaoi_tui.detail.viewers
from etaoi_tui.detail import span_document
from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.kinds import registry
from etaoi_tui.kinds.appearance import ANY_KIND
from etaoi_tui.kinds.registry import KINDS, KindRegistry
from etaoi_tui.screens.problems import problems_document
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.serialize import Json
from etaoi_tui.view import glyphs, row_summaries
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.widgets import span_tree_style
from etaoi_tui.widgets.span_tree_style import LOOKS, kind_look
from tests.detail.pages import span_id, start, text_of
from tests.detail.recorded import Recorded

VIEWER = """
from etaoi_tui.detail.document.model import Section, Tab, Text
from etaoi_tui.detail.kind_viewer import KindViewer


def _summary(span, rows):
    return f"{rows.event(span.start_ref)['payload']['score']} of 10"


def _tabs(data):
    score = data.start_payload["score"]
    return [Tab("score", "Score", lambda: [Section("score", "Score", [Text(str(score))])])]


VIEWER = KindViewer(
    kinds=("evaluation",), glyph="≡", word="evaluation", colour="tool", summary=_summary, tabs=_tabs
)
"""


def use(monkeypatch: pytest.MonkeyPatch, kinds: KindRegistry) -> None:
    for module in (span_document, glyphs, row_summaries, span_tree_style):
        monkeypatch.setattr(module, "KINDS", kinds)


def shows_scores(monkeypatch: pytest.MonkeyPatch, kinds: KindRegistry) -> None:
    """Check row and detail of a span of the kind that `VIEWER` is for."""
    use(monkeypatch, kinds)
    recorded = Recorded()
    recorded.send(start(1, "evaluation", {"score": 7}))
    span = recorded.store.find_span(span_id(1))
    assert span is not None
    assert Summaries(recorded.source).of(span) == "7 of 10"
    assert (glyphs.kind_glyph("evaluation"), glyphs.kind_word("evaluation")) == ("≡", "evaluation")
    assert kind_look("evaluation") == "tool"
    document = describe_span(span, recorded.payloads, 0.0)
    assert [tab.title for tab in document.tabs][:2] == ["Score", "Overview"]
    assert "Score" in text_of(document) and "7" in text_of(document)
    assert not kinds.failures


def test_a_file_in_the_folder_is_all_that_a_new_kind_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evaluation.py").write_text(VIEWER)
    monkeypatch.setattr(
        etaoi_tui.detail.viewers, "__path__", [*etaoi_tui.detail.viewers.__path__, str(tmp_path)]
    )
    monkeypatch.delitem(sys.modules, "etaoi_tui.detail.viewers.evaluation", raising=False)
    shows_scores(monkeypatch, KindRegistry())


def test_another_distribution_names_a_viewer_by_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scores.py").write_text(VIEWER)
    info = tmp_path / "scores-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scores\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.ENTRY_POINT_GROUP}]\nevaluation = scores:VIEWER\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    shows_scores(monkeypatch, KindRegistry())


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise OSError('no such model')", "OSError: no such model"),
        ("x = 1", "has no attribute 'VIEWER'"),
        ("VIEWER = 7", "expected a KindViewer, not int"),
        (VIEWER.replace("≡", "日"), "not one cell wide"),
        (VIEWER.replace('"tool"', '"pink"'), "'pink' is none of agent, llm"),
    ],
)
def test_one_that_cannot_be_loaded_is_skipped_said_and_logged(
    source: str,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "evaluation.py").write_text(source)
    monkeypatch.setattr(
        etaoi_tui.detail.viewers, "__path__", [*etaoi_tui.detail.viewers.__path__, str(tmp_path)]
    )
    monkeypatch.delitem(sys.modules, "etaoi_tui.detail.viewers.evaluation", raising=False)
    kinds = KindRegistry()
    with caplog.at_level(logging.WARNING, registry.__name__):
        assert kinds.for_kind("llm").glyph == "✦"
    assert len(kinds.failures) == 1 and why in kinds.failures[0] and "evaluation" in kinds.failures[0]
    assert "viewer evaluation skipped" in caplog.text
    monkeypatch.setattr("etaoi_tui.screens.problems.KINDS", kinds)
    assert why in text_of(problems_document(Recorded().store, []), "problems")


def test_one_that_raises_at_a_span_leaves_the_row_and_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> str:
        raise ValueError("odd payload")

    kinds = KindRegistry()
    kinds.add(KindViewer(kinds=("tool",), glyph="t", word="odd", summary=fails, priority=1), "odd")
    kinds.add(KindViewer(kinds=("llm",), glyph="l", word="odd", applies=fails, priority=1), "odder")  # type: ignore[arg-type]
    use(monkeypatch, kinds)
    recorded = Recorded()
    recorded.send(*(start(n, kind, {}) for n, kind in enumerate(("tool", "tool", "llm"), 1)))
    summaries = Summaries(recorded.source)
    with caplog.at_level(logging.WARNING, registry.__name__):
        assert [summaries.of(span) for span in recorded.spans] == ["", "", ""]
    assert kinds.failures == [
        "The viewer odd could not summarise a span.",
        "The viewer odder could not look at a span.",
    ]
    assert caplog.text.count("odd payload") == 2 * 2


def test_every_kind_of_the_wire_has_one_viewer_and_colours_that_can_be_drawn() -> None:
    assert not KINDS.failures
    for kind in (
        "llm tool sub_agent middleware voice_session voice_turn voice_agent voice_input voice_output turn "
        "task eou vad agent_context"
    ).split():
        own = [one for one in KINDS.candidates(kind) if kind in one.kinds and one.applies is None]
        assert len(own) == 1, kind
        assert {f"span-tree--{own[0].colour}", f"span-tree--bar-{own[0].colour}"} <= LOOKS.keys()
    (other,) = [one for one in KINDS.candidates("nobody-knows-this") if one.applies is None]
    assert other.kinds == (ANY_KIND,) and glyphs.kind_word("nobody-knows-this") == "nobody-knows-this"


def test_on_an_event_loop_a_thread_looks_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scores.py").write_text(VIEWER)
    info = tmp_path / "scores-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scores\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.ENTRY_POINT_GROUP}]\nevaluation = scores:VIEWER\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "scores", raising=False)
    kinds = KindRegistry()
    kinds.load()

    async def look() -> str:
        return kinds.for_kind("evaluation").glyph

    assert asyncio.run(look()) in ("○", "≡")  # it does not wait, and the thread may be quick
    for thread in threading.enumerate():
        if thread.name == "etaoi-tui-viewers":
            thread.join(60)
    assert asyncio.run(look()) == "≡"


def test_a_kind_of_our_own_sdk_that_the_schema_has_no_word_for_reaches_its_viewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracer = open_tracer(sink="memory")
    for kind in ("evaluation", "guardrail", "chain"):
        tracer.end(
            tracer.start(kind, "quality", payload={"score": 7, "inputs": "x"}), {"outputs": Json({"ok": 1})}
        )
    tracer.close()
    recorded = Recorded.of(tracer.sink.events)
    own, unknown, step = (trace.spans[0] for trace in recorded.store.traces.values())
    assert (own.kind, unknown.kind, step.kind) == ("evaluation", "guardrail", "middleware")
    (tmp_path / "evaluation.py").write_text(VIEWER)
    monkeypatch.setattr(
        etaoi_tui.detail.viewers, "__path__", [*etaoi_tui.detail.viewers.__path__, str(tmp_path)]
    )
    monkeypatch.delitem(sys.modules, "etaoi_tui.detail.viewers.evaluation", raising=False)
    kinds = KindRegistry()
    use(monkeypatch, kinds)
    assert Summaries(recorded.source).of(own) == "7 of 10"
    assert describe_span(own, recorded.payloads, 0.0).tabs[0].title == "Score"
    # One that nobody knows says what a step does.
    assert Summaries(recorded.source).of(unknown) == Summaries(recorded.source).of(step) == "ok=1"
    assert describe_span(unknown, recorded.payloads, 0.0).tabs[0].title == "Input/Output"
    assert not kinds.failures
