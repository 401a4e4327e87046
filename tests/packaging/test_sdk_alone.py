"""The small distribution by itself, in an environment that has nothing else: an agent's."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from etaoi_collector import Collector, CollectorOptions
from etaoi_tui.cli.main import main
from tests.packaging.clean import Environment

pytestmark = pytest.mark.packaging

MOST_DISTRIBUTIONS = 5
MOST_BYTES = 8 << 20
OF_THE_VIEWER = {"textual", "rich", "click", "msgpack", "platformdirs", "zstandard", "genai_prices"}

BY_HAND = """
import etaoi_tui

tracer = etaoi_tui.open_tracer({where})
outer = tracer.start("sub_agent", "outer")
with etaoi_tui.use_span(outer), etaoi_tui.span("inner", kind="tool", input=[1]) as inner:
    inner.set_output("found")
tracer.end(outer)
"""

AN_AGENT = """
import etaoi_tui
from langchain_core.runnables import RunnableLambda

agent = (RunnableLambda(str) | RunnableLambda(len, name="inner")).with_config(run_name="outer")
tracer = etaoi_tui.attach(agent, {where})
assert agent.invoke(123) == 3
"""

IN_MEMORY = """
answer = [event["metadata"]["name"] for event in tracer.sink.events if event["kind"] == "span_start"]
"""

SIZE = """
from importlib.metadata import distributions, files

answer = sum(
    path.locate().stat().st_size
    for name in {names}
    for path in files(name)
    if path.suffix != ".pyc"
)
"""

LOAD_ALL = """
import importlib, sys

failed = {{}}
for name in {modules}:
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed[name] = error.name
answer = [failed, [name.partition(".")[0] for name in sys.modules]]
"""

ASK_FOR_THE_COLLECTOR = """
try:
    from etaoi_collector import Collector
except ImportError as error:
    answer = str(error)
"""


@pytest.fixture(scope="module", params=["by hand", "an agent"])
def program(request: pytest.FixtureRequest) -> tuple[Environment, str]:
    """A program that makes two spans, and an environment with what it needs."""
    if request.param == "by hand":
        return request.getfixturevalue("sdk_alone"), BY_HAND
    return request.getfixturevalue("sdk_with_langchain"), AN_AGENT


@pytest.fixture(scope="module")
def sdk_with_langchain(release: Path, clean: Callable[..., Environment]) -> Environment:
    if "ETAOI_TUI_SDK_ENVIRONMENT" in os.environ:
        return Environment(Path(os.environ["ETAOI_TUI_SDK_ENVIRONMENT"]))
    (wheel,) = release.glob("etaoi_tui_sdk-*.whl")
    return clean(f"{wheel}[langchain]")


def spans_in(recording: Path) -> dict[str, str]:
    """Names and statuses of a recording's spans, as the viewer reads them."""
    result = CliRunner().invoke(main, ["show", str(recording), "--json"])
    assert result.exit_code == 0, result.output
    spans = [json.loads(line) for line in result.stdout.splitlines()]
    return {span["name"]: span["status"] for span in spans if span["kind"] != "agent_context"}


def test_an_environment_stays_small(sdk_alone: Environment) -> None:
    """Few distributions and few bytes, none of them the viewer's."""
    installed = sdk_alone.distributions()
    if "ETAOI_TUI_SDK_ENVIRONMENT" in os.environ:
        installed = {name: installed[name] for name in ("etaoi-tui-sdk", "msgspec", "websockets")}
    assert set(installed) == {"etaoi-tui-sdk", "msgspec", "websockets"}
    assert len(installed) <= MOST_DISTRIBUTIONS
    assert sdk_alone.ask(SIZE.format(names=sorted(installed))) <= MOST_BYTES


def test_every_module_loads_and_none_draws(sdk_alone: Environment, release: Path) -> None:
    """What a wheel holds can be imported with what the wheel needs, bridges with their framework."""
    (wheel,) = release.glob("etaoi_tui_sdk-*.whl")
    modules = sorted(
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in zipfile.ZipFile(wheel).namelist()
        if name.endswith(".py")
    )
    failed, loaded = sdk_alone.ask(LOAD_ALL.format(modules=modules))
    assert set(failed.values()) <= {"langchain_core"}, failed
    assert not OF_THE_VIEWER & set(loaded)


def test_what_belongs_to_the_viewer_is_said_in_a_sentence(sdk_alone: Environment) -> None:
    """No bare name of a missing module."""
    message = sdk_alone.ask(ASK_FOR_THE_COLLECTOR)
    assert message.startswith("etaoi_collector.Collector belongs to the viewer")
    assert "pip install etaoi-tui" in message


def test_spans_into_memory(program: tuple[Environment, str]) -> None:
    """For tests of one's own agent."""
    environment, code = program
    assert {"outer", "inner"} <= set(environment.ask(code.format(where="sink='memory'") + IN_MEMORY))


def test_spans_into_a_file(program: tuple[Environment, str], tmp_path: Path) -> None:
    """The viewer opens what the SDK wrote without it."""
    environment, code = program
    file = tmp_path / "run.msgpack"
    environment.run("-c", code.format(where=f"sink={str(file)!r}"))
    spans = spans_in(file)
    assert (spans["outer"], spans["inner"]) == ("ok", "ok")


def test_spans_to_a_viewer(program: tuple[Environment, str], tmp_path: Path) -> None:
    """Over a socket, to a collector in another process with other packages."""
    environment, code = program
    file = tmp_path / "run.msgpack"
    with Collector(CollectorOptions(port=0, record=file, state=tmp_path)) as collector:
        environment.run("-c", code.format(where=f"server_url={collector.endpoint!r}"))
    spans = spans_in(file)
    assert (spans["outer"], spans["inner"]) == ("ok", "ok")
