"""The launcher with Node: both generations of OpenTelemetry's SDK, spans at their start and at their end."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.launcher.launching import PROGRAMS, launch, whole_trees
from tests.real_env import ENVIRONMENTS

pytestmark = [
    pytest.mark.real_clients,
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no Node here"),
    pytest.mark.xdist_group("launcher_node"),
]

GENERATIONS = {
    "1": ("@opentelemetry/api@1", "@opentelemetry/sdk-trace-node@1", "@opentelemetry/sdk-trace-base@1"),
    "2": ("@opentelemetry/api@1", "@opentelemetry/sdk-trace-node@2", "@opentelemetry/sdk-trace-base@2"),
}


@pytest.fixture(scope="module", params=GENERATIONS)
def project(request: pytest.FixtureRequest) -> Path:
    """A folder with a generation of the SDK installed, and the program."""
    folder = ENVIRONMENTS / f"node-otel-{request.param}"
    if not (folder / "node_modules" / "@opentelemetry" / "sdk-trace-node").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", *GENERATIONS[request.param]],
            cwd=folder,
            check=True,
            timeout=300,
        )
    shutil.copy(PROGRAMS / "agent.mjs", folder)
    return folder


def test_spans_and_the_programs_own_exporter(tmp_path: Path, project: Path) -> None:
    ran = launch(tmp_path, "node", "agent.mjs", cwd=project)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == {"exported": ["chat m", "invoke_agent helper"], "endpoint": None}
    spans = ran.spans()
    assert whole_trees(spans) == 1
    (call,) = [span for span in spans if span["kind"] == "llm"]
    assert (call["model"], call["usage"]["input_tokens"]) == ("m", 12)


def test_a_span_arrives_when_it_starts(tmp_path: Path, project: Path) -> None:
    ran = launch(tmp_path, "node", "agent.mjs", "die", cwd=project)
    assert ran.code == 3, ran.err
    assert {span["kind"]: span["ended_at"] is None for span in ran.spans()} == {
        "sub_agent": True,
        "llm": False,
    }


def test_without_a_viewer_the_program_runs_unchanged(tmp_path: Path, project: Path) -> None:
    from etaoi_tui.launcher.environment import Mode, plan
    from tests.headless.running import environment

    variables = plan("http://127.0.0.1:9", None, Mode.AUTO, {}, tmp_path).variables
    done = subprocess.run(
        ["node", "agent.mjs"],
        cwd=project,
        env=environment(tmp_path)
        | {"NODE_OPTIONS": variables["NODE_OPTIONS"], "ETAOI_TUI_RUN": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["exported"] == ["chat m", "invoke_agent helper"]
    assert done.stderr == ""
