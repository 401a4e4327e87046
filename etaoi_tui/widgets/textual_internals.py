"""Every name that Textual keeps to itself and this viewer uses all the same, each with what it is for.

`tests/app/test_textual_internals.py` holds each of them against the Textual that is installed, so that a new
version that lacks one fails there by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.app import App
from textual.binding import Binding, BindingsMap
from textual.css.styles import Styles
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget


def set_bindings(node: DOMNode, bindings: Iterable[Binding]) -> None:
    """Give one node bindings of its own, before those of its class: `DOMNode._bindings`.

    A class has its bindings when it is defined; a user's keymap is known later.
    """
    own = BindingsMap(bindings).key_to_bindings
    node._bindings = BindingsMap.from_keys({**node._bindings.key_to_bindings, **own})


def frames_waiting(app: App[Any]) -> int:
    """Return how many drawn screens the terminal has not taken yet: `App._driver`, `Driver._writer_thread`,
    `WriterThread._queue`.

    0 for a driver that writes at once.
    """
    thread = getattr(app._driver, "_writer_thread", None)
    queue = getattr(thread, "_queue", None)
    return 0 if queue is None else int(queue.qsize())


def withdraw_notifications(app: App[Any], severity: str) -> None:
    """Take away messages that are shown: `App._notifications`, `App._unnotify`."""
    for shown in [one for one in app._notifications if one.severity == severity]:
        app._unnotify(shown)


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
