"""No input, no dialog, no viewer and no widget ends the process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.events import Key
from textual.pilot import Pilot
from textual.screen import ModalScreen

from etaoi_tui.screens.one_answer import OneAnswer
from etaoi_tui.view.faults import FAULTS_KEPT, FaultLog
from tests.pty_session import PtySession

from .world import World, world


async def a_run(w: World, pilot: Pilot[Any]) -> None:
    root = w.scribe.start("sub_agent", "researcher")
    w.scribe.end(w.scribe.start("tool", "fetch", root, {"input": '{"q": "x"}'}), {"output": "found"})
    w.scribe.end(root)
    await w.tick(pilot)
    w.tree.follow(False)
    w.tree.move_to(0)
    await pilot.press("2")
    await w.tick(pilot)


def messages(w: World) -> str:
    """What the footer says, and what waits behind the answer to a key."""
    footer = w.app.main.footer
    return " | ".join([w.message, *(one.text for one in footer._messages._waiting)])


@pytest.mark.parametrize(
    "keys",
    ["y t t", "y v v", "y enter enter", "colon enter enter", "colon t pageup", "colon down enter enter",
     "c escape escape", "question_mark escape escape", "exclamation_mark escape enter enter"],
)  # fmt: skip
async def test_a_dialog_that_has_answered_ignores_the_rest_of_the_read(
    keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etaoi_tui.screens.copy_menu.copy_locally", lambda text: None)
    async with world() as (w, pilot):
        await a_run(w, pilot)
        for key in keys.split():
            w.app.post_message(Key(key, key if len(key) == 1 else None))
        for _ in range(5):
            await pilot.pause(0.02)
        assert w.app.is_running
        assert w.app.screen_stack[0] is w.app.main
        assert len(w.app.faults) == 0


async def test_a_command_that_fails_costs_only_itself_and_is_reported_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world() as (w, pilot):
        await a_run(w, pilot)
        w.app.containing = True
        monkeypatch.setattr(w.app.main.traces, "step_run", lambda runs: 1 / 0)
        await pilot.press("J", "J")
        await pilot.pause()
        assert "“next run” failed: ZeroDivisionError" in messages(w)
        assert [fault.times for fault in w.app.faults.faults] == [2]
        await pilot.press("exclamation_mark")
        await pilot.pause()
        pane = w.app.screen.pane
        page = "\n".join(pane.render_line(y).text for y in range(pane.size.height))
        assert "“next run” failed" in page and "Traceback" in page and "2 times" in page
        await pilot.press("escape", "j")
        assert w.tree.cursor.name == "fetch"


class Bad(OneAnswer, ModalScreen[None]):
    """A dialog that fails."""

    TITLE_TEXT = "the bad dialog"

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def compose(self) -> ComposeResult:
        if self.where == "compose":
            raise RuntimeError("no widgets")
        return iter(())

    def on_key(self) -> None:
        if self.where == "key":
            raise RuntimeError("no keys")

    def on_mount(self) -> None:
        if self.where == "mount":
            raise RuntimeError("no mount")
        if self.where == "timer":
            self.set_timer(0.01, self.key_x)

    def key_x(self) -> None:
        if self.where in ("timer", "action"):
            raise RuntimeError("no timer")


@pytest.mark.parametrize("where", ["compose", "mount", "key", "timer", "action"])
async def test_a_dialog_that_fails_is_closed(where: str) -> None:
    async with world() as (w, pilot):
        await a_run(w, pilot)
        w.app.containing = True
        w.app.push_screen(Bad(where))
        await pilot.pause(0.1)
        await pilot.press("x")
        while w.app.screen is not w.app.main or "failed" not in messages(w):
            await pilot.pause(0.02)
        assert "The bad dialog failed: RuntimeError: no " in messages(w)
        await pilot.press("j")
        assert w.tree.cursor.name == "fetch"


async def test_a_row_that_cannot_be_drawn_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as (w, pilot):
        await a_run(w, pilot)
        w.app.containing = True
        draw = w.tree.painter.draw

        def failing(span: Any, depth: int, width: int) -> Any:
            if span.name == "fetch":
                raise KeyError("fetch")
            return draw(span, depth, width)

        monkeypatch.setattr(w.tree.painter, "draw", failing)
        w.tree.notify_style_update()
        strips = w.tree.render_lines(w.tree.size.region)
        assert "researcher" in strips[1].text
        assert strips[2].text.strip() == ""
        await pilot.pause()
        assert "Span tree failed: KeyError" in messages(w)
        assert w.app.screen is w.app.main


@pytest.mark.parametrize("part", ["document", "tab", "block"])
async def test_a_detail_that_fails_shows_an_error(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from etaoi_tui.detail.document.model import Document, Section, Tab, Text
    from etaoi_tui.detail.layout.page import PageLayout

    def fail(*args: Any) -> Any:
        raise RuntimeError("this viewer is broken")

    def describe(span: Any, *args: Any) -> Document:
        if part == "document":
            fail()
        good = Tab("good", "Good", lambda: [Section("good", "Good", [Text("all is well")])])
        bad = Tab("bad", "Bad", fail if part == "tab" else good.build)
        return Document(span.span_id + part, [], [bad, good])

    async with world() as (w, pilot):
        await a_run(w, pilot)
        w.app.containing = True
        with monkeypatch.context() as patched:
            patched.setattr("etaoi_tui.detail.span_document.describe_span", describe)
            await pilot.press("j")
            w.app.main.draw_detail_now()
            if part == "block":
                patched.setattr(PageLayout, "work", _once(PageLayout.work, fail))
                tab = Tab("long", "Long", lambda: [Section("long", "Long", [Text("word " * 9_000)])])
                w.app.main.detail.show(Document("another", [], [tab]))
        w.app.tick()
        await pilot.pause()
        detail = w.app.main.detail
        page = "\n".join(detail.render_line(y).text for y in range(12))
        assert "This cannot be shown" in page and "this viewer is broken" in page
        assert "failed: RuntimeError" in messages(w)
        if part == "tab":
            await pilot.press("right_curly_bracket")
            assert "all is well" in "\n".join(detail.render_line(y).text for y in range(12))
        await pilot.press("k")
        await w.tick(pilot)
        assert w.tree.cursor.name == "researcher"


def _once(work: Any, fail: Any) -> Any:
    failed: list[bool] = []

    def maybe(self: Any, limit: int) -> Any:
        if not failed:
            failed.append(True)
            fail()
        return work(self, limit)

    return maybe


def test_faults_are_unique_and_only_the_newest_are_listed() -> None:
    log = FaultLog(lambda: 5.0)
    for number in range(FAULTS_KEPT + 5):
        for _ in range(2):
            try:
                exec(compile("\n" * number + "raise ValueError('x' * 1000)", "made", "exec"))
            except ValueError as error:
                fault = log.add(error, "the test")
        assert fault.times == 2
    assert len(log) == FAULTS_KEPT
    assert len(log.faults[-1].error) <= 120 and "ValueError" in log.faults[-1].trace

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert log.add(Mute(), "the test").error == "Mute"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_bytes_that_are_no_text_and_being_stopped_leave_the_viewer_there(tmp_path: Path) -> None:
    import signal

    with PtySession([sys.executable, "-m", "etaoi_tui", "--port", "0"], tmp_path) as viewer:
        viewer.wait_for(b"Listening")
        latin = "Grüße".encode("latin-1")
        for data in (b"\x1b[M \xc8\x28", b"\xff\xfe", latin, b"\x1b[<9999999999;1;1M", b"\x1b["):
            viewer.send(data)
        viewer.forget()
        viewer.send(b"?")
        viewer.wait_for(b"This pane")
        viewer.send(b"\x1b\x1b")
        # Nobody could continue a program that has the terminal to itself, so it comes back by itself.
        for stop in (lambda: viewer.signal(signal.SIGTSTP), lambda: viewer.send(b"\x1a")):
            viewer.forget()
            stop()
            viewer.wait_for(b"\x1b[?1049l")
            viewer.wait_for(b"\x1b[?1049h")
            viewer.wait_for(b"Listening")
        viewer.signal(signal.SIGSTOP)
        viewer.forget()
        viewer.signal(signal.SIGCONT)
        viewer.wait_for(b"Listening")
        viewer.send(b"q")
        assert viewer.wait() == 0
