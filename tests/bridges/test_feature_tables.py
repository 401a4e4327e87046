"""The tables of ``docs/systems.md`` against the packages' own surface: what is new there turns red here."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from etaoi_collector.conventions.hive.event_types import EVENT_TYPES
from tests.bridges.hive_bus import FIRST_TYPES, NEWER_TYPES
from tests.bridges.real import RUNTIME, VERSIONS
from tests.real_env import ETAOI, ROOT, real_env

PAGE = (ROOT / "docs/systems.md").read_text("utf-8")


def table(title: str) -> dict[str, str]:
    """The rows of a table: names, and how they show."""
    section = PAGE.partition(f"### {title}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, re.MULTILINE)
    assert rows, title
    names = [name for name, _ in rows]
    assert len(names) == len(set(names)), "a name stands twice"
    return dict(rows)


def surface(python: Path, source: str) -> Any:
    """What a program prints as JSON that runs where a package is installed."""
    done = subprocess.run([str(python), "-c", source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


PUBLIC = "[n for n in dir(X) if not n.startswith('_')]"


@pytest.mark.real_clients
def test_every_call_of_loomcycle_and_every_field_of_its_events() -> None:
    python = real_env("bridge-loomcycle-newest", VERSIONS["loomcycle"]["newest"], *RUNTIME)
    calls, fields = surface(
        python,
        "import json, dataclasses; from loomcycle import LoomcycleClient as X;"
        "from loomcycle.events import AgentEvent;"
        f"print(json.dumps([{PUBLIC}, [f.name for f in dataclasses.fields(AgentEvent)]]))",
    )
    assert set(table("loomcycle: client")) == set(calls)
    assert set(table("loomcycle: fields of a stream's events")) == set(fields)


@pytest.mark.real_clients
def test_every_member_of_voxagents_agent_and_every_event() -> None:
    python = real_env("bridge-voxagent-newest", VERSIONS["voxagent"]["newest"], *RUNTIME)
    members, events = surface(
        python,
        "import json, inspect; from voxagent import Agent as X; import voxagent.streaming.events as e;"
        "events = [n for n, o in vars(e).items() if inspect.isclass(o) and n.endswith('Event')];"
        f"print(json.dumps([{PUBLIC}, events]))",
    )
    assert set(table("voxagent: Agent")) == set(members)
    assert set(table("voxagent: stream events")) == set(events)


@pytest.mark.real_clients
def test_every_public_name_of_etaoi_and_every_variable_that_it_reads() -> None:
    python = real_env("etaoi", *ETAOI)
    names, variables = surface(
        python,
        "import json, re, pathlib, etaoi, etaoi.sinks as s;"
        "sources = [p.read_text() for p in pathlib.Path(etaoi.__file__).parent.rglob('*.py')];"
        "sinks = [n for n in dir(s) if n.endswith('Sink')];"
        "found = {v for t in sources for v in re.findall(r'ETAOI_[A-Z_]+[A-Z]', t)};"
        "print(json.dumps([[*etaoi.__all__, *sinks], sorted(found)]))",
    )
    documented = table("etaoi: public names")
    assert set(names) <= set(documented)
    assert set(documented) - set(names) <= {
        "trace_id", "emit_agent_context", "build_agent_context", "flush_open_spans",
        "attach_session", "AttachedSessionHandle",
    }  # fmt: skip
    documented_variables = table("etaoi: environment")
    assert set(variables) == set(documented_variables)
    readme = (ROOT / "README.md").read_text("utf-8")
    for name, how in documented_variables.items():
        assert (f"`{name}`" in readme) is how.startswith("read"), name


def test_every_event_type_of_hive() -> None:
    assert set(table("Hive: event types")) == set(EVENT_TYPES)
    assert set(EVENT_TYPES) >= {*FIRST_TYPES, *NEWER_TYPES}


def test_the_types_of_the_real_bus_where_there_is_one() -> None:
    folder = os.environ.get("ETAOI_TUI_HIVE")
    if not folder:
        pytest.skip("ETAOI_TUI_HIVE names no folder with Hive's framework package")
    source = "\n".join(path.read_text("utf-8") for path in Path(folder).rglob("event_bus.py"))
    types = set(re.findall(r'^    [A-Z_]+ = "([a-z_]+)"', source, re.MULTILINE))
    assert types and types <= set(EVENT_TYPES)
