"""The two themes of our own: a dark and a light ground; what colours mean on them is in `colours`."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="etaoi-dark",
    primary="#7aa2f7",
    secondary="#2ec4b6",
    accent="#7aa2f7",
    warning="#c8a15a",
    error="#f7768e",
    success="#9ece6a",
    foreground="#d7dce5",
    background="#0e1116",
    surface="#141921",
    panel="#161d29",
    variables={"footer-key-foreground": "#7aa2f7", "scrollbar": "#2a313c"},
)
LIGHT = Theme(
    name="etaoi-light",
    primary="#2456c7",
    secondary="#0a6e66",
    accent="#2456c7",
    warning="#7d5f14",
    error="#bb1f43",
    success="#39700f",
    foreground="#1b1f24",
    background="#fafbfc",
    surface="#f0f2f5",
    panel="#e8ebf0",
    dark=False,
    variables={"footer-key-foreground": "#2456c7", "scrollbar": "#c3cad4"},
)
