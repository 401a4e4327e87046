"""Each recipe of ``docs/extending.md`` works: its file alone, in a copy of the tree, does what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAPER = (ROOT / "docs" / "extending.md").read_text()
BLOCK = re.compile(r"```(?:python|toml)\n# file: (\S+)\n(.*?)```", re.S)
RECIPES = {path: f"# file: {path}\n{code}" for path, code in BLOCK.findall(PAPER)}
LONGEST = 40

WRITE = """
import uuid, msgpack
from etaoi_collector.wire.trace_records import TraceWriter
ids = {name: str(uuid.uuid4()) for name in ("session_id", "trace_id", "span_id")}
def event(kind, payload, **more):
    told = {**ids, "kind": kind, "event_id": str(uuid.uuid4()), "parent_span_id": None, "payload": payload}
    told |= {"node_kind": "guardrail", "timestamp": "2026-01-02T03:04:05Z", "metadata": {"name": "profanity"}}
    return {**told, **more}
writer = TraceWriter("run.msgpack", writer="test")
batch = [event("span_start", {"rule": "no swearing"}), event("span_end", {"verdict": "clean enough"})]
writer.append_frame(1.0, 1, msgpack.packb([{"schema_version": "0.5.1", "batch": batch}]))
writer.close()
"""

CHECKS = {
    "etaoi_tui/commands/shouting.py": """
from types import SimpleNamespace
from etaoi_tui.commands import load_commands
shout = load_commands()["span.shout"]
assert shout.keys == ("ctrl+t",)
said = []
shout.run(SimpleNamespace(selection=SimpleNamespace(span=SimpleNamespace(name="dig")), answer=said.append))
assert said == ["DIG"]
""",
    "config/themes/harbour.toml": """
from pathlib import Path
from etaoi_tui.widgets.user_themes import load_themes
themes, problems = load_themes(Path("config/themes"))
assert ([theme.name for theme in themes], problems) == (["harbour"], []), (themes, problems)
assert themes[0].primary == "#7aa2f7"
""",
    "etaoi_tui/sdk/bridges/crew.py": """
import types, etaoi_tui
crew = types.SimpleNamespace(on_begin=[], on_end=[])
with etaoi_tui.watch(crew, sink="memory") as handle:
    for listener in crew.on_begin: listener("dig")
    for listener in crew.on_end: listener("dig", "a hole")
    assert handle.flush()
    events = handle.sink.events
assert [(e["kind"], e["node_kind"]) for e in events] == [("span_start", "tool"), ("span_end", "tool")], events
assert events[1]["payload"] == {"output": "a hole"}
assert crew.on_begin == crew.on_end == []
""",
    "collector/etaoi_collector/receivers/echo.py": """
import urllib.request
from etaoi_collector import Collector, CollectorOptions, Record
with Collector(CollectorOptions(port=0, record=Record.NONE)) as collector:
    port = collector.endpoint.split(":")[2].split("/")[0]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/echo", data=b"abc", method="POST")
    assert urllib.request.urlopen(request, timeout=60).read() == b'{"bytes": 3}\\n'
""",
    "collector/etaoi_collector/readers/job_log.py": """
import json, pathlib, subprocess, sys
pathlib.Path("jobs.log").write_text("job dig 1700000000 2.5\\nnonsense\\njob fill 1700000003 1\\n")
command = [sys.executable, "-m", "etaoi_tui", "show", "jobs.log", "--json"]
shown = subprocess.run(command, capture_output=True, text=True)
spans = [json.loads(line) for line in shown.stdout.splitlines()]
assert [(s["name"], s["kind"], s["duration_ms"]) for s in spans] == [
    ("dig", "tool", 2500.0), ("fill", "tool", 1000.0)], shown
""",
    "etaoi_tui/detail/viewers/guardrail.py": WRITE
    + """
import subprocess, sys
command = [sys.executable, "-m", "etaoi_tui", "show", "run.msgpack"]
shown = subprocess.run(command, capture_output=True, text=True)
assert "⛨ profanity" in shown.stdout and "clean enough" in shown.stdout, shown
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_tui.cli.load_recording import load
from etaoi_tui.detail.document.model import section_text
from etaoi_tui.detail.span_document import describe_span
with load("run.msgpack") as loaded:
    (trace,) = loaded.store.traces.values()
    document = describe_span(trace.spans[0], RecordedPayloads(loaded.source), 1.0)
assert document.tabs[0].key == "guardrail", document
assert "no swearing" in "".join(section_text(section) for section in document.tabs[0].sections)
""",
    "etaoi_tui/view/columns/finish.py": WRITE.replace('"guardrail"', '"llm"').replace(
        '{"verdict": "clean enough"}', '{"response": {"text": "So"}, "finish_reason": "length"}'
    )
    + """
from etaoi_tui.cli.load_recording import load
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.visible_rows import TreeRows
from etaoi_tui.widgets.span_painter import SpanPainter
with load("run.msgpack") as loaded:
    (trace,) = loaded.store.traces.values()
    rows = TreeRows()
    rows.show(trace)
    painter = SpanPainter(rows, Summaries(loaded.source), lambda trace: trace.ended_at)
    def line(width): return "".join(text for text, _ in painter.draw(rows.spans[0], 0, width))
    before, name, _ = line(130).partition("profanity")
    assert name and before.split()[-2:] == ["length", "✦"], line(130)
    assert "length" not in line(99), line(99)
    assert not painter.columns.failures
""",
    "etaoi_tui/export/csv_spans.py": WRITE
    + """
import subprocess, sys
command = [sys.executable, "-m", "etaoi_tui", "show", "run.msgpack", "--format", "csv"]
shown = subprocess.run(command, capture_output=True, text=True)
head, line = shown.stdout.splitlines()
assert head == "span_id,kind,name,status,duration_ms", shown
assert line.split(",")[1:] == ["guardrail", "profanity", "ok", "0.0"], line
""",
}


@pytest.mark.parametrize("path", sorted(RECIPES))
def test_a_recipe(tmp_path: Path, path: str) -> None:
    code = RECIPES[path]
    assert len(code.splitlines()) <= LONGEST
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "etaoi_tui", tmp_path / "etaoi_tui", ignore=ignore)
    shutil.copytree(ROOT / "collector", tmp_path / "collector", ignore=ignore)
    target = tmp_path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(code)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ETAOI")}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(tmp_path / "collector")]),
        "ETAOI_TUI_STATE_DIR": str(tmp_path / "state"),
        "ETAOI_TUI_CONFIG": str(tmp_path / "config" / "config.toml"),
    }
    done = subprocess.run(
        [sys.executable, "-c", CHECKS[path]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_recipe_is_tried() -> None:
    assert set(RECIPES) == set(CHECKS)
