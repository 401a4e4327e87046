"""Runs inside the peers' environment: one tracer's process, which runs programs when it is told to.

Reads lines of ``SHAPE TIMES`` and answers with ``{"wall": seconds, "cpu": seconds, "reported": count}``: for
that many runs, with everything that was recorded sent; ``reported`` is how many spans or events of them were.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.shape_programs import SHAPES

FLUSH = 60.0


def bare(url: str, sink: str) -> tuple[list[Any], Callable[[], int]]:
    return [], lambda: 1


def empty(url: str, sink: str) -> tuple[list[Any], Callable[[], int]]:
    from benchmarks.peer_callbacks import Empty

    return [Empty()], lambda: 1


def ours(url: str, sink: str) -> tuple[list[Any], Callable[[], int]]:
    from etaoi_tui.sdk.langchain.callback_handler import EtaoiHandler

    handler = EtaoiHandler(server_url=url)
    sent = 0

    def settle() -> int:
        nonlocal sent
        is_settled = handler.tracer.flush(FLUSH)
        stats = handler.tracer.stats
        if not is_settled or stats.dropped or stats.failed:
            raise RuntimeError(f"not everything was sent: {stats}")
        sent_before, sent = sent, stats.sent
        return sent - sent_before

    return [handler], settle


def etaoi(url: str, sink: str) -> tuple[list[Any], Callable[[], int]]:
    import etaoi as reference

    from benchmarks.peer_callbacks import agent

    handle = reference.attach(agent()[0], sink="ws", server_url=url)
    return [handle.handler], lambda: 1


def openinference(url: str, sink: str) -> tuple[list[Any], Callable[[], int]]:
    from openinference.instrumentation.langchain._tracer import OpenInferenceTracer
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))

    def settle() -> int:
        provider.force_flush(int(FLUSH * 1000))
        sent = len(exporter.get_finished_spans())
        exporter.clear()
        return sent

    return [OpenInferenceTracer(provider.get_tracer("bench"), False)], settle


def langsmith(url: str, sink: str) -> tuple[list[Any], Callable[[], int]]:
    from langchain_core.tracers import LangChainTracer
    from langsmith import Client

    client = Client(api_url=sink, api_key="none")

    def settle() -> int:
        client.flush()
        return 1

    return [LangChainTracer(client=client, project_name="bench")], settle


TRACERS = {
    "bare": bare, "no-op handler": empty, "ours": ours, "etaoi": etaoi, "openinference": openinference,
    "langsmith": langsmith,
}  # fmt: skip


def main() -> None:
    logging.disable(logging.CRITICAL)
    name, url, sink = sys.argv[1:4]
    callbacks, settle = TRACERS[name](url, sink)
    programs = {shape: make() for shape, make in SHAPES.items()}
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        shape, times = line.rstrip("\n").rsplit(" ", 1)
        run = programs[shape]
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(int(times)):
            run(callbacks)
        wall = time.perf_counter() - wall
        reported = settle()
        cpu = time.process_time() - cpu
        print(json.dumps({"wall": wall, "cpu": cpu, "reported": reported}), flush=True)
    os._exit(0)  # peers without a server would retry for minutes at exit


if __name__ == "__main__":
    main()
