"""What the loomcycle server of the tests plays, and how a scenario is run against it."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any

from loomcycle_server import Server, event, pb, serve, usage, use
from three import Stage

SEGMENTS = [{"role": "user", "content": [{"type": "trusted-text", "text": "Find it."}]}]
HAS_NEWER = "awaiting_input" in pb.Event.DESCRIPTOR.fields_by_name
TWO_CALLS = [
    event("started"),
    event("retry", retry=pb.Retry(provider="p", attempt=1, wait_ms=20, reason="exponential backoff")),
    event("thinking", text="hm "),
    event("text", text="I will "),
    event("text", text="look."),
    event("tool_call", tool_use=use("HTTP", "tu_1", {"url": "https://x.test/a?key=1"})),
    event("tool_call", tool_use=use("Read", "tu_2", {"path": "a"})),
    event("usage", usage=usage(10, 4, read=3)),
    event(
        "host_widened",
        host_widening=pb.HostWidening(
            tool_call_id="tu_1",
            tool_name="HTTP",
            url="https://user:SECRET-pw@x.test/a?token=SECRET-token",
            hook_owner="o",
            hook_name="h",
            hosts_added=["x.test"],
        ),
    ),
    event("tool_result", tool_use=use("Read", "tu_2"), text="no such file", is_error=True),
    event("tool_result", tool_use=use("HTTP", "tu_1"), text="200 OK"),
    event("text", text="Found."),
    event("usage", usage=usage(20, 5)),
    event("done", stop_reason="end_turn", usage=usage(30, 9)),
]


def scenario(work: Callable[[Stage, Server, Any], Any]) -> Callable[[Stage], Any]:
    @functools.wraps(work)
    async def run(stage: Stage) -> None:
        server, grpc_server, client = await serve()
        stage.watch(client)
        try:
            await work(stage, server, client)
        finally:
            stage.tell(["requests", sorted(server.requests)])
            await client.close()
            await grpc_server.stop(None)

    return run


def plain(item: Any) -> Any:
    fields = dataclasses.asdict(item) if dataclasses.is_dataclass(item) else dict(item)
    return {key: repr(value) for key, value in fields.items() if value}


async def all_of(stream: Any) -> list[Any]:
    return [plain(item) async for item in stream]


def agent_events(kind: str = "tool_call") -> list[Any]:
    one = {"name": "digger", "prompt": "dig"}
    many = {
        "op": "parallel_spawn",
        "spawns": [{"name": "l", "prompt": "left"}, {"name": "r", "prompt": "right"}],
    }
    results = {
        "results": [
            {"index": 1, "agent": "r", "ok": False, "error": "stuck"},
            {"index": 0, "agent": "l", "ok": True, "output": "went left"},
        ]
    }
    return [
        event("started"),
        event(kind, tool_use=use("Agent", "tu_1", one)),
        event(kind, tool_use=use("Agent", "tu_2", many)),
        event("usage", usage=usage(1, 1)),
        event("tool_result", tool_use=use("Agent", "tu_2"), text=json.dumps(results)),
        event("tool_result", tool_use=use("Agent", "tu_1"), text="dug"),
        event("text", text="All dug."),
        event("usage", usage=usage(2, 2)),
        event("done", stop_reason="end_turn", usage=usage(3, 3)),
    ]


def transcript(at: float, text: str) -> list[tuple[float, str, Any]]:
    return [
        (at, "system_prompt", {"system_prompt": "Be brief."}),
        (at, "user_input", [{"role": "user", "content": [{"type": "trusted-text", "text": "Do it."}]}]),
        (at + 1, "started", {"type": "started"}),
        (at + 2, "text", {"type": "text", "text": text}),
        (
            at + 2,
            "tool_call",
            {"type": "tool_call", "tool_use": {"id": "tu_1", "name": "Read", "input": {"p": 1}}},
        ),
        (
            at + 3,
            "usage",
            {
                "type": "usage",
                "usage": {
                    "input_tokens": 7,
                    "output_tokens": 3,
                    "model": "m-2",
                    "cache_read_input_tokens": 2,
                    "provider": "p",
                },
            },
        ),
        (
            at + 4,
            "tool_result",
            {"type": "tool_result", "text": "read", "tool_use": {"id": "tu_1", "name": "Read"}},
        ),
        (at + 4, "provider_fallback", {"type": "provider_fallback", "fallback": {"failed_model": "m-0"}}),
        (at + 5, "text", {"type": "text", "text": "done."}),
        (
            at + 6,
            "usage",
            {"type": "usage", "usage": {"input_tokens": 9, "output_tokens": 1, "model": "m-2"}},
        ),
        (at + 6, "done", {"type": "done", "stop_reason": "end_turn", "usage": {"input_tokens": 16}}),
    ]
