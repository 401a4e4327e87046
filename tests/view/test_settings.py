"""A person's keymap and theme: what is understood is taken, what is not is named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from etaoi_tui.commands import load_commands
from etaoi_tui.view.settings import Settings, load_settings
from etaoi_tui.widgets.textual_internals import key_name
from etaoi_tui.widgets.user_themes import load_themes

COMMANDS = load_commands()


def load(folder: Path, text: str) -> Settings:
    (folder / "config.toml").write_text(text, "utf-8")
    return load_settings(folder / "config.toml", COMMANDS, key_name)


def test_keys_are_written_as_a_person_would(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        'theme = "nord"\n[keys]\n"error.next" = ["f2", "Ctrl+E"]\nvoice.worst = "?"\n"copy.open" = []\n'
        '[voice.thresholds]\nheard_gap = [1, 2]\n',
    )  # fmt: skip
    assert settings.problems == []
    assert settings.theme == "nord"
    assert settings.keys == {
        "error.next": ("f2", "ctrl+e"),
        "voice.worst": ("question_mark",),
        "copy.open": (),
    }
    commands = COMMANDS.with_keys(settings.keys)
    assert commands["help.show"].keys == ("f1",)
    assert commands["copy.open"].shown_key == ""


def test_invalid_settings_are_named_with_their_line(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '# mine\ntheme = 5\n\n[keys]\n"error.nxt" = "e"\n"error.next" = ["hyper+x", "f2"]\n'
        'error.previous = "f2"\n"copy.open" = 3\n',
    )
    path = tmp_path / "config.toml"
    assert settings.problems == [
        f"{path}:2: a theme is a name in quotes",
        f'{path}:5: "error.nxt" is no command; ? lists them',
        f'{path}:6: "hyper+x" is no key',
        f'{path}:7: "f2" is the key of "error.next" already',
        f'{path}:8: "3" is no key',
    ]
    assert settings.keys == {"error.next": ("f2",)}


@pytest.mark.parametrize(
    ("data", "line"), [(b"[keys\n", 1), (b'a = 1\nb = "\n', 2), (b"\xff", 1), (b"keys = 3\n", 1)]
)
def test_a_broken_file_leaves_the_defaults(tmp_path: Path, data: bytes, line: int) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(data)
    settings = load_settings(path, COMMANDS, key_name)
    assert settings.keys == {} and settings.theme == ""
    assert len(settings.problems) == 1 and settings.problems[0].startswith(f"{path}:{line}: ")


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "config.toml", COMMANDS, key_name) == Settings()
    assert load_themes(tmp_path / "themes") == ([], [])


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("e", "e"), ("E", "E"), ("?", "question_mark"), ("/", "slash"), ("f12", "f12"), ("Ctrl+W", "ctrl+w"),
        ("shift+Tab", "shift+tab"), ("ctrl+shift+up", "ctrl+shift+up"), ("PageUp", "pageup"), ("+", "plus"),
        ("ctrl++", "ctrl+plus"), ("question_mark", "question_mark"), ("space", "space"), (" ", "space"),
        ("", None), ("nokey", None), ("hyper+x", None), ("\x1b", None), ("ctrl+", None),
    ],
)  # fmt: skip
def test_names_of_keys(written: str, name: str | None) -> None:
    assert key_name(written) == name


def test_a_theme_is_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "themes"
    folder.mkdir()
    (folder / "mine.toml").write_text(
        'primary = "#7aa2f7"\ndark = false\n[variables]\n"footer-key" = "red"\n'
    )
    (folder / "odd.toml").write_text('dark = 1\nprimary = "blue"\nsecundary = "red"\nerror = "reddish"\n')
    (folder / "empty.toml").write_text("")
    (folder / "broken.toml").write_text("primary = \n")
    themes, problems = load_themes(folder)
    assert [theme.name for theme in themes] == ["mine", "odd"]
    assert (themes[0].primary, themes[0].dark, themes[0].variables) == (
        "#7aa2f7",
        False,
        {"footer-key": "red"},
    )
    assert themes[1].dark is True and themes[1].error is None
    text = "\n".join(problems)
    assert f"{folder / 'odd.toml'}:1: dark is true or false" in text
    assert f'{folder / "odd.toml"}:3: "secundary" is no part of a theme' in text
    assert f'{folder / "odd.toml"}:4: error: "reddish" is no colour' in text
    assert f"{folder / 'empty.toml'}:1: a theme needs a colour called primary" in text
    assert f"{folder / 'broken.toml'}:1: not understood" in text
