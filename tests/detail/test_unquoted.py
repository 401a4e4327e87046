"""JSON text that is one string is shown as that string."""

from __future__ import annotations

import json

import pytest

from etaoi_tui.detail.document.model import JsonText, Text
from etaoi_tui.detail.messages.chat import unquoted, value_block


@pytest.mark.parametrize("text", ["", "one", "two\nlines", 'a "quoted" word', "日本語\t\x1b[2J"])
def test_a_string_comes_back_with_its_line_breaks(text: str) -> None:
    assert unquoted(json.dumps(text)) == text


def test_a_truncated_string_keeps_its_note() -> None:
    whole = json.dumps("line\n" * 50)
    assert unquoted(f"{whole[:61]}… [truncated 241 chars of 302]") == (
        "line\n" * 10 + "… [truncated 241 chars of 302]"
    )


@pytest.mark.parametrize(
    "value",
    [None, 3, "plain words", '"no" JSON', '"no" JSON… [truncated 9 chars]', '"open', '{"a": 1}', ["x"]],
)
def test_anything_else_stays_as_it_is(value: object) -> None:
    assert unquoted(value) is value


def test_text_is_shown_as_text_and_json_as_json() -> None:
    assert value_block('"a\\nb"') == Text("a\nb")
    assert value_block('{"a": 1}') == JsonText('{"a": 1}')
