# ruff: noqa: F401
# row: your own code, without a framework
# expects: tool
import etaoi_tui

query = "bearings"


def find(text):
    return text.upper()


# README_LINE
