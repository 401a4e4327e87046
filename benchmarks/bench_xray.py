"""What a model really received, for calls of 400 messages and 200 KB: diff, key to frame, longest block.

A real agent with middleware is recorded by our SDK. The recording is opened in the viewer in a pty, where
keys are timed until the frame that shows their effect; and in an app of this process, where the event loop's
own CPU time between two turns is taken: that long no other key is seen.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.report import Done, Row
from benchmarks.viewer import replay
from etaoi_collector.pricing.book import price_book
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store.model import Span
from etaoi_tui.app import ViewerApp
from etaoi_tui.detail.layout.page import PageLayout
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.detail.view_options import ViewOptions
from etaoi_tui.widgets.page_view import SLICE
from tests.app.world import world

MESSAGES = 400
CHARACTERS = 500
ROUNDS = 9
PIECES = 30
_WORDS = (
    "the agent asked for a tool and read what came back while nobody looked at how much of it was new".split()
)


def _text(dice: random.Random, characters: int) -> str:
    words: list[str] = []
    length = 0
    while length < characters:
        word = f"{dice.choice(_WORDS)}{dice.randrange(60)}" + ("\n" if dice.random() < 0.08 else "")
        words.append(word)
        length += len(word) + 1
    return " ".join(words)[:characters]


def record(path: Path) -> None:
    """Let an agent call its model twice with 400 messages, around which middleware edits and adds some."""
    from langchain.agents import create_agent
    from langchain.agents.middleware import AgentMiddleware
    from langchain_core.messages import AIMessage, HumanMessage

    from etaoi_tui.sdk.attach import attach
    from etaoi_tui.sdk.langchain.middleware import instrument
    from tests.xray.hooks import Rewrites, Selects, politeness
    from tests.xray.models import WritingModel, asks
    from tests.xray.scenes import double, shout

    dice = random.Random(4)

    class Shortens(AgentMiddleware):
        """Cuts some of the older messages."""

        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            shortened = [
                m.model_copy(update={"content": str(m.content)[:200]}) if n % 9 == 0 else m
                for n, m in enumerate(request.messages)
            ]
            return handler(request.override(messages=shortened))

    model = WritingModel(answers=[asks("double", number=21), "done"])
    agent = create_agent(
        model,
        [double, shout],
        system_prompt=_text(dice, 4_000),
        middleware=instrument([Rewrites(), Shortens(), politeness(), Selects()]),
        name="talker",
    )
    history = [
        (HumanMessage if n % 2 == 0 else AIMessage)(_text(dice, CHARACTERS), id=f"m{n}")
        for n in range(MESSAGES)
    ]
    handle = attach(agent, sink=str(path), session_id="x-ray")
    try:
        agent.invoke({"messages": [*history, HumanMessage("And now?")]})
    finally:
        handle.detach()


def _opened(path: Path) -> tuple[ViewerApp, ReplaySource]:
    source = ReplaySource(path)
    app = ViewerApp(source, theme="textual-dark", automatic=False)
    return app, source


class Beat:
    """Takes the CPU time of each turn of the running event loop, for as long as it is entered."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._loop: Any = asyncio.get_running_loop()

    def __enter__(self) -> Beat:
        turn: Callable[[], None] = self._loop._run_once

        def timed() -> None:
            began = time.thread_time()
            turn()
            self.longest = max(self.longest, time.thread_time() - began)

        self._loop._run_once = timed
        return self

    def __exit__(self, *error: object) -> None:
        del self._loop._run_once

    def take(self) -> float:
        """Return the longest turn since the last call, in milliseconds."""
        longest, self.longest = self.longest, 0.0
        return longest * 1000


KEYS: tuple[tuple[str, str], ...] = (
    ("d", "d: diff, the call before"),
    ("d", "d again: the same step, of which there is none"),
    ("d", "d again: the call before"),
    ("s", "s: side by side"),
    ("3", "3: into the detail"),
    ("right_square_bracket", "]: everything unfolded"),
    ("G", "G: to the end of it"),
    ("r", "r: the request"),
    ("right_square_bracket", "]: every step unfolded"),
    ("left_curly_bracket", "{: the overview with the context"),
    ("left_curly_bracket", "{: the messages"),
    ("right_square_bracket", "]: every message unfolded"),
    ("c", "c: the conversation"),
    ("escape", "esc"),
    ("a", "a: the agent"),
    ("escape", "esc"),
)


async def blocks(path: Path) -> list[tuple[str, float]]:
    """Press the keys one after the other and return the longest turn of the loop for each."""
    app, source = _opened(path)
    longest_turns = []
    try:
        async with app.run_test(size=(160, 45)) as pilot:
            price_book().load()
            while not app.feed.ended:
                app.tick()
            await pilot.pause()
            app.main.span_tree.select(_last_call(app))
            await pilot.pause(0.2)
            app.tick()
            await pilot.pause()
            with Beat() as beat:
                await pilot.pause(0.1)
                for key, what in KEYS:
                    beat.take()
                    await pilot.press(key)
                    for _ in range(4):
                        await pilot.pause(0.06)
                        app.tick()
                    await pilot.pause()
                    longest_turns.append((what, beat.take()))
    finally:
        source.close()
    return longest_turns


def _last_call(app: ViewerApp) -> Span:
    members = [span for trace in app.store.traces.values() for span in trace.spans]
    return [span for span in members if span.kind == "llm"][-1]


async def live_blocks() -> list[tuple[str, float]]:
    """Keep tabs of a running call open while its answer streams in; the longest turn of the loop for each."""
    dice = random.Random(5)
    longest_turns = []
    async with world(size=(160, 45)) as (w, pilot):
        scribe = w.scribe
        root = scribe.start("sub_agent", "talker")
        for n in range(2):
            roles = ("human", "ai")
            asked = [
                {"role": roles[k % 2], "text": _text(dice, CHARACTERS), "id": f"m{k}"}
                for k in range(MESSAGES)
            ]
            call = scribe.start("llm", f"gpt-{n}", root, {"input_messages": asked})
            if not n:
                scribe.end(call, {"response": {"role": "ai", "text": "more"}})
        await w.tick(pilot)
        w.tree.follow(False)
        w.tree.move_to(2)
        for key, what in (("d", "diff"), ("r", "request"), ("left_curly_bracket", "overview")):
            await pilot.press(key)
            await w.tick(pilot)
            with Beat() as beat:
                for _ in range(PIECES):
                    scribe.say(call, "and another few words ")
                    scribe.clock.advance(100_000)
                    await w.tick(pilot)
                longest_turns.append((what, beat.take()))
    return longest_turns


def _key_to_frame(path: Path) -> dict[str, list[float]]:
    """Milliseconds from a key to the frame that shows the tab it opens, in a pty."""
    durations: dict[str, list[float]] = {"d": [], "r": []}
    marks = {"d": "Cacheable prefix", "r": "raw request"}
    with replay(path) as terminal:
        terminal.wait_for("done", timeout=60)
        terminal.wait_quiet(0.5)
        terminal.press("2g")
        terminal.wait_quiet(0.5)
        since = terminal.position
        terminal.press("G")  # the second call is the last row
        terminal.wait_for("call 2 of 2", since=since, timeout=10)
        terminal.wait_quiet(0.5)
        for _ in range(ROUNDS):
            for key in ("r", "d"):
                since = terminal.position
                pressed = terminal.press(key)
                frame_at = terminal.wait_for(marks[key], since=since, timeout=10)
                durations[key].append((frame_at - pressed) * 1000)
                terminal.wait_quiet(0.15)
    return durations


async def diff_ms(path: Path) -> tuple[list[float], int]:
    """CPU milliseconds from a call's recorded bytes to the first lines of its diff: unified, side by side.

    Also returns how many lines there are at least.
    """
    app, source = _opened(path)
    medians: list[float] = []
    lines: list[int] = []
    try:
        async with app.run_test(size=(160, 45)):
            while not app.feed.ended:
                app.tick()
            call = _last_call(app)
            for sides in (False, True):
                durations = []
                for _ in range(ROUNDS):
                    began = time.thread_time()
                    document = describe_span(call, RecordedPayloads(source), 0.0, ViewOptions(sides=sides))
                    tab = next(tab for tab in document.tabs if tab.key == "diff")
                    page = PageLayout(document, tab, 100, {})
                    page.work(SLICE)
                    durations.append((time.thread_time() - began) * 1000)
                    lines.append(page.count)
                medians.append(median(durations))
    finally:
        source.close()
    return medians, min(lines)


def measure() -> Iterator[Row]:
    """The diff by itself, keys in a pty, and the longest turn of the loop, replayed and live."""
    with TemporaryDirectory(prefix="etaoi-bench-") as folder:
        path = Path(folder) / "talk.msgpack"
        record(path)
        what = f"diff of two requests of {MESSAGES} messages, {MESSAGES * CHARACTERS // 1000} KB"
        (unified, sides), lines = asyncio.run(diff_ms(path))
        drawn = Done(lines, "lines laid out")
        yield Row(f"{what}, from recorded bytes to first lines", unified, "ms", "<= 100 ms", done=drawn)
        yield Row(f"{what}, side by side", sides, "ms", "<= 100 ms", done=drawn)
        for key, durations in _key_to_frame(path).items():
            tab = {"d": "Diff", "r": "Request"}[key]
            what = f"key {key} to the frame of {tab}"
            done = Done(len(durations), "frames seen", ROUNDS)
            yield Row(f"{what}, median", median(durations), "ms", "<= 100 ms", done=done)
            yield Row(f"{what}, slowest of {ROUNDS}", max(durations), "ms", done=done)
        longest_turns = asyncio.run(blocks(path))
        slowest = max(longest_turns, key=lambda one: one[1])
        pressed = Done(len(longest_turns), f"keys pressed, the slowest was {slowest[0]}", len(KEYS))
        yield Row("longest turn of the loop for a key", slowest[1], "ms", "<= 50 ms", done=pressed)
        for tab, longest in asyncio.run(live_blocks()):
            streamed = Done(PIECES, "pieces streamed")
            what = f"longest turn of the loop while the call streams, tab {tab} open"
            yield Row(what, longest, "ms", "<= 50 ms", done=streamed)
