"""Runs in a process of its own: times LangChain runs under whatever the environment attaches, as JSON.

Prints ``{"run": microseconds, "cpu": microseconds}`` for each of the three runs of an invoke: the median of
the caller's time, and the CPU time of all threads, a sender's included.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time

if os.environ.get("WITHOUT_SDK"):
    sys.modules["etaoi_tui"] = None  # type: ignore[assignment]

from langchain_core.runnables import RunnableLambda

ROUNDS, INVOKES = 40, 50
PAUSE = 0.03
"""Seconds between rounds, in which what waits can leave."""


def main() -> None:
    """Time rounds of invokes; the first round pays for imports and is not counted."""
    chain = RunnableLambda(lambda text: text.upper()).with_config(run_name="outer") | RunnableLambda(len)
    durations = []
    cpu = 0.0
    for number in range(ROUNDS):
        if number == 1:
            cpu = time.process_time()
        for _ in range(INVOKES):
            begun = time.perf_counter_ns()
            chain.invoke("what is asked")
            if number:
                durations.append(time.perf_counter_ns() - begun)
        time.sleep(PAUSE)  # the sender comes to rest
    invoke = statistics.median(durations) / 1000
    spent = (time.process_time() - cpu) * 1e6 / ((ROUNDS - 1) * INVOKES)
    sys.stdout.write(json.dumps({"run": invoke / 3, "cpu": spent / 3}) + "\n")
    sys.stdout.flush()
    os._exit(0)  # a peer without a server would try again for minutes


if __name__ == "__main__":
    main()
