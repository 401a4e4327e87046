"""The doctor sees what is there and what is not, and leaves nothing behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_tui.cli import doctor as doctor_command
from etaoi_tui.doctor import agent, machine, viewer
from etaoi_tui.doctor.finding import Finding, State
from tests.headless.running import objects, run


def named(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


def test_a_viewer_that_is_well(tmp_path: Path) -> None:
    with Collector(CollectorOptions(port=0, state=tmp_path, watched=False)) as collector:
        findings = named(list(viewer.look(collector.endpoint, None)))
        stats = collector.stats()
    assert {what: finding.state for what, finding in findings.items()} == {
        "port": State.OK,
        "versions": State.OK,
        "token": State.OK,
        "sample": State.OK,
    }
    assert (stats.events, stats.frames, stats.connections, stats.turned_away) == (0, 0, 0, 0)
    assert not list((tmp_path / "recordings").glob("*.msgpack"))


@pytest.mark.parametrize(("brought", "state"), [(None, State.FAILED), ("no", State.FAILED), ("s3", State.OK)])
def test_a_token(tmp_path: Path, brought: str | None, state: State) -> None:
    options = CollectorOptions(port=0, record=Record.NONE, state=tmp_path, token="s3", watched=False)
    with Collector(options) as collector:
        findings = named(list(viewer.look(collector.endpoint, brought)))
    assert findings["token"].state is state
    assert ("sample" in findings) is (state is State.OK)
    assert bool(findings["token"].fix) is (state is State.FAILED)


def test_nobody_and_somebody_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        findings = named(list(viewer.look(f"127.0.0.1:{port}", None)))
        assert findings["port"].state is State.FAILED
        assert "no etaoi-tui" in findings["port"].detail
    findings = named(list(viewer.look(f"127.0.0.1:{port}", None)))
    assert findings["port"].fix == "type etaoi-tui in another terminal"


def test_the_command_prints_and_says_by_its_exit_code(tmp_path: Path) -> None:
    with Collector(CollectorOptions(port=0, record=Record.NONE, state=tmp_path, watched=False)) as collector:
        well = run(tmp_path, "doctor", "--json", collector.endpoint)
    assert well.returncode == 0, well.stdout + well.stderr
    assert {line["what"]: line["state"] for line in objects(well.stdout)}["sample"] == "ok"
    ill = run(tmp_path, "doctor", collector.endpoint)
    assert ill.returncode == 1
    assert ill.stdout.startswith("✗ port")


def test_the_agents_side(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"langchain-core": "1.8", "langgraph": "1.0", "langfuse": "4.1"}
    monkeypatch.setattr(agent, "_installed", lambda python: (installed, "3.9.1", ""))
    variables = {
        "LANGSMITH_API_KEY": "lsv2_secret",
        "LANGSMITH_ENDPOINT": "https://eu.example",
        "ETAOI_DISABLED": "1",
    }
    findings = list(agent.look("http://127.0.0.1:8787", variables))
    everything = "\n".join(f"{one.detail} {one.fix}" for one in findings)
    assert "lsv2_secret" not in everything
    assert "LANGSMITH_ENDPOINT=https://eu.example" in everything
    assert named(findings)["etaoi"].state is State.FAILED
    lines = [one.fix for one in findings if one.what == "add"]
    assert "etaoi-tui run -- python agent.py" in lines
    assert any("LANGFUSE_BASE_URL=http://127.0.0.1:8787" in line for line in lines)
    assert not any("livekit" in line or "attach_session" in line for line in lines)


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("ETAOI_TUI_STATE_DIR", str(file / "below"))
    assert named(list(machine.look()))["recordings"].state is State.FAILED
    monkeypatch.setenv("ETAOI_TUI_STATE_DIR", str(tmp_path / "new"))
    assert named(list(machine.look()))["recordings"].state is State.OK
    assert not (tmp_path / "new").exists()


def test_the_longest_name_stands_apart_from_what_is_said_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        doctor_command, "_findings", lambda *_: iter([Finding("OpenTelemetry", State.NOTE, "elsewhere")])
    )
    doctor_command.run(None, token=None, as_json=False)
    assert "OpenTelemetry elsewhere" in capsys.readouterr().out
