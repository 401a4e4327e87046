from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from etaoi_collector.wire.addresses import is_loopback
from etaoi_tui.sdk.config import is_disabled, open_tracer, resolve_agent_id, resolve_url
from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.options import TracerOptions
from etaoi_tui.sdk.transport.endpoint import Endpoint


@pytest.mark.parametrize(
    ("host", "server_url", "url"),
    [
        (None, None, "ws://127.0.0.1:8787/ingest"),
        ("", "", "ws://127.0.0.1:8787/ingest"),
        ("", "ws://box:1/x", "ws://box:1/x"),
        ("cloud.example", None, "wss://cloud.example/ingest"),
        ("cloud.example:9000/in", None, "wss://cloud.example:9000/in"),
        ("https://cloud.example", "ws://127.0.0.1:1/ingest", "wss://cloud.example/ingest"),
        ("http://cloud.example/", None, "ws://cloud.example/ingest"),
        ("ftp://cloud.example/x?y=1", None, "wss://cloud.example/x?y=1"),
        (None, "cloud.example", "wss://cloud.example/ingest"),
        (None, " ws://box:8787 ", "ws://box:8787/ingest"),
        (None, "WSS://box/other", "wss://box/other"),
        ("localhost:8787", None, "ws://localhost:8787/ingest"),
        ("127.0.0.1", None, "ws://127.0.0.1/ingest"),
        ("[::1]:8787", None, "ws://[::1]:8787/ingest"),
        ("10.0.0.5:8787", None, "wss://10.0.0.5:8787/ingest"),
    ],
)
def test_urls_follow_the_rules_of_the_reference(host: str | None, server_url: str | None, url: str) -> None:
    assert resolve_url(host, server_url) == url


@pytest.mark.parametrize(
    ("host", "here"),
    [
        *(("localhost", True), ("LOCALHOST.", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True)),
        *(("example.com", False), ("10.0.0.1", False), ("localhost.example.com", False), ("", False)),
    ],
)
def test_loopback_is_recognised(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.parametrize("name", ["ETAOI_DISABLED", "AGENTVIZ_DISABLED"])
@pytest.mark.parametrize(
    ("value", "off"), [("1", True), ("true", True), (" YES ", True), ("0", False), ("", False), ("on", False)]
)
def test_the_environment_switches_it_off(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, off: bool
) -> None:
    monkeypatch.setenv(name, value)
    assert is_disabled() is off
    tracer = open_tracer(sink="memory")
    assert tracer.enabled is not off
    tracer.end(tracer.start("llm", "m"))
    assert tracer.flush()
    tracer.close()


def test_parameters_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETAOI_HOST", "cloud.example")
    monkeypatch.setenv("ETAOI_AGENT_ID", "from env")
    assert open_tracer().sink.url == "wss://cloud.example/ingest"
    assert open_tracer(host="localhost").sink.url == "ws://localhost/ingest"
    assert resolve_agent_id(None) == "from env"
    assert resolve_agent_id("given") == "given"


def test_max_text_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETAOI_MAX_TEXT", "100")
    assert Limits.from_environment().text == 100
    for nonsense in ("many", "-5", ""):
        monkeypatch.setenv("ETAOI_MAX_TEXT", nonsense)
        assert Limits.from_environment() == Limits()


def test_sinks_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_tracer(sink="noop").sink is None
    for sink in ("memory", "msgpack-drop", "file", "run.msgpack", tmp_path / "a"):
        tracer = open_tracer(sink=sink)
        assert tracer.sink is not None
        tracer.start("llm", "m")
        assert tracer.flush()
        assert tracer.stats.sent == 1
        tracer.close()
    assert {path.suffix for path in tmp_path.iterdir()} == {".msgpack", ""}
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(("sink", "error"), [("wss", ValueError), (5, TypeError), (object(), TypeError)])
def test_an_unknown_sink_is_refused_with_a_clear_error(sink: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="sink"):
        open_tracer(sink=sink)


def test_credentials_in_a_url_are_not_shown() -> None:
    assert Endpoint("wss://user:secret@box:99/ingest").address == "box:99"


def test_the_options_type_has_the_parameters_of_open_tracer() -> None:
    assert set(TracerOptions.__annotations__) == set(inspect.signature(open_tracer).parameters)


def test_an_explicit_server_url_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETAOI_HOST", "cloud.example")
    urls = []
    for options in ({}, {"server_url": "ws://127.0.0.1:9"}, {"host": "127.0.0.1:8", "server_url": "ws://x"}):
        tracer = open_tracer(**options)
        assert tracer.pipeline is not None
        urls.append(tracer.pipeline.key[1])
        tracer.close()
    assert urls == ["wss://cloud.example/ingest", "ws://127.0.0.1:9/ingest", "ws://127.0.0.1:8/ingest"]
