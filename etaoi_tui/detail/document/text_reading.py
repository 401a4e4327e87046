"""What a text is that somebody else's tool wrote: a diff, Markdown, the source of a file, or just text.

Only the beginning is looked at, so that a large result costs what a small one does. In doubt it is text,
which is shown as it came.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from etaoi_tui.detail.document.model import Text

_LOOKED_AT = 6_000
"""Characters by which a text is judged."""

_DIFF = re.compile(r"^diff --git |^--- \S.*\n\+\+\+ \S.*\n@@ -\d", re.MULTILINE)

_MARKDOWN = re.compile(
    r"(?:\A|\n\n)(?:\#{2,6}[ ]\S|\#[ ]\S.*\n\n)"  # a heading; the comment of a script stands on its code
    r"|^[ ]{0,3}(?:```|~~~)"  # a fence
    r"|^[ ]{0,3}\|?[ ]*:?-{3,}:?[ ]*\|[-:| ]*$"  # the line below a table's head
    r"|(?<![\w*/])\*\*(?=\S)[^*\n]{1,200}(?<=\S)\*\*(?![\w*/])"  # strong words
    r"|\[[^\]\n]{1,200}\]\(https?://[^)\s]+\)",  # a link
    re.MULTILINE,
)
_SIGNS_OF_MARKDOWN = 2

_LANGUAGES = {
    "bash": "bash",
    "c": "c",
    "cc": "cpp",
    "cpp": "cpp",
    "css": "css",
    "diff": "diff",
    "go": "go",
    "h": "c",
    "html": "html",
    "java": "java",
    "js": "js",
    "jsx": "js",
    "kt": "kotlin",
    "patch": "diff",
    "php": "php",
    "py": "py",
    "pyi": "py",
    "rb": "ruby",
    "rs": "rust",
    "sh": "sh",
    "sql": "sql",
    "swift": "swift",
    "toml": "toml",
    "ts": "ts",
    "tsx": "ts",
    "xml": "xml",
    "yaml": "yaml",
    "yml": "yaml",
}
"""Languages by the ends of file names."""

_FILE_ARGUMENTS = ("file_path", "path", "filename", "file_name", "file", "target_file")


def text_block(text: str, file_name: str = "") -> Text:
    """Return a text that a tool wrote as what it is.

    Args:
        text: The text, as it came.
        file_name: Name of the file that it may be the content of; empty if nothing tells.
    """
    head = text[:_LOOKED_AT]
    if _DIFF.search(head):
        return Text(text, language="diff")
    suffix = PurePosixPath(file_name.replace("\\", "/")).suffix[1:].lower()
    # One line is what a tool says of the file and not what stands in it.
    if suffix and "\n" in text.strip():
        if suffix in ("md", "markdown"):
            return Text(text, prose=True)
        if suffix in _LANGUAGES:
            return Text(text, language=_LANGUAGES[suffix])
    signs = 0
    for _ in _MARKDOWN.finditer(head):
        signs += 1
        if signs >= _SIGNS_OF_MARKDOWN:
            return Text(text, prose=True)
    return Text(text)


def file_named(arguments: object) -> str:
    """Return the name of the file that a tool was asked about; empty if its arguments name none."""
    if not isinstance(arguments, dict):
        return ""
    names = (arguments.get(name) for name in _FILE_ARGUMENTS)
    return next((name for name in names if isinstance(name, str) and name), "")
