"""The first act: an agent researches a release, with middleware, parallel tools, a reviewer and a retry."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from etaoi_tui.demo import scenarios as subjects
from etaoi_tui.demo.agent_spans import Agent, Reply, Tokens, brief
from etaoi_tui.demo.clock import Step, Story
from etaoi_tui.demo.scenarios import Scenario
from etaoi_tui.demo.span_writer import SpanWriter
from etaoi_tui.sdk.tracer import Span

_TOOLS: dict[str, tuple[str, dict[str, str]]] = {
    "search_web": ("Search the web.", {"query": "string", "limit": "integer"}),
    "fetch_page": ("Fetch a page as Markdown.", {"url": "string"}),
    "read_file": ("Read a file of the project.", {"path": "string"}),
    "run_tests": ("Run the project's tests.", {"requirement": "string", "fix": "string"}),
    "task": ("Hand work to a sub-agent.", {"subagent_type": "string", "description": "string"}),
}

_MIDDLEWARE = [
    {"name": "SkillsMiddleware", "hooks": ["before_agent"]},
    {"name": "ContextBudget", "hooks": ["before_model"]},
    {"name": "ProjectNotes", "hooks": ["wrap_model_call"]},
    {"name": "TrimTools", "hooks": ["wrap_model_call"]},
]

_KEPT_CHARACTERS = 900
"""What the budget middleware leaves of a long tool result."""


def research(stage: SpanWriter, subject: Scenario) -> Story:
    """Play the whole research run."""
    agent = Agent(stage, "researcher", "gpt-5", "openai", subjects.SYSTEM_PROMPT, tuple(_TOOLS))
    agent.introduce([_schema(name) for name in _TOOLS], _MIDDLEWARE)
    yield stage.about(0.2)
    agent.begin(subject.question)
    yield from agent.hook("SkillsMiddleware", "before_agent", stage.about(0.012))
    calls = _first_calls(subject)
    yield from _model_node(
        agent,
        Reply(
            subjects.plan(subject),
            seconds=stage.about(1.5),
            tokens=Tokens(1_240 + stage.rng.randint(0, 90), 318, cached=896, reasoning=128),
            ttft=stage.about(0.38),
            reasoning=subjects.reasoning(subject),
            reasoning_seconds=stage.about(0.9),
            tool_calls=calls,
        ),
    )
    yield stage.about(0.1)
    yield from _look_around(agent, subject, calls)
    delegate = _call(
        stage,
        "task",
        subagent_type="reviewer",
        description=f"Prove with the tests that {subject.module} works with {subject.project} {subject.new}.",
    )
    yield from _model_node(
        agent,
        Reply(
            subjects.findings(subject),
            seconds=stage.about(0.9),
            tokens=Tokens(3_870 + stage.rng.randint(0, 400), 96, cached=1_152, written=2_048, reasoning=64),
            ttft=stage.about(0.55),
            tool_calls=[delegate],
        ),
    )
    tools = agent.node("tools")
    task = agent.start_tool(tools, delegate)
    verdict = yield from _review(stage, subject, task)
    agent.end_tool(task, delegate, verdict)
    agent.leave(tools)
    yield from _model_node(
        agent,
        Reply(
            subjects.answer(subject),
            seconds=stage.about(4.2, 0.05),
            tokens=Tokens(4_410 + stage.rng.randint(0, 400), 412, cached=3_968),
            ttft=stage.about(0.42),
        ),
    )
    yield stage.about(0.05)
    agent.finish()


def _look_around(agent: Agent, subject: Scenario, calls: list[dict[str, Any]]) -> Story:
    """Three tools at once."""
    stage = agent.stage
    tools = agent.node("tools")
    search_result = json.dumps(subjects.search_hits(subject), indent=2)
    yield [
        agent.use_tool(tools, calls[0], stage.about(0.85), search_result),
        agent.use_tool(tools, calls[1], stage.about(1.6), subjects.release_notes(subject)),
        agent.use_tool(tools, calls[2], stage.about(0.35), subjects.own_module(subject)),
    ]
    agent.leave(tools)


def _review(stage: SpanWriter, subject: Scenario, parent: Span) -> Generator[Step, None, str]:
    """The sub-agent: reads, runs the tests, reads the failure, tries again."""
    reviewer = Agent(
        stage, "reviewer", "claude-sonnet", "anthropic", subjects.REVIEWER_PROMPT, ("run_tests", "read_file")
    )
    reviewer.begin(f"Does {subject.module} work with {subject.project} {subject.new}?", parent)
    look = _call(stage, "read_file", path=subject.module)
    yield from _model_node(
        reviewer,
        Reply(
            "Reading the module before the tests run.",
            seconds=stage.about(0.4),
            tokens=Tokens(618, 34, cached=512),
            ttft=stage.about(0.31),
            tool_calls=[look],
        ),
        unused="",
    )
    tools = reviewer.node("tools")
    yield from reviewer.use_tool(tools, look, stage.about(0.2), subjects.own_module(subject))
    reviewer.leave(tools)
    first = _call(stage, "run_tests", requirement=f"{subject.project}=={subject.new}")
    yield from _model_node(
        reviewer,
        Reply(
            "Running the suite against the new version.",
            seconds=stage.about(0.5),
            tokens=Tokens(702, 58, cached=512),
            ttft=stage.about(0.31),
            tool_calls=[first],
        ),
        unused="read_file",
    )
    tools = reviewer.node("tools")
    failing = reviewer.start_tool(tools, first)
    yield stage.about(1.5)
    reviewer.fail_tool(
        failing,
        first,
        subjects.test_output(subject),
        f"RuntimeError({subjects.TEST_FAILURE!r})",
        subjects.TEST_TRACEBACK,
    )
    reviewer.leave(tools)
    again = _call(
        stage,
        "run_tests",
        requirement=f"{subject.project}=={subject.new}",
        fix=subject.changes[1][0].strip("`"),
    )
    node = reviewer.node("model")
    yield from reviewer.call_model(
        node,
        Reply(
            f"`{subject.failing.split('::')[1]}` fails: {subject.failure}. Trying the smallest fix.",
            seconds=stage.about(0.7),
            tokens=Tokens(1_104, 84, cached=640),
            ttft=stage.about(0.29),
            tool_calls=[again],
        ),
    )
    reviewer.leave(node)
    tools = reviewer.node("tools")
    yield from reviewer.use_tool(tools, again, stage.about(1.1), "42 passed in 2.28s")
    reviewer.leave(tools)
    verdict = subjects.review(subject)
    node = reviewer.node("model")
    yield from reviewer.call_model(
        node,
        Reply(
            verdict, seconds=stage.about(0.8), tokens=Tokens(1_260, 61, cached=1_024), ttft=stage.about(0.27)
        ),
    )
    reviewer.leave(node)
    reviewer.finish()
    return verdict


def _model_node(agent: Agent, reply: Reply, unused: str = "run_tests") -> Story:
    """One model call with its middleware around it: budget, notes, trimmed tools, and back again.

    Args:
        agent: That calls.
        reply: What it gets.
        unused: The tool that is trimmed; none if empty.
    """
    stage = agent.stage
    yield from _fit_budget(agent)
    node = agent.node("model")
    plain = agent.request()
    noted_text = agent.system + subjects.PROJECT_NOTES
    noted = {**plain, "system": {"text": noted_text, "blocks": [_block(noted_text)]}}
    notes_diff = {
        "system_added": [_block(noted_text)],
        "system_removed": [_block(agent.system)],
        "system_text_changed": True,
        "system_text_delta": {"before_len": len(agent.system), "after_len": len(noted_text)},
    }
    trimmed = {**noted, "tools": [name for name in agent.tools if name != unused]}
    trim_diff = {"tools_removed": [unused]} if unused else {}
    hook = "wrap_model_call"
    yield from agent.probe(
        node,
        "ProjectNotes",
        hook,
        {"before": plain, "after": noted, "diff": notes_diff},
        stage.about(0.003),
        "pre_handler",
    )
    yield from agent.probe(
        node,
        "TrimTools",
        hook,
        {"before": noted, "after": trimmed, "diff": trim_diff},
        stage.about(0.002),
        "pre_handler",
    )
    yield from agent.call_model(node, reply, system=noted_text)
    response = {"messages": [brief(agent.messages[-1])]}
    yield from agent.probe(
        node,
        "TrimTools",
        hook,
        {"before": noted, "after": trimmed, "diff": trim_diff, "response": response},
        stage.about(0.001),
    )
    yield from agent.probe(
        node,
        "ProjectNotes",
        hook,
        {"before": plain, "after": noted, "diff": notes_diff, "response": response},
        stage.about(0.001),
    )
    agent.leave(node)


def _fit_budget(agent: Agent) -> Story:
    """Before a model call: long tool results give way to their beginning."""
    messages_before = [brief(message) for message in agent.messages]
    removed, added = [], []
    for message in agent.messages:
        if message["role"] == "tool" and len(message["text"]) > 2 * _KEPT_CHARACTERS:
            removed.append(brief(message))
            cut = len(message["text"]) - _KEPT_CHARACTERS
            message["text"] = f"{message['text'][:_KEPT_CHARACTERS]}\n[… {cut:,} characters left out]"
            added.append(brief(message))
    diff: dict[str, Any] = {"messages_removed": removed, "messages_added": added} if removed else {}
    after = [brief(message) for message in agent.messages]
    if agent.root is not None:
        yield from agent.probe(
            agent.root,
            "ContextBudget",
            "before_model",
            {
                "before": {"keys": ["messages"], "messages": messages_before},
                "after": {"keys": ["messages"], "messages": after},
                "diff": diff,
                "response": {"keys": ["messages"], "messages": added} if removed else {"none": True},
            },
            agent.stage.about(0.018 if removed else 0.004),
        )


def _first_calls(subject: Scenario) -> list[dict[str, Any]]:
    return [
        {
            "name": "search_web",
            "args": {"query": f"{subject.project} {subject.new} migration", "limit": 3},
            "id": "call_search",
        },
        {
            "name": "fetch_page",
            "args": {"url": f"https://docs.example.org/{subject.project}/releases/{subject.new}"},
            "id": "call_notes",
        },
        {"name": "read_file", "args": {"path": subject.module}, "id": "call_module"},
    ]


def _call(stage: SpanWriter, name: str, **args: str) -> dict[str, Any]:
    return {"name": name, "args": args, "id": f"call_{stage.rng.getrandbits(32):08x}"}


def _block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": None}


def _schema(name: str) -> dict[str, Any]:
    description, fields = _TOOLS[name]
    schema = {
        "title": name,
        "description": description,
        "type": "object",
        "properties": {field: {"title": field.capitalize(), "type": kind} for field, kind in fields.items()},
        "required": [next(iter(fields))],
    }
    return {"name": name, "description": description, "args_schema": json.dumps(schema)}
