"""Markdown reads as such: without its marks, within its width, the same whether it came at once or grew."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_tui.detail.document.model import Text
from etaoi_tui.detail.layout.block_layout import BlockLayout, MarkdownLayout, TextLayout, layout_for
from etaoi_tui.text import cells

ANSWER = """\
# Three changes

The **gateway** uses `connect()`; see [the notes](https://docs.example.org/notes).

- one
  - two, which goes on and on until the line is full
3. three
- [x] done

> quoted

| name | calls |
|------|------:|
| `a`  | 1 |
| bb   | 20 |

```python
def f(x):  # why
    return "y"
```
2 * 3 * 4 and snake_case_name stay
---
"""


def laid_out(text: str, width: int = 40) -> BlockLayout:
    layout = layout_for(Text(text, prose=True), width)
    while not layout.done:
        layout.work(1_000)
    return layout


def texts(layout: BlockLayout) -> list[str]:
    return ["".join(text for text, _ in layout.line(n)).rstrip() for n in range(layout.count)]


def style_of(layout: BlockLayout, text: str) -> str:
    return next(style for n in range(layout.count) for piece, style in layout.line(n) if text in piece)


def test_an_answer_reads_without_its_marks() -> None:
    layout = laid_out(ANSWER)
    assert texts(layout) == [
        "Three changes",
        "",
        "The gateway uses connect(); see the",
        "notes (https://docs.example.org/notes).",
        "",
        "• one",
        "  • two, which goes on and on until the",
        "    line is full",
        "3. three",
        "☑ done",
        "",
        "▏ quoted",
        "",
        "name  calls",
        "a         1",
        "bb       20",
        "",
        "python",
        "▏ def f(x):  # why",
        '▏     return "y"',
        "2 * 3 * 4 and snake_case_name stay",
        "─" * 40,
    ]
    assert style_of(layout, "Three changes") == "heading" and style_of(layout, "gateway") == "title"
    assert texts(laid_out("**`a.b` is new.** c")) == ["a.b is new. c"]
    assert style_of(layout, "connect()") == "code" and style_of(layout, "# why") == "muted"
    assert style_of(layout, "return") == "json.number" and style_of(layout, '"y"') == "json.string"


def test_the_markdown_source_is_shown_on_request_and_for_very_long_texts() -> None:
    assert isinstance(layout_for(Text("# a", prose=True), 40, source=True), TextLayout)
    assert isinstance(layout_for(Text("# a"), 40), TextLayout)
    assert isinstance(layout_for(Text("# a\n" * 200_000, prose=True), 40), TextLayout)
    assert isinstance(layout_for(Text("# a", prose=True), 40), MarkdownLayout)


def test_an_untrusted_language_name_is_not_looked_up() -> None:
    layout = laid_out("```../../etc\nx = 1\n```\n")
    assert style_of(layout, "x = 1") == "code"


pieces = st.lists(
    st.sampled_from(
        (
            *(
                "# a b\n",
                "- x\n",
                "  * **b** `c`\n",
                "| a | b |\n",
                "|---|---|\n",
                "```py\n",
                "```\n",
                "x = '1'\n",
            ),
            *(
                "> q\n",
                "long words " * 9,
                "\n",
                "[a](b) *c*",
                "漢字 🙂\n",
                "\x1b[2J\t|\n",
                "1. y\r\n",
                "---\n",
            ),
        )
    ),
    max_size=24,
)


@settings(max_examples=200, deadline=None)
@given(pieces, st.integers(8, 60), st.integers(1, 7))
def test_streamed_text_is_laid_out_as_complete_text(parts: list[str], width: int, step: int) -> None:
    whole = "".join(parts)
    layout = layout_for(Text("", prose=True), width)
    for stop in range(0, len(whole) + step, step):
        assert layout.grow(Text(whole[:stop], prose=True))
        while not layout.done:
            layout.work(7)
    fresh = laid_out(whole, width)
    assert texts(layout) == texts(fresh)
    lines = texts(fresh)
    assert all(cells(line) <= max(width, 12) + 4 for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_headings_look_different_by_their_level() -> None:
    layout = laid_out("# One\n## Two\n### Three\n#### Four\n# Five **bold**")
    assert texts(layout) == ["One", "Two", "Three", "Four", "Five bold"]
    styles = [style_of(layout, words) for words in ("One", "Two", "Three", "Four", "Five", "bold")]
    assert styles == ["heading", "title", "subheading", "subheading", "heading", "heading"]
