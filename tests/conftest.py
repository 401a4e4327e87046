"""Settings that must hold before Textual is imported: a person's shell must not change a picture."""

from __future__ import annotations

import os

for _name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_DIM_FACTOR", "TEXTUAL_FPS", "ETAOI_TUI_THEME"):
    os.environ.pop(_name, None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"
