"""Lets ``python -m etaoi_tui`` do what ``etaoi-tui`` does."""

from __future__ import annotations

from etaoi_tui.cli.main import main

if __name__ == "__main__":
    main(prog_name="etaoi-tui")
