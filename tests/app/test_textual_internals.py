"""Every name that Textual keeps to itself and we use is there, and does what we take it for."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App
from textual.binding import Binding
from textual.css.styles import Styles
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from etaoi_tui.widgets import textual_internals as internals

ROOT = Path(__file__).parents[2]


async def test_bindings_of_one_node_come_before_those_of_its_class() -> None:
    class Bound(Screen[None]):
        BINDINGS = [Binding("a", "old", "old"), Binding("b", "kept", "kept")]  # noqa: RUF012

    screen = Bound()
    internals.set_bindings(screen, [Binding("a,c", "new", "new")])
    actions = {key: bound.action for key, (_, bound, *_) in _active(screen).items()}
    assert actions["a"] == actions["c"] == "new"
    assert actions["b"] == "kept"
    other = {key: bound.action for key, (_, bound, *_) in _active(Bound()).items()}
    assert other["a"] == "old" and "c" not in other


def _active(screen: Screen[None]) -> dict[str, tuple[object, Binding]]:
    return {key: (screen, bound[0]) for key, bound in screen._bindings.key_to_bindings.items()}


async def test_frames_that_wait_are_counted() -> None:
    app = App[None]()
    assert internals.frames_waiting(app) == 0
    async with app.run_test():
        assert internals.frames_waiting(app) == 0  # a driver without a thread writes at once
        queue = type("Queue", (), {"qsize": lambda self: 3})()
        app._driver._writer_thread = type("Thread", (), {"_queue": queue})()  # type: ignore[union-attr, assignment]
        assert internals.frames_waiting(app) == 3
        del app._driver._writer_thread  # type: ignore[union-attr]


def test_the_writer_of_frames_has_a_queue() -> None:
    from io import StringIO

    writer = pytest.importorskip("textual.drivers._writer_thread").WriterThread(StringIO())
    assert writer._queue.qsize() == 0


async def test_messages_of_one_severity_are_withdrawn() -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        app.notify("one")
        app.notify("two", severity="warning")
        await pilot.pause()
        internals.withdraw_notifications(app, "information")
        assert [one.message for one in app._notifications] == ["two"]


async def test_styles_of_a_node_mix_with_what_is_behind_it() -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        widget = Widget()
        await pilot.app.mount(widget)
        widget.styles.background = "#102030"
        node = DOMNode()
        internals.attach_node(node, widget)
        internals.apply_styles(node, "color: #ff0000;", "look")
        style = node.rich_style
        assert style.color is not None and style.color.name == "#ff0000"
        assert style.bgcolor is not None and style.bgcolor.name == "#102030"
        assert isinstance(node.styles.base, Styles)


async def test_a_screen_paints_through_its_compositor() -> None:
    from textual._compositor import Compositor

    app = App[None]()
    async with app.run_test():
        own = internals.compositor_of(app.screen)
        assert type(own) is Compositor
        internals.set_compositor(app.screen, own)
        assert internals.compositor_of(app.screen) is own
    assert internals.compositor_of(object()) is None  # type: ignore[arg-type]


def test_every_helper_has_a_test() -> None:
    source = Path(__file__).read_text("utf-8")
    helpers = [
        name
        for name, value in vars(internals).items()
        if callable(value) and getattr(value, "__module__", "") == internals.__name__
    ]
    assert len(helpers) >= 7
    assert [name for name in helpers if f"internals.{name}" not in source] == []
