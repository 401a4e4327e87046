"""Renders what stands above one run: ``screenshots/runs-*.svg``.

    python scripts/shots_runs.py [NAME...] [--out FOLDER --all]

A chat of thirty turns, three agents at once, a server with fifty threads and ten thousand runs, live and as
recordings. What they do is written here; the viewer that shows it is the real one. With ``--all`` each is
drawn at four sizes, for whoever wants to look at them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from etaoi_collector.pricing.book import price_book
from etaoi_collector.recording.catalogue.database import CatalogueFile
from etaoi_collector.recording.catalogue.lookup import entry_of
from etaoi_collector.recording.directory import recording_at
from etaoi_collector.sources.base import Source
from etaoi_collector.sources.catalogued import open_catalogued
from etaoi_collector.wire.trace_records import TraceWriter
from etaoi_tui.app import ViewerApp
from scripts.screenshots import FOLDER
from tests import generate
from tests.app.world import FedSource
from tests.scribe import Clock, Open, Scribe

SIZES = {"-tiny": (80, 24), "-small": (120, 35), "": (160, 45), "-wide": (200, 60)}
SUFFIX = {"chat": "-small", "agents": "", "server": "", "many": "-small"}
"""What stands beside the README, and its size."""

QUESTIONS = (
    "Where is my order A-1007?", "Can I change the address?", "It says locked. Why?", "When will it arrive?",
    "Please cancel the blue one.", "Is the refund under way?", "Which card was charged?",
    "Do you ship to Oslo?",
)  # fmt: skip
ANSWERS = (
    "Order A-1007 left our warehouse this morning and should reach you by Thursday.",
    "Yes. I have changed the address to 12 Harbour Street; the parcel has not been handed over yet.",
    "It is locked while the payment is checked, which takes up to an hour.",
    "The carrier says Thursday, between 9 and 12.",
)
AGENTS = ("support", "researcher", "planner", "reviewer")
TOOLS = ("find_order", "search", "read_page", "change_address", "run_tests")
_SECOND = 1_000_000


def say(kind: str, text: str) -> str:
    """Write a run's inputs or outputs."""
    return json.dumps({"messages": [{"type": kind, "content": text}]})


def turn(scribe: Scribe, number: int, agent: str, thread: str, *, calls: int = 2, ends: bool = True) -> None:
    """Write one run: a question, model calls with tools between them, an answer."""
    asked, answer = QUESTIONS[number % len(QUESTIONS)], ANSWERS[number % len(ANSWERS)]
    about = {"lc_chain_kind": "sub_agent", "thread_id": thread}
    run = scribe.start("sub_agent", agent, None, {"inputs": say("human", asked)}, metadata=about, agent=agent)
    failed = ""
    for call in range(calls):
        messages = [{"role": "user", "text": asked}]
        asks = model_call(scribe, run, messages, agent)
        scribe.clock.advance(600_000 + 137_000 * (number % 7))
        last = call == calls - 1
        usage = {
            "input_tokens": 900 + 310 * (number % 31) + 120 * call,
            "output_tokens": 40 + 11 * (number % 9),
        }
        text = answer if last else ""
        scribe.end(asks, {"response": {"role": "assistant", "text": text}, "usage": usage})
        if not last:
            tool = scribe.start(
                "tool", TOOLS[number % len(TOOLS)], run, {"input": '{"order": "A-1007"}'}, agent=agent
            )
            scribe.clock.advance(90_000 + 41_000 * (number % 5))
            failed = "OrderLocked('A-1007 is being paid')" if number % 11 == 4 else ""
            scribe.end(tool, {"output": "shipped"}, error=failed or None)
    if ends:
        scribe.end(run, {"outputs": say("ai", answer)})
    scribe.clock.advance(4 * _SECOND)


def model_call(scribe: Scribe, run: Open, messages: list[dict[str, str]], agent: str) -> Open:
    """Begin a model call."""
    model = {"ls_model_name": "gpt-4o-mini", "ls_provider": "openai"}
    return scribe.start("llm", "ChatOpenAI", run, {"input_messages": messages}, metadata=model, agent=agent)


def chat(scribe: Scribe, *, live: bool) -> None:
    """Thirty turns with one agent, and one that runs."""
    for number in range(30):
        turn(scribe, number, "support", "chat-1", calls=3 if number % 3 else 2)
    if live:
        asked = "And the green one?"
        about = {"lc_chain_kind": "sub_agent", "thread_id": "chat-1"}
        run = scribe.start("sub_agent", "support", None, {"inputs": say("human", asked)}, metadata=about)
        call = model_call(scribe, run, [{"role": "user", "text": asked}], "support")
        scribe.clock.advance(700_000)
        scribe.say(call, "The green one is still in our warehouse. I can")


def agents(scribe: Scribe, *, live: bool) -> None:
    """Three agents: one waits for a page, one streams, one waits for a person."""
    for number in range(4):
        turn(scribe, number, AGENTS[number % 4], f"thread-{number}")
    if not live:
        return
    asked = say("human", "Compare the three release notes")
    lead = scribe.start("sub_agent", "researcher", None, {"inputs": asked}, agent="researcher")
    call = model_call(scribe, lead, [{"role": "user", "text": "Compare"}], "researcher")
    scribe.clock.advance(2 * _SECOND)
    scribe.end(call, {"usage": {"input_tokens": 1_800, "output_tokens": 90}})
    scribe.start(
        "tool", "fetch_page", lead, {"input": '{"url": "https://docs.example/notes"}'}, agent="researcher"
    )
    ask = {"inputs": say("human", "Drop the staging table")}
    dba = scribe.start("sub_agent", "dba", None, ask, agent="dba", metadata={"thread_id": "db-7"})
    scribe.clock.advance(_SECOND)
    scribe.end(dba, error="GraphInterrupt((Interrupt(value='delete_db(\"staging\")?', id='1'),))")
    bot = scribe.start("sub_agent", "bot-a", None, {"inputs": say("human", "Where is it?")}, agent="bot-a")
    call = model_call(scribe, bot, [{"role": "user", "text": "Where is it?"}], "bot-a")
    for words in ("It left the ", "warehouse this morning and ", "should arrive by Thursday; if it "):
        scribe.clock.advance(400_000)
        scribe.say(call, words)


def server(scribe: Scribe, *, live: bool) -> None:
    """A server with fifty conversations, of which some are being answered."""
    for number in range(160):
        turn(scribe, number, AGENTS[number % 3], f"user-{number * 7 % 50:02}", calls=2 + number % 2)
    for number in range(6 if live else 0):
        turn(scribe, number, AGENTS[number % 3], f"user-{number * 9 % 50:02}", ends=False)


def many(scribe: Scribe, *, live: bool) -> None:
    """Ten thousand runs in twelve conversations."""
    for number in range(10_000):
        turn(scribe, number, AGENTS[number % 4], f"batch-{number % 12:02}")
    if live:
        turn(scribe, 3, "planner", "batch-03", ends=False)


PLAYS = {"chat": chat, "agents": agents, "server": server, "many": many}


def frames(name: str, *, live: bool) -> Iterator[bytes]:
    """Yield what a play's client sends."""
    scribe = Scribe(name, clock=Clock())
    PLAYS[name](scribe, live=live)
    yield from generate.frames(iter(scribe.take()), 64)


def live_source(name: str) -> FedSource:
    """Make a viewer's source of a play that goes on."""
    source = FedSource()
    source.connect()
    for frame in frames(name, live=True):
        source.send_bytes(frame)
    return source


def recorded(name: str, folder: Path) -> Source:
    """Record a play, and open it as the catalogue knows it."""
    path = folder / f"run-20260102-030405-{name}.msgpack"
    if not path.exists():
        writer = TraceWriter(path, writer="etaoi-tui")
        for number, frame in enumerate(frames(name, live=False)):
            writer.append_frame(1_790_000_000.0 + number, 1, frame)
        writer.close()
    recording = recording_at(path)
    assert recording is not None
    with CatalogueFile(folder) as file:
        entry_of(file, recording)
    source = open_catalogued(path, folder)
    assert source is not None
    source.prefer(source.newest_run, lambda _: False)
    return source


async def draw(source: Source, size: tuple[int, int], keys: tuple[str, ...]) -> str:
    """Show a source, and return the picture."""
    now = 0.0
    app = ViewerApp(source, theme="etaoi-dark", automatic=False, clock=lambda: now)
    async with app.run_test(size=size) as pilot:
        app.main.traces.figures.load_prices()
        for _ in range(70):
            app.tick()
        await pilot.pause()
        now = 1.4  # as much passes after what came last
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            app.tick()
            await pilot.pause(0.05)
            app.main.draw_detail_now()
            app.tick()
            await pilot.pause(0.05)
        return app.export_screenshot(title="etaoi-tui")


def shots(name: str, out: Path, *, everything: bool) -> None:
    """Draw the pictures of one play."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix, size in SIZES.items():
            if not everything and suffix != SUFFIX[name]:
                continue
            ways: dict[str, tuple[bool, tuple[str, ...]]] = {"": (True, ("1",))}
            if everything or name == "many":
                ways = (
                    {"-live": (True, ("1",)), "-replay": (False, ("1",))}
                    if everything
                    else {"": (False, ("1",))}
                )
            if everything and name == "chat":
                ways["-conversation"] = (True, ("c",))
            for way, (live, keys) in ways.items():
                source: Any = live_source(name) if live else recorded(name, Path(folder))
                picture = asyncio.run(draw(source, size, keys))
                (out / f"runs-{name}{way}{suffix}.svg").write_text(picture)
                source.close()


def main(arguments: list[str]) -> None:
    """Draw what was asked for, or all."""
    out = Path(arguments[arguments.index("--out") + 1]) if "--out" in arguments else FOLDER
    asked = [one for one in arguments if one in PLAYS] or list(PLAYS)
    price_book().load()
    for name in asked:
        shots(name, out, everything="--all" in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
