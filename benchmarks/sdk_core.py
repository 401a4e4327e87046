"""What the SDK's core costs the agent: calls, sender, latency, memory.

Each cost stands beside a floor measured in the same run: a call of an empty method with the same arguments,
or the bare encoding of the same payload. Programs that measure CPU, memory or latency run in processes of
their own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.report import Done, Row, percentile
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.serialize import Json, snapshot
from etaoi_tui.sdk.tracer import Tracer

ROUNDS = 3
CALLS = 2_000
PAUSE = 0.05

_MESSAGES = [{"role": "human", "text": "What changed in version two of the protocol? " * 7} for _ in range(4)]
_METADATA = {f"key_{n}": f"value {n}" for n in range(7)}


class _Empty:
    """Methods with the tracer's signatures that do nothing: what calling costs by itself."""

    def start(self, kind: str, name: str, **_: Any) -> None:
        return None

    def end(self, span: Any, payload: Any = None, *, error: Any = None) -> None:
        return None

    def text(self, span: Any, text: str, channel: str | None = None) -> None:
        return None


def _pair(tracer: Any) -> Callable[[], None]:
    def call() -> None:
        span = tracer.start("llm", "gpt", payload={"input_messages": _MESSAGES}, metadata=_METADATA)
        tracer.end(span, {"response": {"role": "ai", "text": "The three that matter are these."}})

    return call


def _big_state_pair(tracer: Tracer) -> Callable[[], None]:
    state = {"messages": [{"content": "z" * 1_000, "n": n} for n in range(5_000)]}

    def call() -> None:
        span = tracer.start("middleware", "node", payload={"inputs": Json(snapshot(state))})
        tracer.end(span, {"outputs": Json(snapshot(state))})

    return call


def _token(tracer: Any) -> Callable[[], None]:
    span = tracer.start("llm", "gpt")

    def call() -> None:
        tracer.text(span, "token ")

    return call


def _cost(call: Callable[[], None], calls: int) -> float:
    """Return microseconds per call: the median of small batches, with pauses as an agent makes them."""
    batch = 50
    figures = []
    for _ in range(calls // batch):
        began = time.perf_counter()
        for _ in range(batch):
            call()
        figures.append((time.perf_counter() - began) / batch * 1e6)
        time.sleep(0.001)  # as an agent pauses
    return statistics.median(figures)


def _interleaved(named: dict[str, Callable[[], None]], calls: int = CALLS) -> dict[str, float]:
    figures: dict[str, list[float]] = {name: [] for name in named}
    for _ in range(ROUNDS):
        for name, call in named.items():
            time.sleep(PAUSE)  # the sender comes to rest
            figures[name].append(_cost(call, calls))
    return {name: statistics.median(values) for name, values in figures.items()}


def _written(tracer: Tracer, least: int) -> Done:
    """What the sender has encoded, dropped under pressure or joined; counted when it has come to rest."""
    tracer.flush(30)
    stats = tracer.stats
    return Done(stats.encoded + stats.dropped, "events written or counted as dropped", least)


def measure_calls(url: str) -> Iterator[Row]:
    """Cost of one start and end, and of a token, on the calling thread."""
    noop, live = open_tracer(sink="noop"), open_tracer(server_url=url)
    memory = open_tracer(sink="msgpack-drop")
    empty = _Empty()
    pairs = _interleaved(
        {"empty": _pair(empty), "noop": _pair(noop), "drop": _pair(memory), "live": _pair(live)}
    )
    floor = pairs["empty"]
    call_count = 2 * ROUNDS * CALLS
    for name in ("noop", "drop", "live"):
        tracer = {"noop": noop, "drop": memory, "live": live}[name]
        done = Done(call_count, "calls") if tracer is noop else _written(tracer, call_count)
        yield Row(
            f"start + end, 4 messages, 7 metadata keys ({name})",
            pairs[name],
            "us",
            f"<= {_PAIR_BUDGET:g}",
            "empty methods",
            floor,
            done=done,
        )
    tokens = _interleaved({"empty": _token(empty), "live": _token(live)})
    tokens_done = _written(live, call_count + 1)
    yield Row(
        "token (live)", tokens["live"], "us", "<= 0.4", "empty method", tokens["empty"], done=tokens_done
    )
    big = _interleaved({"live": _big_state_pair(live)}, 200)
    done = _written(live, tokens_done.count + 2 * ROUNDS * 200)
    yield Row("start + end with a 5 MB state", big["live"], "us", "<= 400", done=done)
    for tracer in (noop, live, memory):
        tracer.close()


_PAIR_BUDGET = 11.0

SENDER = """
    import json, sys, threading, time
    from etaoi_tui.sdk.config import open_tracer
    from etaoi_tui.sdk.serialize import Json
    url, seconds, rate, threads = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    pattern, history = sys.argv[5], sys.argv[6] == "history"
    tracer = open_tracer(server_url=url)
    said = 0
    def text(size):
        global said
        said += 1  # no two alike: what was seen before costs less
        return f"{said}{pattern * (size // len(pattern) + 1)}"[:size]
    messages = [{"role": "human", "text": text(480)} for _ in range(4)]
    def llm():
        if not history:
            messages[:] = [{"role": "human", "text": text(480)} for _ in range(4)]
        return "llm", {"input_messages": list(messages)}, {"response": {"role": "ai", "text": text(300)}}
    def tool():
        return "tool", {"input": Json({"q": text(200)})}, {"output": text(300)}
    def middleware():
        return "middleware", {"inputs": Json({"a": text(160)})}, {"outputs": Json({"c": text(160)})}
    kinds = (llm, tool, middleware)
    root = tracer.start("sub_agent", "root")
    tracer.flush(10)
    made = [0] * threads
    spent = [0.0] * threads
    def work(me):
        period = 2 * threads / rate if rate else 0.0
        began = time.perf_counter()
        due = began
        while time.perf_counter() - began < seconds:
            for _ in range(10 if rate else 100):
                kind, given, got = kinds[made[me] % 3]()
                tracer.end(tracer.start(kind, "n", parent=root, payload=given), got)
                made[me] += 1
            if rate:
                due += 10 * period
                time.sleep(max(0.0, due - time.perf_counter()))  # the rate
        spent[me] = time.thread_time()
    before = time.process_time()
    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    settled = tracer.flush(20)
    cpu = time.process_time() - before - sum(spent)
    stats = tracer.stats
    print(json.dumps({"events": 2 * sum(made) + 1, "cpu": cpu, "sent": stats.sent, "dropped": stats.dropped,
                      "stripped": stats.dropped_payloads, "settled": settled, "failed": stats.failed,
                      "acknowledged": stats.acknowledged, "seconds": seconds}))
"""

MEMORY = """
    import json, resource, sys, time
    from etaoi_tui.sdk.config import open_tracer
    def rss():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 1e6
    tracer = open_tracer(server_url="ws://127.0.0.1:9/ingest")
    tracer.start("sub_agent", "root")
    tracer.flush()
    before = rss()
    highest = before
    size, count = int(sys.argv[1]), int(sys.argv[2])
    for number in range(count):
        span = tracer.start("tool", "t", payload={"input": f"{number:08}" + "x" * size})
        tracer.end(span, {"output": f"{number:08}" + "y" * size})
        if number % 100 == 0:
            highest = max(highest, rss())
            time.sleep(0.005)  # lets the sender in
    time.sleep(0.5)  # what it still does counts, too
    stats = tracer.stats
    told = {"before": before, "highest": max(highest, rss()), "waiting": stats.waiting_bytes / 1e6,
            "written": stats.encoded + stats.dropped}
    print(json.dumps(told))
"""

LATENCY = """
    import sys, time
    from etaoi_tui.sdk.config import open_tracer
    tracer = open_tracer(server_url=sys.argv[1])
    tracer.start("sub_agent", "root")
    tracer.flush(10)
    for number in range(int(sys.argv[2])):
        tracer.start("tool", "t")
        time.sleep(0.007)  # one event at a time, out of step with the sender
    tracer.flush(10)
"""


def _run(program: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout) if done.stdout else None


_TEXTS = {
    "ordinary words": "What is it about, then? ",
    "paths and addresses": "see src/protocol/version_two.py line 120 and https://example.org/a/b?c=d ",
    "one letter, unbroken": "x",
    "hexadecimal, unbroken": "0f3a9c17b2d84e65",
}


def measure_sender(url: str) -> Iterator[Row]:
    """CPU of the SDK's own threads per event, and what arrives at a rate and at full speed."""
    ordinary = _TEXTS["ordinary words"]
    for words, pattern in _TEXTS.items():
        report = _run(SENDER, url, "2", "2000", "1", pattern, "new")
        yield _sender_cost(f"2,000 ev/s, {words}", report)
    report = _run(SENDER, url, "2", "2000", "1", ordinary, "history")
    yield _sender_cost("2,000 ev/s, the same messages in each call", report)
    fast = _run(SENDER, url, "4", "20000", "16", ordinary, "new")
    what = "20,000 ev/s, 16 threads"
    yield _sender_cost(what, fast)
    done = _sent(fast)
    rate, lost = fast["events"] / fast["seconds"], fast["events"] - fast["sent"] + fast["stripped"]
    yield Row(f"{what}: events made", rate, "events/s", ">= 20,000", done=done)
    yield Row(f"{what}: lost or stripped", lost, "events", "0", done=done, may_be_zero=True)
    full = _run(SENDER, url, "4", "0", "16", ordinary, "new")
    what, done = "16 threads at full speed", _sent(full)
    unsaid = full["events"] - full["sent"] - full["dropped"] - full["failed"]
    yield Row(f"{what}: events made", full["events"] / full["seconds"], "events/s", done=done)
    yield Row(f"{what}: events sent", full["sent"] / full["seconds"], "events/s", done=done)
    yield Row(f"{what}: lost without being told", unsaid, "events", "0", done=done, may_be_zero=True)


def _sent(report: dict[str, Any]) -> Done:
    return Done(report["acknowledged"], "events that the viewer acknowledged")


def _sender_cost(what: str, report: dict[str, Any]) -> Row:
    cost = report["cpu"] / report["events"] * 1e6
    return Row(f"SDK threads, CPU per event at {what}", cost, "us", "<= 10", done=_sent(report))


def measure_latency(collector: Any, url: str, count: int = 400) -> Iterator[Row]:
    """From the call in the agent to the collector's inbox, by the clock that both processes share."""
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(LATENCY), url, str(count)])
    late: list[float] = []
    deadline = time.monotonic() + 60
    while len(late) <= count and time.monotonic() < deadline:
        for arrival in collector.inbox.take(0.002, 10_000):
            now = time.time()
            late += [
                (now - event.timestamp.timestamp()) * 1e3
                for event in getattr(arrival, "events", ())
                if hasattr(event, "timestamp")
            ]
        time.sleep(0.001)  # others want to run, too
    process.wait(20)
    done = Done(len(late), "events in the inbox", count)
    yield Row("event to inbox, p50", percentile(late[1:], 50), "ms", "<= 30", done=done)
    yield Row("event to inbox, p99", percentile(late[1:], 99), "ms", done=done)


def measure_memory() -> Iterator[Row]:
    """Growth of an agent's resident memory while nobody listens."""
    for size, count in ((300, 50_000), (5_000, 20_000), (60_000, 4_000), (200_000, 1_500)):
        report = _run(MEMORY, str(size), str(count))
        what = f"memory without a viewer, {2 * count:,} events of {size:,} bytes"
        grown = report["highest"] - report["before"]
        done = Done(report["written"], "events encoded or counted as dropped", 2 * count)
        yield Row(what, grown, "MB", "<= 67.1 (64 MiB)", done=done)
        yield Row(f"{what}, by its own count", report["waiting"], "MB", "<= 67.1", done=done)


def measure() -> Iterator[Row]:
    """All of it, against a live collector in this process."""
    from etaoi_collector.collector import Collector, CollectorOptions, Record

    collector = Collector(CollectorOptions(port=0, record=Record.NONE))
    collector.bind()
    collector.start()
    try:
        yield from measure_latency(collector, collector.endpoint)
    finally:
        collector.stop()
    # For CPU figures the collector runs in another process, as it does in life.
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVER)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None and server.stdin is not None
        url = server.stdout.readline().strip()
        try:
            yield from measure_calls(url)
            yield from measure_sender(url)
        finally:
            server.stdin.close()
            server.wait(20)
    yield from measure_memory()


SERVER = """
    import sys, threading, time
    from etaoi_collector.collector import Collector, CollectorOptions, Record
    collector = Collector(CollectorOptions(port=0, record=Record.NONE, watched=False))
    collector.bind()
    collector.start()
    print(collector.endpoint, flush=True)
    sys.stdin.read()
    collector.stop()
"""
