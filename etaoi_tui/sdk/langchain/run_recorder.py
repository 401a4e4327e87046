"""Runs as spans: where a run belongs, its start, its end, and what a cancellation leaves open.

The common part of all callbacks; `etaoi_tui.sdk.langchain.handler` has one method for each of them.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from etaoi_collector.conventions.keys import LS_MODEL_NAME, LS_PROVIDER, TTFT_MS
from etaoi_collector.conventions.keys import SYNTHETIC_END as SYNTHETIC_END_KEY
from etaoi_collector.conventions.waits import RESUMES, SYNTHETIC_END, WAITS_FOR
from etaoi_tui.sdk.caller_metadata import CallerMetadata
from etaoi_tui.sdk.langchain.agent_graphs import NO_GRAPH, PLAIN_GRAPH
from etaoi_tui.sdk.langchain.agents import PreparedSnapshot, snapshot_of_graph
from etaoi_tui.sdk.langchain.context import ambient_run_key
from etaoi_tui.sdk.langchain.errors import Failure, describe_interrupts
from etaoi_tui.sdk.langchain.frame_inspection import calling_graph
from etaoi_tui.sdk.langchain.naming import agent_name
from etaoi_tui.sdk.langchain.payloads import (
    ChainInput,
    ModelOutput,
    generations_as_they_are,
)
from etaoi_tui.sdk.langchain.run_outcome import is_cancellation, is_pause, run_outcome
from etaoi_tui.sdk.langchain.run_sessions import session_of_run
from etaoi_tui.sdk.langchain.run_waits import note_pause, remember_wait, resumed_run, wait_of_graph
from etaoi_tui.sdk.langchain.runs import Run, runs_of
from etaoi_tui.sdk.tracer import ENDED, SessionInfo, Span, Tracer, entered_span

if TYPE_CHECKING:
    from uuid import UUID

logger = logging.getLogger("etaoi_tui")

_SYNTHETIC = {SYNTHETIC_END: "1"}


Ancestry = tuple[Span | None, Any, bool, SessionInfo]
"""Where a run belongs: the span that it lies in, what is known of the run that it lies in (a `Run` or an
`EndedRun`), whether it names a parent of which nothing is known, and its session. A tuple, because there is
one for every run."""


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
        self.snapshot: PreparedSnapshot | None = None
        """The attached agent's, until its first run."""
        self.stopped = False
        """After this no run is begun any more; those that run are still followed to their end."""
        self.is_followed = False
        """Whether it also reports what runs inside its runs where LangChain passes no callbacks on."""
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

    def _ancestry_of(self, parent_run_id: UUID | None, metadata: Mapping[str, Any] | None) -> Ancestry:
        """Return where a run belongs."""
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
        if span is not None:
            return span, above, False, span.session
        # The keys of `SESSION_KEYS`, asked for in C: most roots have none of them.
        if metadata and (
            "session_id" in metadata or "thread_id" in metadata or "conversation_id" in metadata
        ):
            session = session_of_run(self.tracer, self._runs, metadata)
        else:
            session = self.tracer.session
        return None, above, parent_run_id is not None, session

    def _context_for(
        self, ancestry: Ancestry, is_agent: bool = False, graph: Any = None, name: str | None = None
    ) -> Mapping[str, str] | None:
        """Return the metadata that points to the snapshot of the agent or the graph a run belongs to."""
        _, above, _, session = ancestry
        own = self._own_context(session) if self.snapshot is not None else self.context
        if (is_agent or (graph is not None and above is None)) and (above is not None or own is None):
            graph = graph if graph is not None else calling_graph()
            if graph is not None:
                return snapshot_of_graph(self.tracer, self._runs, graph, self.agent_id, session, name)
        if above is not None and above.context is not None:
            return cast("Mapping[str, str]", above.context)
        return own

    def _own_context(self, session: SessionInfo) -> Mapping[str, str] | None:
        prepared = self.snapshot
        if prepared is not None:
            self.snapshot = None
            self.context = prepared.send(self.tracer, self._runs, session)
        return self.context

    def _begin_leaf(
        self,
        kind: str,
        display_name: str,
        run_id: UUID,
        parent_run_id: UUID | None,
        metadata: dict[str, Any] | None,
        tags: list[str] | None,
        payload: Any,
        more: dict[str, Any] | None = None,
    ) -> None:
        ancestry = self._ancestry_of(parent_run_id, metadata)
        meta = CallerMetadata(metadata or ())
        meta.metadata = metadata
        if tags:
            meta["tags"] = ",".join(tags)
        if more is not None:
            meta.update(more)
        inherited = agent_name(metadata)
        above = ancestry[1]
        same = above is not None and above.inherited_agent == inherited
        agent = (above.agent or inherited) if same else inherited
        context = self._context_for(ancestry)
        self._begin(
            run_id, parent_run_id, kind, display_name, ancestry, agent, meta, context, payload, inherited
        )

    def _begin(
        self,
        run_id: UUID,
        parent_run_id: UUID | None,
        kind: str,
        display_name: str,
        ancestry: Ancestry,
        agent: str | None,
        meta: dict[str, Any],
        context: Mapping[str, str] | None,
        payload: Any,
        inherited: str | None = None,
        graph: int = NO_GRAPH,
    ) -> None:
        if context is not None:
            meta.update(context)
        parent, above, unknown, session = ancestry
        if parent is not None:
            speech = parent.speech_id or (parent.metadata or {}).get("lk_speech_id")
            if speech:
                meta["lk_speech_id"] = speech
        if unknown:
            meta["etaoi_tui.unknown_parent"] = str(parent_run_id)
        if graph >= PLAIN_GRAPH and self._runs.waiting and type(payload) is ChainInput:
            resumed = resumed_run(self._runs, session, meta, payload.value)
            if resumed is not None:
                meta[RESUMES] = resumed
        span = self.tracer.begin(
            kind, display_name, parent, session, payload, meta, agent, run_id, parent_run_id
        )
        over = above if type(above) is Run else None
        run = self._open[run_id.int] = Run(span, self, over, agent, context, inherited, graph)
        if over is not None:
            if over.below is None:
                over.below = {}
            over.below[run_id.int] = run

    def _finish(self, run_id: UUID, payload: Any, error: str | None = None) -> None:
        try:
            key = run_id.int
            run = self._open.get(key)
            if run is not None and run.owner is self:
                self._runs.close(key)
            elif (run := self._take_cut_off(run, key)) is None:
                return
            if run.graph >= PLAIN_GRAPH and (waits := wait_of_graph(run)) is not None:
                remember_wait(self._runs, run)
                self._end(run, payload, error, waits)
            elif run.below or self.stopped or run.span.state & ENDED:
                self._end(run, payload, error)
            else:
                self.tracer.finish(run.span, payload, error)
        except Exception as problem:
            self._failure("the end of a run", problem)

    def _finish_model(self, run_id: UUID, result: Any, error: BaseException | None) -> None:
        try:
            key = run_id.int
            run = self._open.get(key)
            if run is not None and run.owner is self:
                self._runs.close(key)
            elif (run := self._take_cut_off(run, key)) is None:
                return
            payload = self._model_output(run, result, error is not None)
            if error is not None:
                self._end(run, _failure_payload(run, error, payload), run_outcome(error))
            elif run.below or self.stopped or run.span.state & ENDED:
                self._end(run, payload, None)
            else:
                self.tracer.finish(run.span, payload, None)
        except Exception as problem:
            self._failure("the end of a model call", problem)

    def _fail(self, run_id: UUID, error: BaseException) -> None:
        try:
            key = run_id.int
            run = self._open.get(key)
            if run is not None and run.owner is self:
                self._runs.close(key)
            elif (run := self._take_cut_off(run, key)) is None:
                return
            outcome = run_outcome(error)
            waits: dict[str, str] | None = None
            if is_pause(error):
                waits = note_pause(run, error)
                outcome = f"{type(error).__name__}({waits[WAITS_FOR]!r})"
            elif run.graph >= PLAIN_GRAPH and isinstance(error, GeneratorExit):
                # Whoever read the stream left it: no news when the graph has stopped to wait by then.
                waits = wait_of_graph(run, error)
                if waits is not None:
                    outcome = None
                    remember_wait(self._runs, run)
            self._end(run, _failure_payload(run, error), outcome, waits, error)
        except Exception as problem:
            self._failure("the error of a run", problem)

    def _take_cut_off(self, open_run: Run | None, key: int) -> Run | None:
        """Take a run that was cut off and reports its true end now; None if it is not ours to end."""
        run = self._runs.cut_off.get(key) if open_run is None else None
        if run is None or run.owner is not self:
            return None
        self._runs.cut_off.pop(key, None)
        return run

    def _end(
        self,
        run: Run,
        payload: Any,
        error: BaseException | str | None,
        metadata: Mapping[str, str] | None = None,
        raised: BaseException | None = None,
    ) -> None:
        if run.below:
            self._cut_off_below(run, raised)
        span = run.span
        if span.state & ENDED:
            self.tracer.end_after_all(span, payload, error=error, metadata=metadata)
        else:
            self.tracer.end(span, payload, error=error, metadata=metadata)
        if self.stopped:
            self._rest()

    def _rest(self) -> None:
        when_idle = self._when_idle
        if when_idle is not None and self.open_runs == 0:
            self._when_idle = None
            when_idle()

    def _cut_off_below(self, run: Run, error: BaseException | None) -> None:
        """End what is open in a run that has ended: of what is cancelled, LangChain reports no end.

        What really goes on (a thread, a task of its own) reports its true end later, and that one counts.
        """
        why = type(error).__name__ if error is not None and is_cancellation(error) else "its caller ended"
        for other in self._runs.cut_off_below(run):
            payload: dict[str, Any] | None = None
            if other.span.kind == "llm":
                payload = {SYNTHETIC_END_KEY: True}
                if (ttft := _first_token_ms(other)) is not None:
                    payload[TTFT_MS] = ttft
            other.span.tracer.end(other.span, payload, error=f"cancelled: {why}", metadata=_SYNTHETIC)

    def _model_output(self, run: Run, result: Any, failed: bool) -> ModelOutput:
        span = run.span
        meta = span.metadata or {}
        return ModelOutput(
            generations_as_they_are(result),
            meta.get(LS_MODEL_NAME),
            span.name,
            meta.get(LS_PROVIDER),
            _first_token_ms(run),
            run.usage if run.totals_run else None,
            failed,
        )

    def _note(self, run_id: UUID, payload: dict[str, Any]) -> None:
        run = self._open.get(run_id.int)
        if run is not None and run.owner is self:
            self.tracer.delta(run.span, payload)

    def _failure(self, where: str, error: BaseException) -> None:
        level = logging.DEBUG if self._failed else logging.WARNING
        self._failed = True
        logger.log(level, "etaoi-tui could not record %s; the agent is not affected", where, exc_info=error)


def _first_token_ms(run: Run) -> int | None:
    at = run.first_token_ns
    return (at - run.span.started_ns) // 1_000_000 if at else None


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
