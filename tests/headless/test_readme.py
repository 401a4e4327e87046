"""The README promises nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import etaoi_tui
from etaoi_collector.recording.directory import STATE_DIR_VARIABLE
from etaoi_collector.store.model import Status
from etaoi_tui.cli import main as cli
from etaoi_tui.commands import load_commands
from tests.headless.running import invoke, objects

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

_NAMED = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "plus": "+",
    "underscore": "_",
    "vertical_line": "\\|",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "exclamation_mark": "!",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "full_stop": ".",
    "comma": ",",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "enter": "⏎",
    "escape": "esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


def keys_in_table() -> set[str]:
    """All keys of the README's table."""
    table = README.partition("| keys |")[2].partition("\n\n")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    return {key.lower() if len(key) > 1 else key for cell in cells for key in re.findall(r"`([^`]+)`", cell)}


def test_every_command_has_a_key_in_the_table() -> None:
    """And every key in the table has a command."""
    documented = keys_in_table()
    bound_keys: set[str] = set()
    for action in load_commands():
        keys = {_NAMED.get(key, key).replace("ctrl+", "Ctrl+") for key in action.keys}
        keys = {key.lower() if len(key) > 1 else key for key in keys}
        bound_keys |= keys
        if action.id != "pane.previous":  # the way back of the one before it
            assert keys & documented, action.id
    assert documented <= bound_keys


def test_every_command_line_can_be_parsed() -> None:
    """Options and commands of the README exist."""
    commands = {"": cli.main, **cli.main.commands}
    command_lines = re.findall(r"(?:`|\$ )etaoi-tui((?: [^`\n|]*)?)", README)
    assert len(command_lines) > 8
    for line in command_lines:
        line = re.split(r" -- | #", line)[0]  # what comes then is another program's, or said to the reader
        words = line.replace("[", " ").replace("]", " ").replace("\\", "").split()
        name = words[0] if words and words[0] in commands else ""
        options = {option for param in commands[name].params for option in param.opts}
        assert {word for word in words if word.startswith("-")} <= options, line


def test_fields_of_json_are_those_of_the_code() -> None:
    """The README lists exactly the keys that the commands print, and the states there are."""
    capture = ROOT / "tests" / "captures" / "s01_create_agent.msgpack"
    fields_text = README.partition("A trace has ")[2].partition("\n\n")[0]
    trace, _, rest = fields_text.partition("A span has ")
    span, _, states = rest.partition("A status is ")
    for text, arguments in ((trace, ("ls", capture)), (span, ("show", capture))):
        first = objects(invoke(*arguments, "--json").stdout)[0]
        assert re.findall(r"`(\w+)`", text) == list(first)
    assert re.findall(r"`(\w+)`", states) == [status.value for status in Status]


def test_public_names_exist() -> None:
    """What the README calls in the SDK is there."""
    names = set(re.findall(r"etaoi_tui\.(\w+)\(", README))
    assert {"attach", "span", "instrument"} <= names <= set(etaoi_tui.__all__)


def test_environment_variables_are_read_somewhere() -> None:
    """Every variable of the table occurs in the code."""
    table = README.partition("| variable |")[2].partition("\n\n")[0]
    names = set(re.findall(r"`([A-Z_]{4,})`", table)) - {"NO_COLOR"}  # Textual's own
    assert STATE_DIR_VARIABLE in names
    code = "".join(
        path.read_text() for folder in ("etaoi_tui", "collector") for path in (ROOT / folder).rglob("*.py")
    )
    for name in names:
        assert f'"{name}"' in code, name


@pytest.mark.parametrize("target", ["demo", "test", "test-all"])
def test_make_targets_exist(target: str) -> None:
    """So do the targets of make."""
    assert f"make {target}" in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
