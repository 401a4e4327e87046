"""Markdown for issues and chats: the tree, what failed, and what models and tools were given and answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from etaoi_collector.conventions.lenient import Map
from etaoi_collector.projections.objects import span_object
from etaoi_collector.projections.trace_names import trace_name
from etaoi_tui.export import text_tree
from etaoi_tui.export.door import Exporter, Extract
from etaoi_tui.text import one_line, printable

_LONGEST = 4_000
"""Characters of one value; more is a matter for ``json-lines``."""

_HEADING_CELLS = 100
_WRITTEN = ("llm", "tool")
_BACKTICKS = re.compile(r"`+")


def write(extract: Extract, out: TextIO) -> None:
    """Write the tree, then a section for each model call, tool call and failed span."""
    out.write(f"# {_title(extract)}\n\n")
    out.writelines(_fenced(text_tree.EXPORTER.text(extract), "text", None))
    for span in extract.spans():
        if span.kind in _WRITTEN or span.error is not None:
            out.writelines(_section(span_object(span, extract.payloads, extract.now, extract.totals)))
    if extract.is_cut():
        out.write(f"\nMore than {extract.most_spans:,} spans: the rest is left out.\n")


def _title(extract: Extract) -> str:
    if extract.subtree is not None:
        name = extract.subtree.name or extract.subtree.kind
    elif len(extract.traces) == 1:
        name = trace_name(extract.traces[0])
    else:
        name = f"{len(extract.traces):,} traces"
    return _escaped(name)


def _section(span: Map) -> Iterator[str]:
    yield f"\n## {_escaped(span['name'] or span['kind'])}\n\n"
    facts = [span["kind"], span["status"]]
    if span["duration_ms"] is not None:
        facts.append(f"{span['duration_ms']:,.0f} ms")
    if span["model"]:
        facts.append(_escaped(span["model"]))
    if span["cost_usd"] is not None:
        facts.append(f"${span['cost_usd']:.4f}")
    yield f"{' · '.join(facts)} · span `{span['span_id']}`\n"
    for title, value in (("Error", span["error"]), ("Input", span["input"]), ("Output", span["output"])):
        if value not in (None, "", {}, []):
            yield f"\n{title}:\n\n"
            yield from _fenced(*_as_text(value))


def _as_text(value: Any) -> tuple[str, str]:
    """Return a value as text, and the language that it is in."""
    if isinstance(value, str):
        return value, "text"
    return json.dumps(value, ensure_ascii=False, indent=2, default=str), "json"


def _fenced(text: str, language: str, longest: int | None = _LONGEST) -> Iterator[str]:
    """Yield a block of code that no text can end from within."""
    more = len(text) - longest if longest is not None else 0
    text = text[:longest]
    lines = "\n".join(printable(line) for line in text.split("\n"))
    fence = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(lines)), default=0))
    yield f"{fence}{language}\n{lines}\n{fence}\n"
    if more > 0:
        yield f"\n({more:,} more characters)\n"


def _escaped(text: str) -> str:
    """Return text on one line in which nothing is Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~])", r"\\\1", one_line(text, _HEADING_CELLS))


EXPORTER = Exporter(name="markdown", label="Markdown", suffix=".md", write=write)
