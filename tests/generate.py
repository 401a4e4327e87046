"""Event histories that follow the etaoi protocol, made from a seed: the test data of this project.

Everything here is deterministic: the same seed gives the same bytes. Sizes and shapes are those that
recordings of the real SDK show (a model call carries about 2 KB of messages, a tool 500 B, a framework step
300 B, and every LangChain span its metadata twice: about 1.4 KB an event).

A `Scribe` writes single events; the functions here write whole traces; `frames` packs them as they travel.
"""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgpack

from etaoi_collector.wire.trace_records import TraceWriter
from tests.scribe import EPOCH_MICROSECONDS, Clock, Event, Ids, Open, Scribe
from tests.voices import voice_call

__all__ = [
    "EPOCH_MICROSECONDS",
    "SCHEMA_VERSION",
    "UGLY",
    "Clock",
    "Event",
    "Ids",
    "Open",
    "Scribe",
    "agent_trace",
    "big_trace",
    "deep_trace",
    "frame",
    "frames",
    "hello",
    "hook",
    "model_call",
    "repeated",
    "session_uuid",
    "shuffled",
    "thinned",
    "tool_call",
    "traffic",
    "ugly_trace",
    "voice_call",
    "wide_trace",
    "write_trace",
]

SCHEMA_VERSION = "0.5.1"

# ---------------------------------------------------------------------------------------------- agents


def _langgraph(agent: str, node: str, step: int, task: str) -> dict[str, str]:
    """The metadata that LangGraph puts on every span inside a node."""
    return {
        "ls_integration": "langchain_create_agent",
        "lc_agent_name": agent,
        "langgraph_step": str(step),
        "langgraph_node": node,
        "langgraph_triggers": f"('branch:to:{node}',)",
        "langgraph_path": f"('__pregel_pull', '{node}')",
        "langgraph_checkpoint_ns": f"{node}:{task}",
    }


def model_call(
    scribe: Scribe, parent: Open, agent: str, *, step: int = 1, pieces: int = 0, calls: Sequence[str] = ()
) -> None:
    """One graph node ``model`` with the model call in it.

    Args:
        scribe: who writes.
        parent: the agent's span.
        agent: its name.
        step: LangGraph's step number.
        pieces: how many pieces of streamed text come before the end; the reference SDK sends none.
        calls: names of the tools that the answer asks for.
    """
    task = scribe.new_id()
    meta = _langgraph(agent, "model", step, task)
    node = scribe.start(
        "middleware",
        "model",
        parent,
        {"inputs": '{"messages": "' + scribe.prose(400) + '"}', "input_keys": ["messages"]},
        metadata={**meta, "tags": f"graph:step:{step}", "lc_chain_kind": "graph_node"},
        agent=agent,
    )
    scribe.clock.advance(300)
    llm = scribe.start(
        "llm",
        "fake-gpt-5",
        node,
        {
            "input_messages": [
                {"role": "system", "text": scribe.prose(700)},
                {"role": "human", "text": scribe.prose(400)},
                {"role": "ai", "text": scribe.prose(600)},
                {"role": "human", "text": scribe.prose(300)},
            ]
        },
        metadata={
            **meta,
            "ls_provider": "fakeai",
            "ls_model_name": "fake-gpt-5",
            "ls_model_type": "chat",
            "ls_temperature": "0.2",
        },
        agent=agent,
    )
    answer = scribe.prose(max(240, 12 * pieces))
    step_size = -(-len(answer) // pieces) if pieces else len(answer)
    for at in range(0, len(answer) if pieces else 0, step_size):
        scribe.clock.advance(15_000)
        scribe.say(llm, answer[at : at + step_size])
    scribe.clock.advance(400_000)
    asked = [
        {"name": name, "args": {"query": scribe.prose(30)}, "id": f"call_{scribe.new_id()[:8]}"}
        for name in calls
    ]
    tokens_in, tokens_out = scribe.random.randrange(200, 9000), scribe.random.randrange(5, 800)
    scribe.end(
        llm,
        {
            "response": {"role": "ai", "text": answer, **({"tool_calls": asked} if asked else {})},
            "usage": {
                "input_tokens": tokens_in,
                "output_tokens": tokens_out,
                "total_tokens": tokens_in + tokens_out,
                "input_token_details": {"cache_creation": 0, "cache_read": tokens_in // 2},
                "output_token_details": {"reasoning": 0},
                "cache_read_input_tokens": tokens_in // 2,
            },
            "model": "fake-gpt-5",
            "model_name": "fake-gpt-5",
            **({"ttft_ms": 15} if pieces else {}),
        },
    )
    scribe.clock.advance(200)
    scribe.end(node, {"outputs": '[{"__type__": "Command", "update": "' + scribe.prose(260) + '"}]'})


def tool_call(
    scribe: Scribe, parent: Open, agent: str, name: str, *, step: int = 2, error: str | None = None
) -> None:
    """One graph node ``tools`` with one tool in it; ``error`` is how the tool failed, as ``repr(exc)``."""
    meta = _langgraph(agent, "tools", step, scribe.new_id())
    node = scribe.start(
        "middleware",
        "tools",
        parent,
        {"inputs": '{"name": "' + name + '", "args": "' + scribe.prose(300) + '"}'},
        metadata={**meta, "tags": f"graph:step:{step}", "lc_chain_kind": "graph_node"},
        agent=agent,
    )
    tool = scribe.start(
        "tool", name, node, {"input": '{"query": "' + scribe.prose(460) + '"}'}, metadata=meta, agent=agent
    )
    scribe.clock.advance(80_000)
    if error is None:
        scribe.end(
            tool, {"output": '{"content": "' + scribe.prose(440) + '", "type": "tool", "status": "success"}'}
        )
        scribe.end(node, {"outputs": scribe.prose(280)})
    else:
        scribe.end(tool, error=error)
        scribe.end(node, error=error)


def hook(scribe: Scribe, parent: Open, agent: str, label: str, *, step: int = 1) -> None:
    """One middleware hook (``Guard.before_model``) as LangGraph runs it."""
    meta = _langgraph(agent, label, step, scribe.new_id())
    span = scribe.start(
        "middleware",
        label,
        parent,
        {"inputs": '{"messages": "' + scribe.prose(260) + '"}'},
        metadata={**meta, "lc_chain_kind": "hook", "lc_hook": label.rpartition(".")[2]},
        agent=agent,
    )
    scribe.clock.advance(90)
    scribe.end(span, {"outputs": ""})


def agent_trace(
    scribe: Scribe,
    name: str = "researcher",
    *,
    turns: int = 3,
    tools: int = 2,
    pieces: int = 0,
    sub_agents: int = 0,
    failing: bool = False,
    parent: Open | None = None,
) -> Open:
    """A LangChain agent's run: hooks, then ``turns`` model calls, each followed by tool calls.

    Args:
        scribe: who writes.
        name: the agent.
        turns: model calls; the last asks for no tool.
        tools: tool calls after each model call but the last.
        pieces: streamed pieces a model call.
        sub_agents: how many agents the first tool of the first turn starts.
        failing: the last tool raises, and the run with it.
        parent: the span that it runs in; None starts a trace.

    Returns:
        The agent's span, ended.
    """
    root = scribe.start(
        "sub_agent",
        name,
        parent,
        {"inputs": '{"messages": [["user", "' + scribe.prose(80) + '"]]}', "input_keys": ["messages"]},
        metadata={
            "ls_integration": "langchain_create_agent",
            "lc_agent_name": name,
            "lc_chain_kind": "sub_agent",
        },
        agent=name,
    )
    scribe.clock.advance(500)
    hook(scribe, root, name, "Guard.before_agent")
    names = ("search", "read_page", "lookup_order", "run_tests")
    error = None
    for turn in range(turns):
        last = turn == turns - 1
        asked = [] if last else [names[(turn + i) % len(names)] for i in range(tools)]
        model_call(scribe, root, name, step=2 * turn + 1, pieces=pieces, calls=asked)
        for number, tool in enumerate(asked):
            if failing and turn == turns - 2 and number == len(asked) - 1:
                error = f"ValueError('upstream 503 for {tool}')"
            tool_call(scribe, root, name, tool, step=2 * turn + 2, error=error)
        if turn == 0:
            for number in range(sub_agents):
                agent_trace(scribe, f"{name}-helper-{number}", turns=2, tools=1, parent=root)
        if error:
            break
    scribe.clock.advance(500)
    if error:
        scribe.end(root, error=error)
    else:
        scribe.end(
            root, {"outputs": '{"messages": "' + scribe.prose(300) + '"}', "output_keys": ["messages"]}
        )
    return root


# ----------------------------------------------------------------------------------------------- shapes


def wide_trace(scribe: Scribe, children: int) -> Open:
    """A root with that many finished tools right below it."""
    root = scribe.start("sub_agent", "wide", metadata={"lc_chain_kind": "sub_agent"})
    for number in range(children):
        tool = scribe.start("tool", f"tool_{number}", root, {"input": f'{{"n": {number}}}'})
        scribe.clock.advance(100)
        scribe.end(tool, {"output": str(number)})
    scribe.end(root, {"outputs": "done"})
    return root


def deep_trace(scribe: Scribe, depth: int) -> Open:
    """A chain of spans, each the only child of the one before."""
    chain: list[Open] = []
    for level in range(depth):
        chain.append(
            scribe.start("middleware", f"level {level}", chain[-1] if chain else None, {"inputs": "{}"})
        )
        scribe.clock.advance(10)
    for span in reversed(chain):
        scribe.end(span, {"outputs": ""})
    return chain[0]


def big_trace(scribe: Scribe, spans: int, *, group: int = 100) -> Iterator[list[Event]]:
    """One trace of that many spans, in pieces: agents of ``group`` small tools below a root that stays open.

    The root is called ``big``, its tools ``row-0000001`` and on, so that each can be found on a screen.
    """
    root = scribe.start("sub_agent", "big", metadata={"lc_chain_kind": "sub_agent"}, agent="big")
    span_count = 1
    while span_count < spans:
        agent = scribe.start(
            "sub_agent", f"group-{span_count:07d}", root, metadata={"lc_chain_kind": "sub_agent"}
        )
        span_count += 1
        for _ in range(min(group - 1, spans - span_count)):
            tool = scribe.start("tool", f"row-{span_count:07d}", agent, {"input": '{"query": "turbines"}'})
            scribe.clock.advance(50)
            scribe.end(tool, {"output": "found nothing"})
            span_count += 1
        scribe.end(agent, {"outputs": "{}"})
        yield scribe.take()


UGLY: tuple[str, ...] = (
    "\x1b]52;c;bWFsaWNl\x07copied",
    "\x1b[2J\x1b[Hwiped",
    "\x9b31mred",
    "\x1b]8;;https://example.com/\x1b\\click\x1b]8;;\x1b\\",
    "nul\x00 bell\x07 del\x7f back\x08",
    "line one\nline two\r\nline three\ttabbed",
    "right\u202eleft \u2066isolated\u2069",
    "zero\u200bwidth\u200c\ufeffspaces",
    "family \U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 heart \u2764\ufe0f",
    "flag \U0001f1f3\U0001f1f4",
    "日本語のテキスト 全角",
    "e\u0301\u0301\u0301 combining",
    "tags \U000e0041\U000e0042",
    "[/] [bold]markup[/bold] [/",
    "[link=https://example.com]link[/link] [@click=app.quit]quit[/]",
    "{'a': [1, 2], \"b\": null} %s %d {} {0}",
    "",
    " ",
    "a" * 5000,
)
"""Texts that break viewers: escape codes, bidi controls, wide and joined characters, markup, long lines."""


def ugly_trace(scribe: Scribe, *, huge: int = 1_000_000) -> Open:
    """Spans whose every text is one of `UGLY`, and one with a value of ``huge`` characters."""
    root = scribe.start("sub_agent", UGLY[0], metadata={"lc_chain_kind": "sub_agent", UGLY[1]: UGLY[2]})
    for text in UGLY:
        tool = scribe.start(
            "tool", text, root, {"input": text}, metadata={"customer": text, text or "empty": "x"}
        )
        scribe.say(tool, text)
        scribe.end(tool, {"output": text}, error=f"ValueError({text!r})" if len(text) % 2 else text or None)
    llm = scribe.start("llm", UGLY[8], root, {"input_messages": [{"role": "human", "text": "x" * huge}]})
    scribe.end(llm, {"response": {"role": "ai", "text": "\n".join(UGLY)}, "model": UGLY[9]})
    scribe.end(root, {"outputs": "y" * huge})
    return root


# ----------------------------------------------------------------------------------- what a network does


def shuffled(events: Sequence[Event], seed: int) -> list[Event]:
    """The same events in another order."""
    mixed = list(events)
    random.Random(f"shuffle:{seed}").shuffle(mixed)
    return mixed


def repeated(events: Sequence[Event], seed: int, share: float = 0.2) -> list[Event]:
    """Some events twice, the second time later: what a client does that reconnects."""
    rng = random.Random(f"repeat:{seed}")
    out = list(events)
    for event in events:
        if rng.random() < share:
            out.insert(rng.randrange(out.index(event) + 1, len(out) + 1), event)
    return out


def thinned(events: Sequence[Event], seed: int, share: float = 0.2) -> tuple[list[Event], list[Event]]:
    """Split into what arrives and what is lost on the way."""
    rng = random.Random(f"thin:{seed}")
    arrived: list[Event] = []
    lost: list[Event] = []
    for event in events:
        (lost if rng.random() < share else arrived).append(event)
    return arrived, lost


# ---------------------------------------------------------------------------------------------- packing


def hello(schema_version: str = SCHEMA_VERSION, role: str = "ingest") -> bytes:
    """The first message of a client."""
    return bytes(
        msgpack.packb(
            {"kind": "hello", "schema_version": schema_version, "sdk_version": schema_version, "role": role}
        )
    )


def frame(events: Sequence[Event], *, per_envelope: int = 1, schema_version: str = SCHEMA_VERSION) -> bytes:
    """Pack events into one message: an array of envelopes (the reference puts one event into each)."""
    envelopes = [
        {"schema_version": schema_version, "batch": list(events[at : at + per_envelope])}
        for at in range(0, len(events), per_envelope)
    ]
    return bytes(msgpack.packb(envelopes))


def frames(events: Iterable[Event], per_frame: int = 16, *, per_envelope: int = 1) -> Iterator[bytes]:
    """Pack a history into messages of ``per_frame`` events."""
    source = iter(events)
    while batch := list(itertools.islice(source, per_frame)):
        yield frame(batch, per_envelope=per_envelope)


def session_uuid(text: str) -> str:
    """The id that the SDK makes from a session string."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"etaoi:session:{text}"))


def traffic(seed: int = 0, *, pieces: int = 0, sessions: int = 4) -> Iterator[Event]:
    """Agent traces without end: what a busy afternoon with ``sessions`` clients looks like.

    Traces of the clients are written one after the other, of three to eight turns, every ninth with a failing
    tool, every seventh with sub-agents; about 1.4 KB an event.
    """
    clock = Clock()
    scribes = [Scribe(f"{seed}:{number}", clock=clock) for number in range(sessions)]
    for number in itertools.count():
        scribe = scribes[number % sessions]
        agent_trace(
            scribe,
            ("researcher", "planner", "indexer", "reviewer")[number % 4],
            turns=3 + number % 6,
            pieces=pieces,
            sub_agents=2 if number % 7 == 6 else 0,
            failing=number % 9 == 8,
        )
        yield from scribe.take()


def write_trace(path: Path, events: int, *, seed: int = 0, per_frame: int = 16, last: str = "") -> int:
    """Write a trace file of that many events of `traffic`, about ten seconds for a million.

    Args:
        path: a file that does not exist.
        events: how many; the last traces may break off, as in a recording that was stopped.
        seed: of the traffic.
        per_frame: events in a message.
        last: name of one more, short and complete trace at the end.

    Returns:
        How many spans the file holds.
    """
    spans = 0

    def counted() -> Iterator[Event]:
        nonlocal spans
        for event in itertools.islice(traffic(seed), events):
            spans += event["kind"] == "span_start"
            yield event

    began = EPOCH_MICROSECONDS / 1e6
    writer = TraceWriter(path, writer="tests", created=began, recording=f"generated-{seed}")
    writer.opened(began, 1, peer="127.0.0.1:50000", client="etaoi-schema 0.5.1", hello=hello())
    at = began
    for at, message in zip(itertools.count(began, 0.01), frames(counted(), per_frame), strict=False):
        writer.append_frame(at, 1, message)
    if last:
        scribe = Scribe(last, clock=Clock(round(at * 1_000_000)))
        span = scribe.start("sub_agent", last, metadata={"lc_chain_kind": "sub_agent"}, agent=last)
        scribe.end(span, {"outputs": "{}"})
        writer.append_frame(at, 1, frame(scribe.take()))
        spans += 1
    writer.closed(at, 1, code=1000)
    writer.close()
    return spans
