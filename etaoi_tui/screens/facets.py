"""A dialog that offers what runs can be filtered by, with how many have it; saved filters stand on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from etaoi_tui.screens.one_answer import OneAnswer
from etaoi_tui.text import fit, one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.runs.facets import Facets

_SLICE_SECONDS = 0.02
_MOST_LINES = 300
_VALUE_CELLS = 50


class FacetPicker(OneAnswer, ModalScreen[str | None]):
    """Answers with a query, or None."""

    CSS = """
    FacetPicker { align: center middle; }
    FacetPicker Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 84%; background: $surface;
        border: round $primary;
    }
    FacetPicker Input, FacetPicker Input:focus {
        border: none; height: 1; padding: 0 1; background: $surface;
    }
    FacetPicker OptionList, FacetPicker OptionList:focus {
        height: auto; max-height: 28; border: none; padding: 0; background: $surface;
        scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close", show=False),
        Binding("down", "list('cursor_down')", "down", show=False),
        Binding("up", "list('cursor_up')", "up", show=False),
        Binding("pagedown", "list('page_down')", "page", show=False),
        Binding("pageup", "list('page_up')", "page", show=False),
    ]

    def __init__(self, facets: Facets, saved: Mapping[str, str]) -> None:
        """Make the dialog.

        Args:
            facets: Counts what there is.
            saved: Filters by name.
        """
        super().__init__()
        self._facets = facets
        self._saved = saved
        self._shown: list[str] = []
        self._typed = ""

    def compose(self) -> ComposeResult:
        """Make the line to type in, and the list below it."""
        with Vertical() as box:
            box.border_title = "list runs with"
            box.border_subtitle = "⏎ lists them · esc closes"
            yield Input(placeholder="state, agent, model, tool, error: type any part")
            found = OptionList(markup=False)
            found.can_focus = False
            yield found

    def on_mount(self) -> None:
        """Count in slices, and show what is there meanwhile."""
        self._count()
        self.set_interval(0.1, self._count_on)

    def action_list(self, name: str) -> None:
        """Move the cursor of the list."""
        getattr(self.query_one(OptionList), f"action_{name}")()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._typed = event.value.casefold()
        self._draw(0)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._choose(self.query_one(OptionList).highlighted)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(event.option_index)

    def _choose(self, at: int | None) -> None:
        if at is not None and at < len(self._shown):
            self.dismiss(self._shown[at])

    def _count_on(self) -> None:
        if not self._facets.done:
            self._count()

    def _count(self) -> None:
        self._facets.work(_SLICE_SECONDS)
        self._draw(self.query_one(OptionList).highlighted or 0)

    def _draw(self, cursor: int) -> None:
        lines: list[tuple[str, str, str, str]] = [
            ("saved", f"@{name}", one_line(query, 20), f"@{name}")
            for name, query in sorted(self._saved.items())
        ]
        lines += [
            (facet.field, facet.value, f"{facet.runs:,}", facet.query) for facet in self._facets.values()
        ]
        lines = [line for line in lines if self._typed in f"{line[0]}:{line[1]}".casefold()][:_MOST_LINES]
        self._shown = [line[3] for line in lines]
        box = self.query_one(Vertical)
        counted = "" if self._facets.done else ", counting"
        box.border_title = f"list runs with · {fmt.count(self._facets.runs, 'run')}{counted}"
        options = self.query_one(OptionList)
        options.clear_options()
        before = ""
        for field, value, note, _ in lines:
            name = "" if field == before else field
            before = field
            text = fit(one_line(value, _VALUE_CELLS), _VALUE_CELLS)
            options.add_option(
                Option(Content.assemble((f" {name:<8}", "dim"), f" {text} ", (f"{note:>8}", "dim")))
            )
        if lines:
            options.highlighted = min(cursor, len(lines) - 1)
        else:
            said = "Nothing is called that." if self._facets.done else "Counting."
            options.add_option(Option(f"  {said}", disabled=True))
