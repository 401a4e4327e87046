"""What a program is told, and that nothing of the user's own is overruled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from etaoi_tui.launcher import environment
from etaoi_tui.launcher.environment import NODE, PYTHON, Mode, plan
from etaoi_tui.launcher.families import FAMILIES

URL = "http://127.0.0.1:8787"


@pytest.fixture(autouse=True)
def _no_collector_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_is_foreign_collector", lambda: False)


def test_all_families_are_told_where_to_send(tmp_path: Path) -> None:
    variables = plan(URL, None, Mode.AUTO, {}, tmp_path).variables
    assert variables["LANGSMITH_ENDPOINT"] == variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == URL
    assert variables["LANGFUSE_BASE_URL"] == variables["LOGFIRE_BASE_URL"] == URL
    assert variables["TRACELOOP_BASE_URL"] == variables["PHOENIX_COLLECTOR_ENDPOINT"] == URL
    assert variables["ETAOI_TUI_RUN"] == URL
    assert "ETAOI_HOST" not in variables


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_family_that_is_configured_is_left_alone(tmp_path: Path, family: object, where: str) -> None:
    for mark in family.marks:  # type: ignore[attr-defined]
        variables = {mark: "mine"} if where == "environment" else {}
        if where == ".env":
            (tmp_path / ".env").write_text(f"# of mine\nOTHER=1\n  export {mark}='mine'\n")
        planned = plan(URL, None, Mode.AUTO, variables, tmp_path)
        assert not planned.variables.keys() & family.variables.keys()  # type: ignore[attr-defined]
        assert len(planned.left_alone) == 1
        assert mark in planned.left_alone[0]


def test_what_prompts_are_captured_for_is_not_set_for_a_users_own_backend(tmp_path: Path) -> None:
    planned = plan(URL, None, Mode.AUTO, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://mine"}, tmp_path)
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" not in planned.variables
    assert "OTEL_BSP_SCHEDULE_DELAY" not in planned.variables


def test_paths_and_options_are_added_to(tmp_path: Path) -> None:
    inherited = {"PYTHONPATH": f"/a{os.pathsep}/b", "NODE_OPTIONS": "--max-old-space-size=100"}
    variables = plan(URL, None, Mode.AUTO, inherited, tmp_path).variables
    assert variables["PYTHONPATH"].split(os.pathsep) == [str(PYTHON), "/a", "/b"]
    assert variables["NODE_OPTIONS"] == f'--require "{NODE}" --max-old-space-size=100'
    again = plan(URL, None, Mode.AUTO, variables, tmp_path).variables
    assert (again["PYTHONPATH"], again["NODE_OPTIONS"]) == (
        variables["PYTHONPATH"],
        variables["NODE_OPTIONS"],
    )


@pytest.mark.parametrize(("mode", "prefix"), [(Mode.LANGSMITH, "LANG"), (Mode.OTEL, "OTEL_")])
def test_a_restricted_mode_sets_one_familys_variables(tmp_path: Path, mode: Mode, prefix: str) -> None:
    variables = plan(URL, None, mode, {}, tmp_path).variables
    assert variables
    assert all(name.startswith(prefix) for name in variables)


def test_a_token_and_another_port_are_told(tmp_path: Path) -> None:
    variables = plan("http://127.0.0.1:9001", "s3cret", Mode.AUTO, {}, tmp_path).variables
    assert variables["ETAOI_HOST"] == "ws://127.0.0.1:9001"
    assert variables["ETAOI_PROJECT_TOKEN"] == variables["LANGSMITH_API_KEY"] == "s3cret"
    assert variables["LANGFUSE_SECRET_KEY"] == variables["ETAOI_TUI_RUN_TOKEN"] == "s3cret"
    assert variables["OTEL_EXPORTER_OTLP_HEADERS"] == "x-api-key=s3cret"
    mine = plan("http://127.0.0.1:9001", "s3cret", Mode.AUTO, {"ETAOI_HOST": "h"}, tmp_path)
    assert "ETAOI_HOST" not in mine.variables
