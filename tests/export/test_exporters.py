"""Formats that spans are written in: found by being there, with the same spans, safe against content."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

import etaoi_tui.export
from etaoi_tui.export import door as exporting
from etaoi_tui.export.door import EXPORTERS, ExporterRegistry, Extract
from etaoi_tui.screens.copy_menu import CopyMenu
from tests.detail.recorded import CAPTURES, Recorded, load
from tests.scribe import Scribe

COUNT = """
from etaoi_tui.export.door import Exporter


def write(extract, out):
    out.write(f"{sum(1 for _ in extract.spans())} spans\\n")


EXPORTER = Exporter(name="count", label="how many", suffix=".txt", write=write)
"""


def everything(recorded: Recorded) -> Extract:
    return Extract(list(recorded.store.traces.values()), recorded.source, 0.0)


def test_a_file_in_the_folder_is_all_that_a_new_format_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "count.py").write_text(COUNT)
    monkeypatch.setattr(etaoi_tui.export, "__path__", [*etaoi_tui.export.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "etaoi_tui.export.count", raising=False)
    exporters = ExporterRegistry()
    recorded = load("s01_create_agent")
    assert exporters.get("count").text(everything(recorded)) == f"{len(recorded.spans)} spans"
    assert list(exporters.all) == ["count", "json-lines", "markdown", "text-log", "text-tree"]


def test_another_distribution_names_a_format_and_show_writes_it(tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(COUNT)
    (tmp_path / "broken.py").write_text("raise OSError('no disk')")
    info = tmp_path / "counting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{exporting.ENTRY_POINT_GROUP}]\ncount = counting:EXPORTER\nbroken = broken:EXPORTER\n"
    )
    command = [sys.executable, "-c", "from etaoi_tui.cli.main import main; main()", "show"]

    def run(name: str) -> subprocess.CompletedProcess[str]:
        recording = str(CAPTURES / "s01_create_agent.msgpack")
        paths = [str(tmp_path), *sys.path]
        return subprocess.run(
            [*command, recording, "--format", name],
            capture_output=True, text=True, timeout=60, check=False, env={"PYTHONPATH": ":".join(paths)},
        )  # fmt: skip

    done = run("count")
    assert (done.returncode, done.stdout) == (0, f"{len(load('s01_create_agent').spans)} spans\n"), (
        done.stderr
    )
    done = run("svg")
    assert done.returncode == 1 and not done.stdout
    assert "No format 'svg'; there are count, json-lines, markdown, text-log, text-tree." in done.stderr
    assert "The format broken was skipped: OSError: no disk" in done.stderr


def test_what_is_no_exporter_is_skipped_said_and_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "nothing.py").write_text("EXPORTER = 7")
    monkeypatch.setattr(etaoi_tui.export, "__path__", [*etaoi_tui.export.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "etaoi_tui.export.nothing", raising=False)
    exporters = ExporterRegistry()
    with caplog.at_level(logging.WARNING, exporting.__name__):
        assert "markdown" in exporters.all
    assert exporters.failures == ["The format nothing was skipped: not an Exporter"]
    assert "nothing skipped" in caplog.text


@pytest.mark.parametrize("name", sorted(path.stem for path in CAPTURES.glob("*.msgpack")))
def test_every_format_writes_every_recording(name: str) -> None:
    recorded = load(name)
    texts = {n: exporter.text(everything(recorded)) for n, exporter in EXPORTERS.all.items()}
    ids = [json.loads(line)["span_id"] for line in texts["json-lines"].splitlines()]
    assert sorted(ids) == sorted(span.span_id for span in recorded.spans if not span.placeholder)
    assert texts["text-tree"] in texts["markdown"]
    for span in recorded.spans:
        if span.kind in ("llm", "tool"):
            assert f"span `{span.span_id}`" in texts["markdown"]
    assert len(texts["text-log"].splitlines()) <= len(ids)


def test_a_subtree_is_cut_with_a_word_about_it() -> None:
    recorded = load("s01_create_agent")
    top = next(span for span in recorded.spans if span.kind == "sub_agent")
    extract = Extract([], recorded.source, 0.0, subtree=top, plumbing=True, most_spans=5)
    lines = EXPORTERS.get("json-lines").text(extract).splitlines()
    assert len(lines) == 6 and json.loads(lines[0])["span_id"] == top.span_id
    assert json.loads(lines[-1]) == {"cut": "more than 5 spans; see etaoi-tui show --json"}
    assert "More than 5 spans" in EXPORTERS.get("markdown").text(extract)
    extract.most_spans = 10_000
    assert "cut" not in json.loads(EXPORTERS.get("json-lines").text(extract).splitlines()[-1])


def test_no_content_ends_a_block_of_markdown_or_reaches_the_terminal() -> None:
    recorded, scribe = Recorded(), Scribe("hostile")
    tool = scribe.start("tool", "rm `-rf` <b>\x1b[2J", payload={"input": "a\n```\n# owned\x1b[31m\n````` x"})
    scribe.end(tool, {"output": "x" * 9_000})
    recorded.send(*scribe.take())
    text = EXPORTERS.get("markdown").text(everything(recorded))
    assert "\x1b" not in text
    lines = text.splitlines()
    assert lines.count("``````text") == lines.count("``````") == 1
    assert "rm \\`-rf\\` \\<b\\>" in text and "(5,000 more characters)" in text


def test_copying_goes_through_the_formats() -> None:
    recorded = load("s01_create_agent")
    top = next(span for span in recorded.spans if span.kind == "sub_agent")
    menu = CopyMenu(top, recorded.payloads, None, 0.0)
    formats = {letter: make() for letter, _, _, make in menu._choices}
    extract = Extract([], recorded.source, 0.0, subtree=top, plumbing=True)
    assert formats["b"] == EXPORTERS.get("json-lines").text(extract)
    assert formats["m"] == EXPORTERS.get("markdown").text(extract)
