"""Plays what stands above one run to a live viewer, in real time, to be looked at.

    python scripts/live_runs.py NAME [--port N --seconds N]

`NAME` is a play of ``shots_runs.py`` (chat, agents, server, many), or a number of agents at once. What went
before is sent at once, as of the minutes before now; what follows streams until the time is over.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import shots_runs as plays
from tests import generate
from tests.scribe import Clock, Open, Scribe

STEP = 0.12
"""Seconds between two pieces of an answer."""
WORDS = (
    "The carrier has it since this morning; by the page of its depot it should be with you on Thursday, "
    "between nine and twelve. If it is not, write to us, and we send another one at once."
).split()

Steps = Iterator[None]
"""What an agent does; each value is a step of time."""


def answer(scribe: Scribe, call: Open, words: int) -> Steps:
    """Stream an answer and end the call."""
    for number in range(words):
        scribe.say(call, WORDS[number % len(WORDS)] + " ")
        yield
    usage = {"input_tokens": 1_840, "output_tokens": 2 * words}
    text = " ".join(WORDS[number % len(WORDS)] for number in range(words))
    scribe.end(call, {"response": {"role": "assistant", "text": text}, "usage": usage})


def turn(scribe: Scribe, number: int, agent: str, thread: str, *, words: int, tool_steps: int) -> Steps:
    """A run in real time: a call, a tool, an answer that streams."""
    asked = plays.QUESTIONS[number % len(plays.QUESTIONS)]
    about = {"lc_chain_kind": "sub_agent", "thread_id": thread}
    run = scribe.start(
        "sub_agent", agent, None, {"inputs": plays.say("human", asked)}, metadata=about, agent=agent
    )
    messages = [{"role": "user", "text": asked}]
    call = plays.model_call(scribe, run, messages, agent)
    yield from itertools.repeat(None, 6)
    usage = {"input_tokens": 1_600, "output_tokens": 31}
    asks = [{"id": f"call-{number}", "name": "find_order", "args": {"order": "A-1007"}}]
    scribe.end(call, {"response": {"role": "assistant", "text": "", "tool_calls": asks}, "usage": usage})
    tool = scribe.start("tool", "find_order", run, {"input": '{"order": "A-1007"}'}, agent=agent)
    yield from itertools.repeat(None, tool_steps)
    failed = "OrderLocked('A-1007 is being paid')" if number % 5 == 4 else None
    scribe.end(tool, {"output": "shipped"}, error=failed)
    call = plays.model_call(scribe, run, messages, agent)
    yield from itertools.repeat(None, 3)
    yield from answer(scribe, call, words)
    scribe.end(run, {"outputs": plays.say("ai", "By Thursday.")})


def turns(scribe: Scribe, agent: str, thread: str, *, seed: int, rest: int) -> Steps:
    """One turn after the other."""
    chance = random.Random(seed)
    for number in itertools.count(seed):
        yield from turn(
            scribe, number, agent, thread, words=chance.randint(12, 60), tool_steps=chance.randint(4, 25)
        )
        yield from itertools.repeat(None, chance.randint(1, rest))


def question(scribe: Scribe, agent: str, thread: str, asked: str) -> Steps:
    """A run that waits for a person, is answered, and goes on."""
    ask = {"inputs": plays.say("human", "Drop the staging table")}
    about = {"lc_chain_kind": "sub_agent", "thread_id": thread}
    run = scribe.start("sub_agent", agent, None, ask, agent=agent, metadata=about)
    yield from itertools.repeat(None, 5)
    scribe.end(run, error=f"GraphInterrupt((Interrupt(value='{asked}', id='1'),))")
    while True:
        yield


def begin(name: str, scribe: Scribe) -> list[Steps]:
    """Return what goes on at once."""
    if name == "chat":
        return [turns(scribe, "support", "chat-1", seed=30, rest=8)]
    if name == "agents":
        waits = question(scribe, "dba", "db-7", 'delete_db("staging")?')
        return [
            turns(scribe, "researcher", "thread-1", seed=1, rest=2),
            turns(scribe, "bot-a", "thread-2", seed=2, rest=2),
            waits,
        ]
    if name in ("server", "many"):
        threads = "user-{:02}" if name == "server" else "batch-{:02}"
        return [
            turns(scribe, plays.AGENTS[n % 3], threads.format(n * 3 % 12), seed=n, rest=20) for n in range(6)
        ]
    together: list[Steps] = [
        turns(scribe, f"agent-{n}", f"thread-{n}", seed=n, rest=2) for n in range(int(name))
    ]
    if len(together) > 2:
        together[1] = question(scribe, "dba", "db-7", 'delete_db("staging")?')
    return together


def main() -> None:
    """Send a play."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name")
    parser.add_argument("--port", type=int, default=8787)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args()
    scribe = Scribe(asked.name, clock=Clock(time.time_ns() // 1_000))
    with connect(f"ws://127.0.0.1:{asked.port}/ingest", proxy=None) as viewer:
        viewer.send(generate.hello())
        if asked.name in plays.PLAYS:
            plays.PLAYS[asked.name](scribe, live=False)
            back = scribe.clock.at - time.time_ns() // 1_000 + 5_000_000
            scribe = Scribe(asked.name, clock=Clock(time.time_ns() // 1_000 - back))
            plays.PLAYS[asked.name](scribe, live=False)
            for frame in generate.frames(iter(scribe.take()), 64):
                viewer.send(frame)
        steps = begin(asked.name, scribe)
        for _ in range(round(asked.seconds / STEP)):
            scribe.clock.at = max(scribe.clock.at, time.time_ns() // 1_000)
            for one in steps:
                next(one)
            if written := scribe.take():
                viewer.send(generate.frame(written))
            time.sleep(STEP)


if __name__ == "__main__":
    main()
