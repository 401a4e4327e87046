"""Every name that Textual keeps to itself and this viewer uses all the same, each with what it is for.

`tests/app/test_textual_internals.py` holds each of them against the Textual that is installed, so that a new
version that lacks one fails there by name.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._context import active_message_pump
from textual.app import App
from textual.binding import Binding, BindingsMap
from textual.css.styles import Styles
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.geometry import Region
from textual.keys import Keys, _character_to_key
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

Result = TypeVar("Result")


def set_bindings(node: DOMNode, bindings: Iterable[Binding]) -> None:
    """Give one node bindings of its own, before those of its class: `DOMNode._bindings`.

    A class has its bindings when it is defined; a user's keymap is known later.
    """
    own = BindingsMap(bindings).key_to_bindings
    node._bindings = BindingsMap.from_keys({**node._bindings.key_to_bindings, **own})


def frames_waiting(app: App[Any]) -> int:
    """Return how many drawn screens the terminal has not taken yet: `App._driver`."""
    return writes_waiting(app._driver)


def writes_waiting(driver: Any) -> int:
    """Return how many writes the terminal has not taken yet: `Driver._writer_thread`, `WriterThread._queue`.

    0 for a driver that writes at once.
    """
    thread = getattr(driver, "_writer_thread", None)
    queue = getattr(thread, "_queue", None)
    return 0 if queue is None else int(queue.qsize())


def attach_node(node: DOMNode, parent: Widget) -> None:
    """Put a node below a widget that does not hold it, so that its colours mix with those behind it:
    `DOMNode._attach`."""
    node._attach(parent)


def apply_styles(node: DOMNode, text: str, name: str) -> None:
    """Give a node the styles of declarations in CSS: `Stylesheet.replace_rules`, which is not documented."""
    Stylesheet.replace_rules(node, Styles.parse(text, (name, "")).get_rules())


def compositor_of(screen: Screen[Any]) -> Any:
    """Return what paints a screen: `Screen._compositor`; None where Textual has no such thing."""
    return getattr(screen, "_compositor", None)


def set_compositor(screen: Screen[Any], compositor: Any) -> None:
    """Let something else paint a screen: `Screen._compositor`."""
    screen._compositor = compositor


def divide_without_cycles() -> None:
    """Let a line that is cut into one piece not remember itself as that piece: `Strip.divide`.

    Nothing but the garbage collector can free what refers to itself, and nearly every line that is drawn
    would: hundreds a second.
    """
    if getattr(Strip.divide, "without_cycles", False):
        return
    divide = Strip.divide

    def divide_others(self: Strip, cuts: Iterable[int]) -> Sequence[Strip]:
        length = self.cell_length
        inside = [cut for cut in cuts if cut <= length]
        return [self] if inside == [length] else divide(self, inside)

    vars(divide_others)["without_cycles"] = True
    Strip.divide = divide_others  # type: ignore[method-assign]


class ContainedApp(App[Result]):
    """An app that outlives every exception in a message handler, a timer, a callback, a worker or a drawing.

    Textual ends the whole app with the first of them, and the task of the widget where it happened. Here the
    exception is handed to `contain` and everything goes on. Uses `App._register`, `App._dispatch_message`,
    `App._handle_exception`, `MessagePump._dispatch_message`, `Widget.render_lines` and
    `textual._context.active_message_pump`.
    """

    containing = False
    """Exceptions are contained; before that, and in tests, they end the app as Textual has it."""

    def contain(
        self, error: Exception, where: MessagePump | None, *, drawing: bool = False, what: str = ""
    ) -> None:
        """Deal with an exception; must not raise.

        Args:
            error: What was raised.
            where: The widget, screen or app in whose handler it was raised.
            drawing: The widget failed to draw itself, and an empty line stands in the place of what failed.
            what: What failed, if the caller knows.
        """
        raise NotImplementedError

    def _register(self, parent: DOMNode, *widgets: Widget, **options: Any) -> list[Widget]:
        for widget in widgets:
            self._guard(widget)
        return super()._register(parent, *widgets, **options)

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if not self.containing:
                raise
            self.contain(error, self)

    def _handle_exception(self, error: Exception) -> None:
        if self.containing:
            self.contain(error, active_message_pump.get(None))
        else:
            super()._handle_exception(error)

    def _guard(self, widget: Widget) -> None:
        """Let exceptions of one widget end in `contain`; when a line cannot be drawn its others stay."""
        if "_dispatch_message" in vars(widget):
            return
        dispatch, render = widget._dispatch_message, widget.render_lines

        async def dispatch_message(message: Message) -> None:
            try:
                await dispatch(message)
            except Exception as error:
                if not self.containing:
                    raise
                self.contain(error, widget)

        def render_lines(crop: Region) -> list[Strip]:
            try:
                return render(crop)
            except Exception as error:
                if not self.containing:
                    raise
                self.contain(error, widget, drawing=True)
            return [line for y in crop.line_range for line in render_line(Region(crop.x, y, crop.width, 1))]

        def render_line(crop: Region) -> list[Strip]:
            try:
                return render(crop)
            except Exception as error:
                self.contain(error, widget, drawing=True)
                return [Strip.blank(crop.width, widget.rich_style)]

        vars(widget).update(_dispatch_message=dispatch_message, render_lines=render_lines)


def contained(widget: Widget, error: Exception, what: str) -> bool:
    """Have a widget's app contain an exception that costs less than the widget; False where nothing does.

    Args:
        widget: Where it was raised.
        error: What was raised.
        what: What failed, as a noun.
    """
    app = widget.app
    if not isinstance(app, ContainedApp) or not app.containing:
        return False
    app.contain(error, widget, drawing=True, what=what)
    return True


def is_drawing(driver: Any) -> bool:
    """Return whether a driver has the terminal: `LinuxDriver._writer_thread`; True where it has no thread."""
    thread = getattr(driver, "_writer_thread", None)
    return thread is None or bool(thread.is_alive())


def take_terminal_again(app: App[Any]) -> None:
    """Set the terminal up anew, whatever another program made of it meanwhile: `App._driver`,
    `Driver.suspend_application_mode`, `Driver.resume_application_mode`."""
    driver = app._driver
    if driver is None or not driver.can_suspend:
        return
    if is_drawing(driver):
        driver.suspend_application_mode()
    driver.resume_application_mode()


def leave_terminal(app: App[Any]) -> bool:
    """Give the terminal back to the shell for a while: `App._driver`; False where that is impossible."""
    driver = app._driver
    if driver is None or not driver.can_suspend:
        return False
    driver.suspend_application_mode()
    return True


def decode_input_leniently() -> None:
    """Read what is no UTF-8 as U+FFFD: `textual.drivers.linux_driver.getincrementaldecoder`.

    Textual decodes strictly, and the first odd byte (a mouse report in an old form, text pasted in another
    encoding) would end its input thread and with it the app.
    """
    try:
        from textual.drivers import linux_driver
    except ImportError:  # no terminal of that kind (Windows)
        return
    vars(linux_driver)["getincrementaldecoder"] = _lenient_decoder


def _lenient_decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")


def read_alt_with_digits() -> None:
    """Read what terminals send for alt and a digit as that key: `textual._ansi_sequences`.

    Textual makes the characters of it that a Mac has on these keys, whatever the machine is.
    """
    sequences = cast("dict[str, object]", ANSI_SEQUENCES_KEYS)
    for digit in "123456789":
        sequences.pop(f"\x1b{digit}", None)


def key_name(written: str) -> str | None:
    """Return the name of a key as a person writes it, ``Ctrl+W``, ``?`` or ``f2``; None for what is no key:
    `textual.keys._character_to_key`."""
    if len(written) == 1:
        return _character_to_key(written) if written.isprintable() else None
    *modifiers, key = written.split("+") if not written.endswith("++") else [*written[:-2].split("+"), "+"]
    lowered = [modifier.strip().lower() for modifier in modifiers]
    if any(modifier not in _MODIFIERS for modifier in lowered):
        return None
    key = key.strip()
    if len(key) == 1:
        name = _character_to_key(key.lower() if lowered and lowered != ["shift"] else key)
    else:
        name = key.lower().replace(" ", "_")
        if name not in _KEY_NAMES:
            return None
    return "+".join([*(one for one in _MODIFIERS if one in lowered), name])


_MODIFIERS = ("alt", "ctrl", "shift", "super")
_KEY_NAMES = {str(key.value) for key in Keys if "+" not in key.value and "<" not in key.value} | {
    _character_to_key(chr(code)) for code in range(0x20, 0x7F)
}
