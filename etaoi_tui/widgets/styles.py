"""Named looks of a widget that draws its own lines, worked out from the theme when they are first drawn.

Textual's component classes would do, but it applies every one of them anew to every widget each time that a
class or the focus changes anywhere above, whether it is on the screen or not. With two hundred of them that
was most of the time until the first frame.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping

from rich.style import Style
from textual.dom import DOMNode
from textual.widget import Widget

from etaoi_tui.widgets.colours import colours_of
from etaoi_tui.widgets.textual_internals import apply_styles, attach_node

StyleTable = Mapping[str, str]
"""Declarations in Textual's CSS by the name of a look; `name:ansi` and `name:focus` come on top of `name`
in a terminal's own colours and in the pane that has the keys."""

_VARIABLE = re.compile(r"\$([\w-]+)")


class StyleCache:
    """The looks of one widget as Rich styles, remembered until `forget`.

    Args:
        widget: On whose background they stand.
        table: What they are.
    """

    def __init__(self, widget: Widget, table: StyleTable) -> None:
        self._widget = widget
        self._table = table
        self._opaque: dict[str, Style] = {}
        self._over: dict[str, Style] = {}

    def forget(self) -> None:
        """Forget the colours: the theme, the focus or the background changed."""
        self._opaque.clear()
        self._over.clear()

    def opaque(self, name: str) -> Style:
        """Return a look with a background, its own or the widget's; the widget's own look for no name.

        Raises:
            KeyError: there is no look of that name.
        """
        style = self._opaque.get(name)
        if style is None:
            style = self._opaque[name] = self._build(name) if name else self._widget.rich_style
        return style

    def over(self, name: str) -> Style:
        """Return a look that can be laid over another: with a background only if it has one of its own.

        Raises:
            KeyError: there is no look of that name.
        """
        style = self._over.get(name)
        if style is None:
            style = self.opaque(name)
            if name and "background" not in self._declarations(name):
                style = Style(
                    color=style.color,
                    bold=style.bold,
                    dim=style.dim,
                    italic=style.italic,
                    underline=style.underline,
                    reverse=style.reverse,
                    strike=style.strike,
                )
            self._over[name] = style
        return style

    def _declarations(self, name: str) -> str:
        blocks = [self._table[name]]
        if self._widget.app.native_ansi_color:
            blocks.append(self._table.get(name + ":ansi", ""))
        if self._widget.has_focus:
            blocks.append(self._table.get(name + ":focus", ""))
        return "".join(declarations + ";" for declarations in blocks if declarations)

    def _build(self, name: str) -> Style:
        app = self._widget.app
        variables = ChainMap(colours_of(app), app.theme_variables)
        text = _VARIABLE.sub(lambda match: variables[match[1]], self._declarations(name))
        # A node below the widget, so that Textual mixes its colours with what is behind it.
        node = DOMNode()
        attach_node(node, self._widget)
        apply_styles(node, text, name)
        return node.rich_style
