"""Runs as spans: where a run belongs, its start, its end, and what a cancellation leaves open.

The common part of all callbacks; `etaoi_tui.sdk.langchain.handler` has one method for each of them.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from etaoi_tui.sdk.langchain import message_snapshots as shots
from etaoi_tui.sdk.langchain.agents import snapshot_of_graph
from etaoi_tui.sdk.langchain.context import ambient_run_key
from etaoi_tui.sdk.langchain.errors import Failure, describe_interrupts
from etaoi_tui.sdk.langchain.frame_inspection import calling_graph
from etaoi_tui.sdk.langchain.naming import agent_name, run_metadata
from etaoi_tui.sdk.langchain.payloads import ModelInput, ModelOutput
from etaoi_tui.sdk.langchain.run_outcome import is_cancellation, is_pause, run_outcome
from etaoi_tui.sdk.langchain.run_sessions import session_of_run
from etaoi_tui.sdk.langchain.runs import Run, runs_of
from etaoi_tui.sdk.tracer import Span, Tracer, entered_span

if TYPE_CHECKING:
    from uuid import UUID

logger = logging.getLogger("etaoi_tui")


class RunRecorder:
    """Keeps the runs of one tracer.

    Args:
        tracer: where spans go.
        context: metadata that points to the agent's snapshot, for the roots that it reports.
    """

    def __init__(self, tracer: Tracer, context: Mapping[str, str] | None = None) -> None:
        self.tracer = tracer
        self.context = context
        self.agent_id: str | None = None
        self.stopped = False
        """After this no run is begun any more; those that run are still followed to their end."""
        self._when_idle: Callable[[], None] | None = None
        self._runs = runs_of(tracer)
        self._open = self._runs.open
        self._pipeline = tracer.pipeline
        self._failed = False

    @property
    def open_runs(self) -> int:
        """How many of the runs that this handler reports have not ended."""
        return sum(run.owner is self for run in list(self._open.values()))

    def stop(self, when_idle: Callable[[], None] | None = None) -> bool:
        """Begin no further runs.

        Args:
            when_idle: called once the runs under way have ended.

        Returns:
            Whether none is under way; ``when_idle`` is not called then.
        """
        self._when_idle = when_idle
        self.stopped = True
        if self.open_runs == 0:
            self._when_idle = None
            return True
        return False

    def _find_parent(self, parent_run_id: UUID | None) -> tuple[Span | None, Run | Any | None, bool]:
        """Return (span to lie in, what is known of the parent run, whether a parent is named but unknown)."""
        above: Any = None
        span: Span | None = None
        if parent_run_id is not None:
            above = self._open.get(parent_run_id.int)
            if above is not None:
                span = above.span
            else:
                above = self._runs.ended(parent_run_id.int)
                if above is not None:
                    span = above.as_parent()
        if above is None:
            # A root by LangChain's book, or the child of another tracer's run: the run that LangChain's own
            # context variable names is where it was called from.
            key = ambient_run_key()
            if key is not None:
                above = self._open.get(key)
                if above is not None:
                    span = above.span
        entered = entered_span()
        if (
            entered is not None
            and entered is not span
            and not entered.ended
            and entered.tracer.pipeline is self._pipeline
            and (span is None or entered.started_ns >= span.started_ns)
        ):
            span = entered
        return span, above, parent_run_id is not None and span is None

    def _context_for(self, is_agent: bool, above: Run | Any | None) -> Mapping[str, str] | None:
        """Return the metadata that points to the snapshot of the agent a run belongs to."""
        if is_agent and (above is not None or self.context is None):
            graph = calling_graph()
            if graph is not None:
                return snapshot_of_graph(self.tracer, self._runs, graph, self.agent_id)
        if above is not None and above.context is not None:
            return cast("Mapping[str, str]", above.context)
        return self.context

    def _begin_leaf(
        self,
        kind: str,
        shown: str,
        run_id: UUID,
        parent_run_id: UUID | None,
        metadata: dict[str, Any] | None,
        tags: list[str] | None,
        payload: Any,
        more: dict[str, Any] | None = None,
    ) -> None:
        parent, above, unknown = self._find_parent(parent_run_id)
        if type(payload) is ModelInput:
            payload.keyed = shots.keys_wanted
        meta = run_metadata(metadata)
        if tags:
            meta["tags"] = ",".join(tags)
        if more is not None:
            meta.update(more)
        agent = agent_name(metadata)
        context = self._context_for(False, above)
        self._begin(run_id, parent_run_id, kind, shown, parent, above, unknown, agent, meta, context, payload)

    def _begin(
        self,
        run_id: UUID,
        parent_run_id: UUID | None,
        kind: str,
        shown: str,
        parent: Span | None,
        above: Run | Any | None,
        unknown: bool,
        agent: str | None,
        meta: dict[str, Any],
        context: Mapping[str, str] | None,
        payload: Any,
    ) -> None:
        if context is not None:
            meta.update(context)
        if parent is not None:
            speech = parent.speech_id or (parent.metadata or {}).get("lk_speech_id")
            if speech:
                meta["lk_speech_id"] = speech
        if unknown:
            meta["etaoi_tui.unknown_parent"] = str(parent_run_id)
        span = self.tracer.start(
            kind,
            shown,
            parent=parent,
            session=parent.session if parent is not None else session_of_run(self.tracer, self._runs, meta),
            payload=payload,
            metadata=meta,
            agent_name=agent,
            run_id=run_id,
            parent_run_id=parent_run_id,
        )
        self._open[run_id.int] = Run(span, self, above if type(above) is Run else None, agent, context)

    def _finish(self, run_id: UUID, payload: Any, error: str | None = None) -> None:
        try:
            run = self._open.get(run_id.int)
            if run is None or run.owner is not self:
                return
            self._runs.close(run_id.int)
            self.tracer.end(run.span, payload, error=error)
            if self.stopped:
                self._rest()
        except Exception as problem:
            self._failure("the end of a run", problem)

    def _finish_model(self, run_id: UUID, result: Any, error: BaseException | None) -> None:
        try:
            run = self._open.get(run_id.int)
            if run is None or run.owner is not self:
                return
            self._runs.close(run_id.int)
            payload = self._model_output(run, result)
            if error is not None:
                payload = _failure_payload(run, error, payload)
            self.tracer.end(run.span, payload, error=run_outcome(error))
            if self.stopped:
                self._rest()
        except Exception as problem:
            self._failure("the end of a model call", problem)

    def _fail(self, run_id: UUID, error: BaseException) -> None:
        try:
            run = self._open.get(run_id.int)
            if run is None or run.owner is not self:
                return
            if is_cancellation(error):
                self._cancel_below(run, error)
            self._runs.close(run_id.int)
            self.tracer.end(run.span, _failure_payload(run, error), error=run_outcome(error))
            if self.stopped:
                self._rest()
        except Exception as problem:
            self._failure("the error of a run", problem)

    def _rest(self) -> None:
        when_idle = self._when_idle
        if when_idle is not None and self.open_runs == 0:
            self._when_idle = None
            when_idle()

    def _cancel_below(self, run: Run, error: BaseException) -> None:
        """End what a cancelled run leaves open: LangChain calls nothing back for it."""
        for key, other in reversed(self._runs.below(run)):
            if self._runs.close(key) is None:
                continue
            payload = self._model_output(other, None, synthetic=True) if other.span.kind == "llm" else None
            other.span.tracer.end(other.span, payload, error=f"cancelled: {type(error).__name__}")

    def _model_output(self, run: Run, result: Any, synthetic: bool = False) -> Any:
        meta = run.span.metadata or {}
        ttft = (run.first_token_ns - run.span.started_ns) // 1_000_000 if run.first_token_ns else None
        if synthetic:
            return {"synthetic_end": True, **({"ttft_ms": ttft} if ttft is not None else {})}
        return ModelOutput(result, meta.get("ls_model_name"), run.span.name, meta.get("ls_provider"), ttft)

    def _note(self, run_id: UUID, payload: dict[str, Any]) -> None:
        run = self._open.get(run_id.int)
        if run is not None and run.owner is self:
            self.tracer.delta(run.span, payload)

    def _failure(self, where: str, error: BaseException) -> None:
        level = logging.DEBUG if self._failed else logging.WARNING
        self._failed = True
        logger.log(level, "etaoi-tui could not record %s; the agent is not affected", where, exc_info=error)


def _failure_payload(run: Run, error: BaseException, more: Any = None) -> Any:
    """Return what a failed run's end says; the traceback only where the exception was seen first."""
    seen_below = run.reported_error_id == id(error)
    if run.parent is not None:
        run.parent.reported_error_id = id(error)
    if is_pause(error):
        return more if seen_below else functools.partial(describe_interrupts, error)
    if seen_below or is_cancellation(error) or not isinstance(run_outcome(error), BaseException):
        return more
    return Failure(error, more)
