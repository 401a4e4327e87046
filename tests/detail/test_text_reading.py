"""What tools write shows as what it is: a diff, Markdown, the source of a file, JSON, or text."""

from __future__ import annotations

from typing import Any

import pytest

from etaoi_tui.detail.document.model import Block, Json, JsonText, Text
from etaoi_tui.detail.document.text_reading import text_block
from etaoi_tui.detail.layout.block_layout import layout_for
from etaoi_tui.detail.messages.chat import value_block
from tests.detail.pages import end, start
from tests.detail.test_viewers import described

DIFF = """Applied:
diff --git a/x.py b/x.py
--- a/x.py
+++ b/x.py
@@ -1,2 +1,2 @@
 def f():
-    return 1
+    return 2
"""
MARKDOWN = "# Report\n\nIt is **warm**, says [the office](https://weather.example/x).\n\n- one\n- two\n"
SCRIPT = "# set up\nimport os\n\n# go\nx = 2**3**4\nprint(os.environ)\n"
LOG = "[INFO] started\n[WARN] slow ** very ** slow\n--- done\n"


def styled(block: Block) -> dict[str, set[str]]:
    """Return the styles of each line that is not blank."""
    layout = layout_for(block, 200)
    layout.work(1_000_000)
    lines = (layout.line(n) for n in range(layout.count))
    return {"".join(t for t, _ in runs): {s for t, s in runs if t.strip()} for runs in lines if runs}


def test_a_diff_has_the_colours_of_a_diff() -> None:
    lines = styled(value_block(DIFF))
    assert lines["-    return 1"] == {"diff.removed"}
    assert lines["+    return 2"] == {"diff.added"}
    assert lines["@@ -1,2 +1,2 @@"] == {"accent"}
    assert lines["--- a/x.py"] == {"title"}
    assert lines[" def f():"] == lines["Applied:"] == {""}


@pytest.mark.parametrize("text", [DIFF, DIFF.replace("diff --git a/x.py b/x.py\n", "")])
def test_a_diff_is_one_with_and_without_the_head_of_git(text: str) -> None:
    assert text_block(text) == Text(text, language="diff")


def test_markdown_reads_as_markdown() -> None:
    assert value_block(MARKDOWN) == Text(MARKDOWN, prose=True)
    assert "Report" in styled(value_block(MARKDOWN)), "a heading is without its mark"


@pytest.mark.parametrize("text", [SCRIPT, LOG, "one **word** only", "- a\n- b", "a --- b\n+++ c\n", ""])
def test_ambiguous_text_stays_unchanged(text: str) -> None:
    assert value_block(text) == Text(text)


@pytest.mark.parametrize(
    ("file_name", "block"),
    [
        ("/src/x.PY", Text(SCRIPT, language="py")),
        ("C:\\notes\\x.md", Text(SCRIPT, prose=True)),
        ("x.exe", Text(SCRIPT)),
        ("", Text(SCRIPT)),
    ],
)
def test_the_requested_file_name_decides_the_language(file_name: str, block: Block) -> None:
    assert text_block(SCRIPT, file_name) == block


def test_a_tools_message_about_a_file_is_not_source_code() -> None:
    assert text_block("Updated file x.py\n", "x.py") == Text("Updated file x.py\n")


@pytest.mark.parametrize("value", ['{"a": 1}', "[1, 2]", ' [{"a": null}]', "[]", "{'no': json}"])
def test_json_is_json(value: str) -> None:
    assert value_block(value) == JsonText(value)


def test_values_are_json() -> None:
    assert value_block([1]) == Json([1])


@pytest.mark.parametrize("arguments", [{"file_path": "/src/x.py"}, '{"path": "x.py", "limit": 5}'])
@pytest.mark.parametrize(
    "output", [SCRIPT, {"type": "tool", "content": SCRIPT, "tool_call_id": "c1", "name": "read_file"}]
)
def test_a_tool_that_read_a_file_shows_its_source(arguments: Any, output: Any) -> None:
    document = described(start(1, "tool", {"inputs": arguments}), end(1, "tool", {"outputs": output}))
    result = next(s for s in document.tabs[0].sections if s.key == "result")
    assert Text(SCRIPT, language="py") in result.blocks
    assert {"json.number"} <= styled(result.blocks[0])["import os"]


def test_only_the_beginning_of_a_text_is_inspected() -> None:
    text = "words " * 100_000
    assert text_block(text + MARKDOWN) == Text(text + MARKDOWN)


TRACEBACK = """\
Traceback (most recent call last):
  File "tools.py", line 51, in summary_of
    raise RuntimeError(f"exit {code}")
          ^^^^^^^^^^^^
RuntimeError: exit 1
"""


def test_a_traceback_has_highlighted_source_and_its_last_line_as_the_failure() -> None:
    frames = [
        start(1, "tool", {"input": "{}"}),
        end(1, "tool", {"traceback": TRACEBACK}, error="RuntimeError('exit 1')"),
    ]
    (section,) = [one for one in described(*frames).tabs[0].sections if one.key == "error"]
    lines = styled(section.blocks[-1])
    assert lines['  File "tools.py", line 51, in summary_of'] == {"muted"}
    assert lines["RuntimeError: exit 1"] == {"error"}
    assert {"json.number", "json.string"} <= lines['    raise RuntimeError(f"exit {code}")']
    assert lines["          ^^^^^^^^^^^^"] == {"muted"}
