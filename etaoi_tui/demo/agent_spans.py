"""Spans shaped like those of a LangGraph agent: nodes, hooks, probes, model calls and tools.

Payloads have the shapes that the etaoi SDKs send for LangChain, so that the detail pane shows what it can.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_tui.demo.clock import Story
from etaoi_tui.demo.span_writer import SpanWriter
from etaoi_tui.sdk.ids import id_text
from etaoi_tui.sdk.tracer import Span

Message = dict[str, Any]
"""A chat message: ``role``, ``text``, and ``tool_calls`` or ``name`` where they apply."""

_PREVIEW_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one model call took and gave."""

    input_tokens: int
    output_tokens: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0

    def usage(self) -> dict[str, Any]:
        """The usage map of a call's end."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "input_token_details": {"cache_read": self.cached, "cache_creation": self.written},
            "output_token_details": {"reasoning": self.reasoning},
            "cache_read_input_tokens": self.cached,
            "cache_creation_input_tokens": self.written,
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model call streams and answers."""

    text: str
    seconds: float
    tokens: Tokens
    ttft: float
    reasoning: str = ""
    reasoning_seconds: float = 0.0
    tool_calls: Sequence[Mapping[str, Any]] = ()


@dataclass(slots=True)
class Agent:
    """A named agent with its model, its conversation and its place in the tree."""

    stage: SpanWriter
    name: str
    model: str
    provider: str
    system: str
    tools: tuple[str, ...]
    root: Span | None = None
    context: Span | None = None
    messages: list[Message] = field(default_factory=list)
    step: int = 0

    def metadata(self, name: str, **more: str) -> dict[str, str]:
        """The metadata of one of the agent's spans."""
        metadata = {"name": name, "lc_agent_name": self.name, **more}
        if self.context is not None:
            metadata["agent.context_id"] = id_text(self.context.span_id)
            metadata["agent.context_hash"] = self.hash
        return metadata

    @property
    def hash(self) -> str:
        """Sixteen hex digits that stand for the agent's set-up."""
        return hashlib.sha256(f"{self.name}{self.model}{self.system}{self.tools}".encode()).hexdigest()[:16]

    # the agent and its graph

    def introduce(self, tools: Sequence[Mapping[str, Any]], middleware: Sequence[Mapping[str, Any]]) -> None:
        """Send the snapshot of the agent's set-up, as a root in a trace of its own."""
        hooks = [f"{entry['name']}.{hook}" for entry in middleware for hook in entry["hooks"]]
        nodes = [hook for hook in hooks if "wrap" not in hook]
        order = ["__start__", *[n for n in nodes if "before" in n], "model"]
        edges = [{"src": a, "dst": b, "condition": None} for a, b in pairwise(order)]
        edges += [
            {"src": "model", "dst": "tools", "condition": "tool calls"},
            {"src": "tools", "dst": "model", "condition": None},
            {"src": "model", "dst": "__end__", "condition": "no tool calls"},
        ]
        self.context = self.stage.start(
            "agent_context",
            self.name,
            {
                "framework": "langchain",
                keys.AGENT_NAME: self.name,
                "agent_id": None,
                "hash": self.hash,
                keys.SYSTEM_PROMPT: self.system,
                "tools": list(tools),
                "llm": {"model": self.model, "provider": self.provider, "temperature": 0.2},
                "stt": None,
                "tts": None,
                "vad": None,
                "turn_detector": None,
                keys.MCP_SERVERS: [{"name": "docs", "transport": "stdio", "tools": ["fetch_page"]}],
                "graph": {
                    "nodes": [{"id": n, "label": n, "kind": None} for n in (*order, "tools", "__end__")],
                    "edges": edges,
                    "entrypoint": None,
                },
                "middleware": list(middleware),
            },
            metadata={"name": self.name, "lc_agent_name": self.name, "agent.context_hash": self.hash},
            agent=self.name,
        )
        self.stage.end(self.context)

    def begin(self, question: str, parent: Span | None = None) -> Span:
        """Start the agent's run."""
        self.messages = [{"role": "human", "text": question}]
        self.root = self.stage.start(
            "sub_agent",
            self.name,
            {keys.INPUTS: self._state(), keys.INPUT_KEYS: ["messages"]},
            parent=parent,
            metadata=self.metadata(
                self.name, lc_chain_kind="sub_agent", ls_integration="langchain_create_agent"
            ),
            agent=self.name,
        )
        return self.root

    def finish(self) -> None:
        """End the agent's run."""
        if self.root is not None:
            self.stage.end(self.root, {keys.OUTPUTS: self._state(), keys.OUTPUT_KEYS: ["messages"]})

    def node(self, name: str) -> Span:
        """Start a node of the graph."""
        self.step += 1
        return self.stage.start(
            "middleware",
            name,
            {keys.INPUTS: self._state(), keys.INPUT_KEYS: ["messages"]},
            parent=self.root,
            metadata=self.metadata(
                name,
                lc_chain_kind="graph_node",
                langgraph_node=name,
                langgraph_step=str(self.step),
                tags=f"graph:step:{self.step}",
            ),
            agent=self.name,
        )

    def leave(self, node: Span) -> None:
        """End a node of the graph."""
        self.stage.end(node, {keys.OUTPUTS: self._state(last=1), keys.OUTPUT_KEYS: ["messages"]})

    def hook(self, owner: str, hook: str, seconds: float) -> Story:
        """Play a middleware's hook that changes nothing."""
        self.step += 1
        name = f"{owner}.{hook}"
        span = self.stage.start(
            "middleware",
            name,
            {keys.INPUTS: self._state(), keys.INPUT_KEYS: ["messages"]},
            parent=self.root,
            metadata=self.metadata(
                name, lc_chain_kind="hook", lc_hook=hook, langgraph_node=name, langgraph_step=str(self.step)
            ),
            agent=self.name,
        )
        yield seconds
        self.stage.end(span, {keys.OUTPUTS: ""})

    # middleware probes

    def request(self) -> dict[str, Any]:
        """The model request as it stands, in the shape of a probe."""
        return {
            "system": {
                "text": self.system,
                "blocks": [{"type": "text", "text": self.system, "cache_control": None}],
            },
            "messages": [brief(message) for message in self.messages],
            "tools": list(self.tools),
            "model": {"name": self.model, "provider": self.provider},
        }

    def probe(
        self,
        parent: Span,
        label: str,
        hook: str,
        payload: Mapping[str, Any],
        seconds: float,
        phase: str | None = None,
    ) -> Story:
        """Play a probe: what one hook of one middleware did."""
        name = f"{label}.{hook}"
        metadata = self.metadata(name, lc_probe=hook, probe_label=name)
        if phase is not None:
            metadata[keys.PROBE_PHASE] = phase
        span = self.stage.start(
            "middleware", name, payload, parent=parent, metadata=metadata, agent=self.name
        )
        yield seconds
        self.stage.end(span, {"diff": payload[keys.DIFF]})

    # models and tools

    def call_model(self, parent: Span, reply: Reply, *, system: str | None = None) -> Story:
        """Play a model call: it thinks, streams, and its answer joins the conversation."""
        stage = self.stage
        span = stage.start(
            "llm",
            self.model,
            {
                keys.INPUT_MESSAGES: [
                    {"role": "system", "text": system or self.system},
                    *[{k: v for k, v in m.items() if k != "name"} for m in self.messages],
                ]
            },
            parent=parent,
            metadata=self.metadata(
                self.model,
                ls_provider=self.provider,
                ls_model_name=self.model,
                ls_model_type="chat",
                ls_temperature="0.2",
                ls_max_tokens="4096",
                ls_integration="langchain_chat_model",
            ),
            agent=self.name,
        )
        yield reply.ttft
        if reply.reasoning:
            yield from stage.stream(span, reply.reasoning, reply.reasoning_seconds, "reasoning")
        yield from stage.stream(span, reply.text, reply.seconds)
        for number, call in enumerate(reply.tool_calls):
            yield from stage.stream(span, json.dumps(call["args"]), 0.12, f"tool_call:{number}")
        message: Message = {"role": "ai", "text": reply.text}
        if reply.tool_calls:
            message["tool_calls"] = [dict(call) for call in reply.tool_calls]
        self.messages.append(message)
        stage.end(
            span,
            {
                "response": message,
                "usage": reply.tokens.usage(),
                "model": self.model,
                keys.MODEL_NAME: self.model,
                keys.TTFT_MS: round(reply.ttft * 1000),
                keys.FINISH_REASON: "tool_calls" if reply.tool_calls else "stop",
            },
        )

    def start_tool(self, parent: Span, call: Mapping[str, Any]) -> Span:
        """Start the tool that a model asked for."""
        return self.stage.start(
            "tool",
            call["name"],
            {"input": json.dumps(call["args"])},
            parent=parent,
            metadata=self.metadata(call["name"], tool_call_id=call["id"]),
            agent=self.name,
        )

    def end_tool(self, span: Span, call: Mapping[str, Any], content: str) -> None:
        """End a tool well; its result joins the conversation."""
        self.messages.append(
            {"role": "tool", "text": content, "name": call["name"], "tool_call_id": call["id"]}
        )
        result = {
            "content": content,
            "type": "tool",
            "name": call["name"],
            "tool_call_id": call["id"],
            "status": "success",
            "artifact": None,
        }
        self.stage.end(span, {"output": json.dumps(result, ensure_ascii=False)})

    def fail_tool(
        self, span: Span, call: Mapping[str, Any], content: str, error: str, traceback: str
    ) -> None:
        """End a tool with an error that the model gets to read."""
        self.messages.append(
            {
                "role": "tool",
                "text": content,
                "name": call["name"],
                "tool_call_id": call["id"],
                "status": "error",
            }
        )
        self.stage.end(span, {"output": content, "traceback": traceback}, error=error)

    def use_tool(self, parent: Span, call: Mapping[str, Any], seconds: float, content: str) -> Story:
        """Play a tool that works."""
        span = self.start_tool(parent, call)
        yield seconds
        self.end_tool(span, call, content)

    def _state(self, last: int | None = None) -> str:
        """The graph's state as JSON text, as LangGraph serialises it."""
        messages = self.messages if last is None else self.messages[-last:]
        return json.dumps(
            {
                "messages": [
                    {
                        "type": message["role"],
                        "content": message["text"],
                        **{k: v for k, v in message.items() if k not in ("role", "text")},
                    }
                    for message in messages
                ]
            },
            ensure_ascii=False,
        )


def brief(message: Message) -> dict[str, Any]:
    """A message as a probe tells it: its beginning and its length."""
    description: dict[str, Any] = {
        "role": message["role"],
        "preview": message["text"][:_PREVIEW_CHARACTERS],
        "len": len(message["text"]),
    }
    if message.get("tool_calls"):
        description["tool_calls"] = [{"name": call["name"]} for call in message["tool_calls"]]
    return description
