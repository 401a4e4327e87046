"""A session as a conversation: turns over several traces, ways to the calls, hostile words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from etaoi_tui.detail.document.model import Document, Section, section_text
from etaoi_tui.detail.pages.conversation import conversation_document
from etaoi_tui.detail.pages.spoken import LINES_SHOWN
from etaoi_tui.detail.pages.turn_steps import STEPS_SHOWN
from etaoi_tui.text import UNSAFE
from tests.detail.pages import delta, end, start, text_of
from tests.detail.recorded import Recorded, load
from tests.scribe import Open, Scribe
from tests.voice.calls import events_of, many

HOSTILE = "\x1b]52;c;aGk=\x07 \x1b[2J [/] [bold]x[/bold] \u202e gnp.exe \ud800 \x00 \x9b31m"


def asked(text: str) -> dict[str, Any]:
    return {"inputs": json.dumps({"messages": [{"type": "human", "content": text}]})}


def output_message(text: str, message_id: str = "") -> dict[str, Any]:
    messages = [{"type": "human", "content": "?"}, {"type": "ai", "content": text, "id": message_id}]
    return {"outputs": json.dumps({"messages": messages})}


def call(scribe: Scribe, parent: Open, text: str, message_id: str = "") -> Open:
    span = scribe.start("llm", "gpt", parent, {"input_messages": [{"role": "human", "text": "?"}]})
    scribe.end(span, {"response": {"role": "ai", "text": text, "id": message_id}})
    return span


def sections_of(recorded: Recorded) -> list[Section]:
    (session,) = recorded.store.sessions.values()
    return list(conversation_document(session, recorded.payloads, 0.0).tabs[0].sections)


def document(recorded: Recorded) -> Document:
    (session,) = recorded.store.sessions.values()
    return conversation_document(session, recorded.payloads, 0.0)


def text(recorded: Recorded) -> str:
    return text_of(document(recorded))


def test_turns_of_several_traces_stand_in_order_and_lead_to_the_calls_that_wrote_them() -> None:
    recorded, scribe = Recorded(), Scribe("turns")
    wrote: list[str] = []
    for n in range(3):
        root = scribe.start("sub_agent", "helper", payload=asked(f"question {n}"))
        call(scribe, root, "let me look")
        helper = scribe.start("sub_agent", "critic", root, payload=asked(f"task {n}"))
        inner = call(scribe, helper, f"verdict {n}")
        scribe.end(helper, output_message(f"verdict {n}"))
        answer = call(scribe, root, f"answer {n}", f"id-{n}")
        call(scribe, root, "a title for the list", "other")
        scribe.end(root, output_message(f"answer {n}", f"id-{n}"))
        wrote += [inner.span_id, answer.span_id]
    mark = {"lc_probe": "awrap_model_call", "probe_label": "A.awrap_model_call"}
    scribe.end(scribe.start("middleware", "A.awrap_model_call", metadata=mark), {})
    recorded.send(*scribe.take())
    page_text = text(recorded)
    assert document(recorded).sums[0] == "3 turns"
    places = [page_text.index(f"{what} {n}") for n in range(3) for what in ("question", "answer")]
    assert places == sorted(places)
    sections = sections_of(recorded)
    groups = [section for section in sections if section.group]
    assert [(group.title, group.open) for group in groups] == [("✓ critic", False)] * 3
    answers = [s for s in sections if ".answer" in s.key]
    assert [section.target for section in answers] == wrote
    users = [section for section in sections if ".asked" in section.key and not section.inside]
    roots = {span.span_id for span in recorded.spans if span.parent is None}
    assert {section.target for section in users} < roots


def test_a_failed_turn_says_so_and_a_running_one_shows_what_streams() -> None:
    recorded, scribe = Recorded(), Scribe("states")
    failed = scribe.start("sub_agent", "helper", payload=asked("first"))
    scribe.end(failed, error="ValueError('no')")
    root = scribe.start("sub_agent", "helper", payload=asked("second"))
    running = scribe.start("llm", "gpt", root)
    scribe.say(running, "half an ans")
    recorded.send(*scribe.take())
    page_text = text(recorded)
    assert "helper failed" in page_text
    assert "ValueError('no')" in page_text
    assert "half an ans" in page_text
    (session,) = recorded.store.sessions.values()
    assert conversation_document(session, recorded.payloads, 0.0).live


def test_a_call_is_counted_by_its_turns_and_says_where_it_was_interrupted() -> None:
    truths = [replace(truth, tool=None, interrupted=n == 1) for n, truth in enumerate(many(3))]
    recorded = Recorded()
    recorded.send(*events_of(truths))
    sums = document(recorded).sums
    assert sums[0] == "3 turns" and list(sums[-2:]) == ["3 calls", "0 tools"]
    cut = [section for section in sections_of(recorded) if section.summary.startswith("interrupted")]
    assert len(cut) == 1


def test_words_of_runs_that_only_model_calls_tell_are_those_of_their_first_and_last_call() -> None:
    """OpenAI's agents tell neither what a run was asked nor what it answered."""
    recorded, scribe = Recorded(), Scribe("bare")
    root = scribe.start("sub_agent", "Agent workflow")
    agents = [scribe.start("sub_agent", name, root) for name in ("triage", "billing")]
    asked_first = {
        "input_messages": [{"role": "system", "text": "s"}, {"role": "user", "text": "pay it back"}]
    }
    for agent, words in zip(agents, ("I ask billing.", "Done, it is on its way."), strict=True):
        span = scribe.start("llm", "gpt", agent, asked_first)
        scribe.end(span, {"response": {"role": "assistant", "text": words}})
        scribe.end(agent)
    scribe.end(root)
    alone = scribe.start("sub_agent", "Agent workflow")
    inner = scribe.start("sub_agent", "triage", alone)
    scribe.end(scribe.start("tool", "lookup", inner, {"input": "{}"}), {"output": "x"})
    call(scribe, inner, "found")
    scribe.end(inner)
    scribe.end(alone)
    recorded.send(*scribe.take())
    sections = [one for one in sections_of(recorded) if not one.inside]
    assert [one.title for one in sections] == [
        "user", "✓ triage", "✓ billing", "billing", "user", "lookup", "triage",
    ]  # fmt: skip
    last = [span for span in recorded.spans if span.kind == "llm"][1]
    assert sections[3].target == last.span_id
    page_text = text(recorded)
    assert "pay it back" in page_text and "Done, it is on its way." in page_text and "found" in page_text


def test_a_failure_is_said_without_its_traceback() -> None:
    """LangSmith sends both in one text."""
    traceback = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\nValueError: no\n'
    recorded, scribe = Recorded(), Scribe("traceback")
    for error in ("ValueError('no')" + traceback, traceback):
        root = scribe.start("sub_agent", "helper", payload=asked("go"))
        scribe.end(scribe.start("tool", "pay", root, {"input": "{}"}), {}, error=error)
        scribe.end(root, error=error)
    recorded.send(*scribe.take())
    page_text = text(recorded)
    assert (
        page_text.count("pay ✗ ValueError") == 2
        and "ValueError('no')" in page_text
        and "ValueError: no" in page_text
    )
    assert "Traceback" not in page_text and "a.py" not in page_text


def test_a_prompt_is_a_question_and_a_value_that_is_no_message_is_the_answer() -> None:
    recorded, scribe = Recorded(), Scribe("values")
    for value in ({"sum": 7}, {"notes": ["x" * 50] * 20}):
        root = scribe.start("sub_agent", "adder", payload={"inputs": json.dumps({"prompt": "add 3 and 4"})})
        scribe.end(root, {"outputs": json.dumps(value)})
    scribe.end(scribe.start("sub_agent", "adder", payload=asked("and then?")), {})
    recorded.send(*scribe.take())
    question, short, _, long, _, none = sections_of(recorded)
    assert question.preview == "add 3 and 4" and question.title == "user"
    assert (short.title, short.open, long.open) == ("adder", True, False)
    assert '"sum": 7' in section_text(short) and long.preview.startswith('{"notes"')
    assert "was not recorded" in section_text(none)


def test_tools_of_a_call_have_a_line_each_between_the_words() -> None:
    recorded = load("s09a_livekit_text")
    sections = sections_of(recorded)
    lines = [(one.title, one.style) for one in sections if one.quiet]
    assert lines == [
        ("lookup_user Alice", "muted"),
        ("broken ✗ An internal error occurred", "error"),
        ("transfer", "muted"),
        ("get_invoice June", "muted"),
        ("lookup_user Alice ✗ Unknown function: lookup_user - available tools: get_invoice", "error"),
    ]
    titles = [one.title.split()[0] for one in sections]
    assert titles[:6] == ["user", "lookup_user", "agent", "user", "broken", "agent"]
    tools = {span.span_id for span in recorded.spans if span.kind == "tool"}
    assert {one.target for one in sections if one.quiet} == tools
    assert document(recorded).sums[0] == "6 turns"


def test_a_long_call_says_how_many_lines_it_leaves_out() -> None:
    recorded = Recorded()
    recorded.send(*events_of([replace(truth, tool=0.1) for truth in many(LINES_SHOWN // 3 + 1)]))
    sections = sections_of(recorded)
    assert sections[0].title == "3 earlier lines not shown"
    assert len(sections) == LINES_SHOWN + 1


def test_hostile_words_and_shapes_stay_harmless() -> None:
    recorded, scribe = Recorded(), Scribe("hostile")
    odd: list[Any] = [
        asked(HOSTILE),
        {"inputs": '{"messages": [[[[' + "[" * 5_000},
        {"inputs": '{"messages": [{"type": "human", "content": {"a": [1, null]}}]}'},
        {"inputs": '{"messages": [["user", "' + "x" * 300_000 + '"]]}'},
        {"inputs": '{"messages": 7}'},
        {"inputs": "not json \x1b[31m"},
        {},
    ]
    for payload in odd:
        root = scribe.start("sub_agent", "helper", payload=payload)
        helper = scribe.start("sub_agent", "critic \x1b[5m", root, payload=payload)
        scribe.end(helper, {"outputs": payload.get("inputs", "")})
        scribe.end(root, {"outputs": payload.get("inputs", "")})
    recorded.send(*scribe.take())
    page_text = text(recorded)
    assert "[/] [bold]x[/bold]" in page_text
    for line in page_text.splitlines():
        assert not UNSAFE.search(line)


def test_threads_of_one_session_are_told_apart() -> None:
    """The etaoi SDK gives a process one session, whatever threads its runs name."""
    recorded, scribe = Recorded(), Scribe("threads")
    for turn in range(2):
        for who in ("ann", "bob"):
            root = scribe.start(
                "sub_agent", "bot", payload=asked(f"{who} asks {turn}"), metadata={"thread_id": who}
            )
            scribe.end(root, output_message(f"{who} hears {turn}"))
    recorded.send(*scribe.take())
    (session,) = recorded.store.sessions.values()
    assert {trace.thread for trace in session.traces} == {"ann", "bob"}
    page_text = text_of(conversation_document(session, recorded.payloads, 0.0, "ann"))
    assert (
        "ann asks 0" in page_text and "ann hears 1" in page_text and "bob" not in page_text.replace("bot", "")
    )
    assert "2 turns" in page_text or "ann asks 1" in page_text


def waiting(event: Any, text: str) -> Any:
    return {**event, "metadata": {**event["metadata"], "etaoi_tui.waits_for": text}}


def test_what_a_tool_waits_for_stands_in_its_turn_and_so_does_its_end() -> None:
    recorded = Recorded()
    recorded.send(start(1, "sub_agent", asked("pay 5")), start(2, "tool", {"input": "{}"}, at=1, parent=1))
    recorded.send(waiting(delta(2, "tool", {}, at=3), "May I pay?"))
    (wait,) = [one for one in sections_of(recorded) if one.key.startswith("turn") and "waits" in one.key]
    assert (wait.title, wait.preview, wait.style) == ("Waits", "May I pay?", "warning")
    recorded.send(waiting(delta(2, "tool", {}, at=6), ""))
    (wait,) = [one for one in sections_of(recorded) if "waits" in one.key]
    assert (wait.title, wait.summary) == ("Waited", "3.00s")
    tool = next(span for span in recorded.spans if span.kind == "tool")
    assert wait.target == tool.span_id
    recorded.send(
        end(2, "tool", {"output": "paid"}, at=7, parent=1), end(1, "sub_agent", output_message("done"), at=8)
    )
    assert "May I pay?" in text(recorded)


def test_a_wait_that_another_run_went_on_with_stands_before_its_answer() -> None:
    recorded, scribe = Recorded(), Scribe("resumed")
    question = "GraphInterrupt((Interrupt(value='May I pay?', id='77ab'),))"
    first = scribe.start("sub_agent", "bot", payload=asked("pay 5"), metadata={"thread_id": "t"})
    scribe.end(scribe.start("tool", "pay", first), error=question)
    scribe.end(first, {"outputs": "{}"})
    inputs = {"inputs": json.dumps({"__type__": "Command", "resume": "yes, do it"})}
    second = scribe.start("sub_agent", "bot", payload=inputs, metadata={"thread_id": "t"})
    scribe.end(second, output_message("paid"))
    recorded.send(*scribe.take())
    page_text = text(recorded)
    places = [page_text.index(words) for words in ("pay 5", "May I pay?", "yes, do it", "paid")]
    assert places == sorted(places)


def test_of_many_steps_the_newest_have_a_line_and_the_rest_are_counted() -> None:
    recorded, scribe = Recorded(), Scribe("steps")
    root = scribe.start("sub_agent", "helper", payload=asked("go"))
    for n in range(STEPS_SHOWN + 5):
        scribe.end(scribe.start("tool", f"tool{n}", root, payload={"input": '{"q": "x"}'}), {"output": "ok"})
    scribe.end(root, output_message("done"))
    recorded.send(*scribe.take())
    lines = [section for section in sections_of(recorded) if section.quiet]
    assert lines[0].title == "5 earlier steps not shown" and len(lines) == STEPS_SHOWN + 1
    assert lines[1].title == "tool5 x" and lines[1].glyph == "⚒" and lines[1].style == "muted"


def test_tokens_and_dollars_of_turns_add_up_to_those_of_the_conversation() -> None:
    recorded, scribe = Recorded(), Scribe("money")
    for n in range(2):
        root = scribe.start("sub_agent", "bot", payload=asked("go"))
        below = scribe.start("sub_agent", "critic", root, payload=asked("task"))
        for parent, tokens in ((root, 1_000 * (n + 1)), (below, 500)):
            call = scribe.start("llm", "gpt-4o", parent)
            usage = {"input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens}
            scribe.end(call, {"response": {"role": "ai", "text": "x"}, "usage": usage})
        scribe.end(below, output_message("ok"))
        scribe.end(root, output_message("done"))
    recorded.send(*scribe.take())
    summaries = [one.summary for one in sections_of(recorded) if ".answer" in one.key and not one.inside]
    assert ["1.5k tok" in summaries[0], "2.5k tok" in summaries[1]] == [True, True]
    groups = [one.summary for one in sections_of(recorded) if one.group]
    assert len(groups) == 2 and all("500 tok" in one for one in groups)
    assert "4.0k tok" in document(recorded).sums
