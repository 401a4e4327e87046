"""A dialog that offers what runs can be filtered by, with how many have it; saved filters stand on top."""

from __future__ import annotations

from collections.abc import Mapping

from textual import on
from textual.content import Content
from textual.widgets import Input
from textual.widgets.option_list import Option

from etaoi_tui.screens.pick_list import PickList
from etaoi_tui.text import fit, one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.runs.facets import Facets

_SLICE_SECONDS = 0.02
_MOST_LINES = 300
_VALUE_CELLS = 50


class FacetPicker(PickList[str]):
    """Answers with a query, or None."""

    TITLE_TEXT = "list runs with"
    HINT = "⏎ lists them · esc closes"
    PLACEHOLDER = "state, agent, model, tool, error: type any part"
    CSS = """
    FacetPicker { align: center middle; }
    FacetPicker Vertical { width: 76; max-height: 84%; }
    FacetPicker OptionList, FacetPicker OptionList:focus { max-height: 28; }
    """

    def __init__(self, facets: Facets, saved: Mapping[str, str]) -> None:
        """Make the dialog.

        Args:
            facets: Counts what there is.
            saved: Filters by name.
        """
        super().__init__()
        self._facets = facets
        self._saved = saved
        self._typed = ""

    def on_mount(self) -> None:
        """Count in slices, and show what is there meanwhile."""
        self._count()
        self.set_interval(0.1, self._count_on)

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._typed = event.value.casefold()
        self._draw(0)

    def _count_on(self) -> None:
        if not self._facets.done:
            self._count()

    def _count(self) -> None:
        self._facets.work(_SLICE_SECONDS)
        self._draw(self.options.highlighted or 0)

    def _draw(self, cursor: int) -> None:
        lines: list[tuple[str, str, str, str]] = [
            ("saved", f"@{name}", one_line(query, 20), f"@{name}")
            for name, query in sorted(self._saved.items())
        ]
        lines += [
            (facet.field, facet.value, f"{facet.runs:,}", facet.query) for facet in self._facets.values()
        ]
        lines = [line for line in lines if self._typed in f"{line[0]}:{line[1]}".casefold()][:_MOST_LINES]
        self.choices = [line[3] for line in lines]
        counted = "" if self._facets.done else ", counting"
        self.box.border_title = f"{self.TITLE_TEXT} · {fmt.count(self._facets.runs, 'run')}{counted}"
        options = self.options
        options.clear_options()
        previous_field = ""
        for field, value, note, _ in lines:
            name = "" if field == previous_field else field
            previous_field = field
            text = fit(one_line(value, _VALUE_CELLS), _VALUE_CELLS)
            options.add_option(
                Option(Content.assemble((f" {name:<8}", "dim"), f" {text} ", (f"{note:>8}", "dim")))
            )
        if lines:
            options.highlighted = min(cursor, len(lines) - 1)
        else:
            message = "Nothing is called that." if self._facets.done else "Counting."
            options.add_option(Option(f"  {message}", disabled=True))
