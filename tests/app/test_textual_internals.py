"""Every name that Textual keeps to itself and we use is there, and does what we take it for."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.app import App
from textual.binding import Binding
from textual.css.styles import Styles
from textual.dom import DOMNode
from textual.events import Click
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from etaoi_tui.resilient_driver import make_resilient
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
        assert internals.frames_waiting(app) == internals.writes_waiting(app._driver) == 3
        del app._driver._writer_thread  # type: ignore[union-attr]


def test_the_writer_of_frames_has_a_queue() -> None:
    from io import StringIO

    writer = pytest.importorskip("textual.drivers._writer_thread").WriterThread(StringIO())
    assert writer._queue.qsize() == 0


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


def test_keys_have_the_names_that_textual_gives_them() -> None:
    assert internals.key_name("?") == "question_mark"
    assert internals.key_name("Ctrl+W") == "ctrl+w"
    assert internals.key_name("nokey") is None


async def test_a_terminal_is_taken_again_and_left() -> None:
    class Driver:
        can_suspend = True

        def __init__(self) -> None:
            self.done: list[str] = []
            self._writer_thread = threading.Thread(target=lambda: None)

        def suspend_application_mode(self) -> None:
            self.done.append("suspend")

        def resume_application_mode(self) -> None:
            self.done.append("resume")

    driver = Driver()
    app = App[None]()
    assert not internals.leave_terminal(app)
    app._driver = driver  # type: ignore[assignment]
    assert internals.leave_terminal(app)
    assert not internals.is_drawing(driver)  # its thread does not run
    internals.take_terminal_again(app)
    assert driver.done == ["suspend", "resume"]
    driver._writer_thread = threading.current_thread()
    internals.take_terminal_again(app)
    assert driver.done == ["suspend", "resume", "suspend", "resume"]


def test_the_terminals_driver_can_be_suspended() -> None:
    from textual.drivers.linux_driver import LinuxDriver

    for name in ("suspend_application_mode", "resume_application_mode", "can_suspend", "run_input_thread"):
        assert hasattr(LinuxDriver, name)


def test_invalid_utf8_is_read_as_u_fffd() -> None:
    from textual.drivers import linux_driver

    internals.decode_input_leniently()
    decode = linux_driver.getincrementaldecoder("utf-8")().decode
    assert decode(b"a\xc8(b\xff") == "a\ufffd(b\ufffd"
    assert decode("ü".encode()[:1]) + decode("ü".encode()[1:]) == "ü"


def test_alt_and_a_digit_are_read_as_that_key_from_any_terminal() -> None:
    from textual._xterm_parser import XTermParser

    internals.read_alt_with_digits()
    for digit in "123456789":
        parser = XTermParser(False)
        assert not list(parser.feed(f"\x1b{digit}")), "it may still be the beginning of a longer one"
        assert [event.key for event in parser.feed("")] == [f"alt+{digit}"]


def test_a_terminal_s_driver_reads_alt_and_a_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
    from textual.drivers.linux_driver import LinuxDriver

    monkeypatch.setitem(ANSI_SEQUENCES_KEYS, "\x1b1", "¡")  # type: ignore[arg-type]
    make_resilient(LinuxDriver)
    assert "\x1b1" not in ANSI_SEQUENCES_KEYS


class Failing(Widget):
    """Fails where a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.where = ""

    def render_line(self, y: int) -> Strip:
        if self.where == "draw" and y == 1:
            raise ValueError("draw")
        return Strip([Segment(f"line {y}")])

    def on_click(self) -> None:
        raise ValueError("click")

    def on_idle(self) -> None:
        if self.where == "idle":
            self.where = ""
            raise ValueError("idle")


class Contained(internals.ContainedApp[None]):
    """Remembers what it contains."""

    containing = True

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[str, object, bool]] = []

    def compose(self) -> Iterable[Widget]:
        yield Failing()

    def contain(self, error: Exception, where: object, *, drawing: bool = False, what: str = "") -> None:
        self.records.append((str(error), where, drawing))

    def action_fail(self) -> None:
        raise ValueError("action")


async def test_exceptions_anywhere_are_contained_and_everything_goes_on() -> None:
    app = Contained()
    async with app.run_test(size=(20, 5)) as pilot:
        widget = app.query_one(Failing)
        await pilot.click(Failing)
        app.set_timer(0.01, app.action_fail)
        while "action" not in [error for error, _, _ in app.records]:
            await pilot.pause(0.02)
        app.call_later(app.action_fail)
        await pilot.pause()
        widget.where = "idle"
        widget.post_message(Click(widget, 0, 0, 0, 0, 1, False, False, False))
        await pilot.pause()
        contained = [error for error, _, _ in app.records]
        assert contained.count("click") == 2 and contained.count("action") == 2 and "idle" in contained
        app.records.clear()
        widget.where = "draw"
        widget.refresh()
        strips = widget.render_lines(Region(0, 0, 20, 3))
        assert [strip.text.rstrip() for strip in strips] == ["line 0", "", "line 2"]
        assert all(drawing and where is widget for _, where, drawing in app.records)
        assert internals.contained(widget, ValueError("less"), "part")
        assert app.is_running


async def test_nothing_is_contained_unless_asked_for() -> None:
    app = Contained()
    app.containing = False
    with pytest.raises(ValueError, match="click"):
        async with app.run_test() as pilot:
            assert not internals.contained(app.query_one(Failing), ValueError("less"), "part")
            await pilot.click(Failing)


def test_keys_are_named_as_people_write_them() -> None:
    assert [internals.key_name(written) for written in ("?", "f2", "ctrl+w", "Ctrl+W", "space")] == [
        "question_mark",
        "f2",
        "ctrl+w",
        "ctrl+w",
        "space",
    ]
    assert internals.key_name("hyper+x") is None and internals.key_name("\x00") is None


def test_a_line_that_is_cut_into_itself_is_freed_at_once() -> None:
    internals.divide_without_cycles()
    internals.divide_without_cycles()  # once is enough
    line = Strip([Segment("abc"), Segment("def")])
    assert line.divide([6]) == [line] and line.divide([6, 9])[0] is line
    assert [part.text for part in line.divide([2, 4, 6])] == ["ab", "cd", "ef"]
    assert [part.text for part in line.divide(iter([2, 4, 9]))] == ["ab", "cd"]
    assert line.divide([2, 4, 6]) is line.divide([2, 4, 6]), "remembered"
    gc.collect()
    gc.disable()
    try:
        strips_before = sum(
            type(thing) is Strip for thing in gc.get_objects()
        )  # some classes raise when asked
        for _ in range(100):
            Strip([Segment("x")]).divide([1])
        assert sum(type(thing) is Strip for thing in gc.get_objects()) <= strips_before
    finally:
        gc.enable()


def test_every_helper_has_a_test() -> None:
    source = Path(__file__).read_text("utf-8")
    helpers = [
        name
        for name, value in vars(internals).items()
        if callable(value)
        and not name.startswith("_")
        and getattr(value, "__module__", "") == internals.__name__
    ]
    assert len(helpers) >= 7
    assert [name for name in helpers if f"internals.{name}" not in source] == []
