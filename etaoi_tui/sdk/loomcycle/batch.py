"""Batches of loomcycle runs: one call, many agents, their outcomes only at the end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from time import time_ns
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.wire.metadata_keys import APPROXIMATE_END
from etaoi_tui.sdk.bridge_support.method_hooks import Hook, guarded
from etaoi_tui.sdk.bridge_support.shared import enclosing_span, error_words, serialize_value, usage_of
from etaoi_tui.sdk.loomcycle.registry import WatchedClient
from etaoi_tui.sdk.loomcycle.run import prompt_text
from etaoi_tui.sdk.loomcycle.segments import messages_of
from etaoi_tui.sdk.serialize import error_sentence
from etaoi_tui.sdk.tracer import Span


class Batch:
    """The spans of one batch: a task, and a sub-agent for each spawn."""

    def __init__(self, watch: WatchedClient) -> None:
        self._watch = watch
        self._tracer = watch.tracer
        self._parent = enclosing_span(watch.tracer)
        self._called_ns = time_ns()
        self._task: Span | None = None
        self._children: list[Span] = []

    @guarded
    def begin(self, spawns: list[Any]) -> None:
        """Start the spans, once it is known what is spawned."""
        tracer = self._tracer
        agents = [str(_read(spawn, "agent") or "agent") for spawn in spawns]
        self._task = task = tracer.start(
            "task",
            f"batch of {len(spawns)}",
            parent=self._parent,
            payload={keys.INPUTS: serialize_value(agents)},
            at=self._called_ns,
        )
        self._watch.began()
        for agent, spawn in zip(agents, spawns, strict=True):
            child = tracer.start(
                "sub_agent",
                agent,
                parent=task,
                payload={keys.INPUTS: prompt_text(messages_of(_read(spawn, "segments")))},
                agent_name=agent,
                at=self._called_ns,
            )
            self._children.append(child)
            self._watch.directory.wait_for(agent, "", child)

    @guarded
    def returned(self, result: Any) -> None:
        """End the spans with what each agent came to."""
        results = _read(result, "results") or ()
        for child, child_result in zip(self._children, results, strict=False):
            self._end_child(child, child_result)
        statuses = [str(_read(child_result, "status") or "") for child_result in results]
        self._end(None, {keys.OUTPUTS: serialize_value(statuses)})

    def _end_child(self, child: Span, result: Mapping[str, Any]) -> None:
        directory = self._watch.directory
        run_id = str(_read(result, "run_id") or "")
        run = directory.run(run_id)
        if run is None:
            ids = {name: str(_read(result, name) or "") for name in ("agent_id", "session_id")}
            directory.identify(self._tracer, child, run_id, **ids)
        else:
            run.session_id = str(_read(result, "session_id") or "")
        directory.stop_waiting(child)
        status = str(_read(result, "status") or "")
        failed = _read(result, "error") or (None if status == "completed" or not status else status)
        if status == "running":  # the batch did not wait for it
            failed = None
        payload = {keys.OUTPUTS: _read(result, "final_text") or "", "status": status}
        if stop_reason := _read(result, "stop_reason"):
            payload[keys.STOP_REASON] = stop_reason
        if usage := usage_of(_read(result, "usage")):
            payload["total_usage"] = usage
            # No model call of the child is recorded here; a transcript that is imported later tells its own.
            self._tracer.delta(child, {"usage": usage})
            directory.mark_usage_reported(run_id)
        # All outcomes are told together, when the last agent has come to its own; run states know better.
        at = run.ended_ns if run is not None else None
        late = {APPROXIMATE_END: "1"} if at is None and len(self._children) > 1 else None
        error = error_words(failed) if failed else None
        self._tracer.end(child, payload, error=error, metadata=late, at=at)

    @guarded
    def failed(self, error: BaseException) -> None:
        """End the spans with what was raised."""
        if self._task is None:
            self.begin([])
        self._end(error_sentence(error) if isinstance(error, Exception) else error, None)

    def _end(self, error: str | BaseException | None, payload: Any) -> None:
        if self._task is None or self._task.ended:
            return
        for child in reversed(self._children):
            self._watch.directory.stop_waiting(child)
            self._tracer.end(child, error=error)
        self._tracer.end(self._task, payload, error=error)
        self._watch.ended()


def watched_batch(hook: Hook) -> Callable[..., Any]:
    """Make the wrapper of ``spawn_run_batch``."""

    def spawn_run_batch(*args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        batch = _open(hook)
        if batch is None:
            return hook.inner(*args, **kwargs)  # type: ignore[no-any-return]
        spawns = args[0] if args else kwargs.get("spawns", ())
        if _readable_twice(spawns):
            return observe(hook.inner(*args, **kwargs), batch, spawns)
        watched_spawns = _watched_spawns(spawns, batch)
        if args:
            args = (watched_spawns, *args[1:])
        else:
            kwargs["spawns"] = watched_spawns
        return observe(hook.inner(*args, **kwargs), batch, None)

    async def observe(inner: Any, batch: Batch, spawns: Any) -> Any:
        if spawns is not None:
            batch.begin(list(spawns))
        try:
            result = await inner
        except BaseException as error:
            batch.failed(error)
            raise
        batch.returned(result)
        return result

    return spawn_run_batch


@guarded
def _open(hook: Hook) -> Batch | None:
    return Batch(hook.owners[0]) if hook.owners else None


def _readable_twice(spawns: Any) -> bool:
    return isinstance(spawns, (list, tuple)) and not any(
        isinstance(_read(spawn, "segments"), Iterator) for spawn in spawns
    )


def _watched_spawns(spawns: Iterable[Any], batch: Batch) -> Iterator[Any]:
    """Yield spawns to the client, which reads them once, and start the spans after the last."""
    spawned = []
    for spawn in spawns:
        if isinstance(spawn, Mapping) and isinstance(spawn.get("segments"), Iterator):
            spawn = {**spawn, "segments": list(spawn["segments"])}
        spawned.append(spawn)
        yield spawn
    batch.begin(spawned)


def _read(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else None
