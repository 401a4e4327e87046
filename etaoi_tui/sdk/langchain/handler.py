"""The callback handler: LangChain's twenty callbacks, as spans.

In the agent's thread each callback looks up its run, takes references and the time, and hands them to the
tracer. What the agent may change afterwards (lists and maps of its state) is copied shallowly; messages are
taken as they are, since LangChain replaces them instead of changing them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any, cast

from langchain_core.callbacks import BaseCallbackHandler

from etaoi_tui.sdk.langchain.agents import snapshot_of_graph
from etaoi_tui.sdk.langchain.ambient import ambient_run_key
from etaoi_tui.sdk.langchain.callers import calling_graph
from etaoi_tui.sdk.langchain.ends import how_it_ended, is_cancellation, is_pause
from etaoi_tui.sdk.langchain.errors import Failure
from etaoi_tui.sdk.langchain.naming import agent_name, classify_chain, run_name
from etaoi_tui.sdk.langchain.payloads import (
    ChainInput,
    ChainOutput,
    Documents,
    ModelInput,
    ModelOutput,
    ToolInput,
    ToolOutput,
)
from etaoi_tui.sdk.langchain.runs import Run, runs_of
from etaoi_tui.sdk.langchain.streams import feed_block, feed_chunk, feed_event
from etaoi_tui.sdk.tracer import Span, Tracer, entered_span
from etaoi_tui.sdk.values import snapshot

if TYPE_CHECKING:
    from uuid import UUID

_AGENT_MAKERS = frozenset({"langchain_create_agent", "deepagents"})

logger = logging.getLogger("etaoi_tui")


class TracerHandler(BaseCallbackHandler):
    """Reports LangChain runs to one tracer.

    Runs inline, also in async code: its callbacks must see the caller's context and keep their order. It
    never raises; the first failure of its own is logged, further ones at debug level.

    Args:
        tracer: where spans go.
        context: metadata that points to the agent's snapshot, for the roots that this handler reports.
    """

    run_inline = True
    raise_error = False
    ignore_llm = False  # plain attributes: the base class's properties cost a call per event
    ignore_retry = False
    ignore_chain = False
    ignore_agent = False
    ignore_retriever = False
    ignore_chat_model = False
    ignore_custom_event = False

    def __init__(self, tracer: Tracer, context: Mapping[str, str] | None = None) -> None:
        super().__init__()
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

    # Chains

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        run_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        if self.stopped or run_id.int in self._open:
            return
        try:
            parent, above, unknown = self._find_parent(parent_run_id)
            agent = agent_name(metadata)
            meta: dict[str, Any] = dict(metadata) if metadata else {}
            enters = (
                agent is not None and agent != (above.agent if above is not None else None)
            ) or meta.get("ls_agent_type") == "subagent"
            shown = name or run_name(serialized, None, "chain")
            kind, chain_kind, hook = classify_chain(shown, meta.get("langgraph_node"), enters)
            meta["lc_chain_kind"] = chain_kind
            if hook is not None:
                meta["lc_hook"] = hook
            if tags:
                meta["tags"] = ",".join(tags)
            if run_type:
                meta["run_type"] = run_type
            is_agent = kind == "sub_agent" or (above is None and meta.get("ls_integration") in _AGENT_MAKERS)
            context = self._context_for(is_agent, above)
            self._begin(
                run_id,
                parent_run_id,
                kind,
                agent if agent is not None and kind == "sub_agent" else shown,
                parent,
                above,
                unknown,
                agent,
                meta,
                context,
                ChainInput(snapshot(inputs)),
            )
        except Exception as error:
            self._failure("on_chain_start", error)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._finish(run_id, ChainOutput(snapshot(outputs)))

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    # Models

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[Any]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        invocation_params: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if self.stopped or run_id.int in self._open:
            return
        try:
            payload = ModelInput(
                [batch[:] for batch in messages], None, invocation_params, self._runs.tool_sets
            )
            shown = (metadata and metadata.get("ls_model_name")) or run_name(serialized, name, "chat_model")
            self._begin_leaf("llm", str(shown), run_id, parent_run_id, metadata, tags, payload)
        except Exception as error:
            self._failure("on_chat_model_start", error)

    def on_llm_start(
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        invocation_params: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if self.stopped or run_id.int in self._open:
            return
        try:
            payload = ModelInput(None, prompts[:], invocation_params, self._runs.tool_sets)
            shown = run_name(serialized, None, "") or name or "llm"
            self._begin_leaf("llm", shown, run_id, parent_run_id, metadata, tags, payload)
        except Exception as error:
            self._failure("on_llm_start", error)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, chunk: Any = None, **kwargs: Any) -> None:
        run = self._open.get(run_id.int)
        if run is None or run.owner is not self or run.stream == "event":
            return
        if not run.first_token_ns:
            run.first_token_ns = time_ns()
            run.stream = "token"
        try:
            if token:
                if type(token) is str:
                    self.tracer.text(run.span, token)
                else:
                    feed_block(self.tracer, run.span, token)
            if chunk is not None:
                feed_chunk(self.tracer, run.span, chunk)
        except Exception as error:
            self._failure("on_llm_new_token", error)

    def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._open.get(run_id.int)
        if run is None or run.owner is not self or run.stream == "token":
            return
        try:
            if feed_event(self.tracer, run.span, event) and not run.first_token_ns:
                run.first_token_ns = time_ns()
                run.stream = "event"
        except Exception as error:
            self._failure("on_stream_event", error)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._finish_model(run_id, response, None)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._finish_model(run_id, kwargs.get("response"), error)

    # Tools

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        name: str | None = None,
        tool_call_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        if self.stopped or run_id.int in self._open:
            return
        try:
            payload = ToolInput(snapshot(inputs) if inputs is not None else input_str)
            more = {"tool_call_id": tool_call_id} if tool_call_id else None
            shown = run_name(serialized, None, "") or name or "tool"
            self._begin_leaf("tool", shown, run_id, parent_run_id, metadata, tags, payload, more)
        except Exception as error:
            self._failure("on_tool_start", error)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        fields = getattr(output, "__dict__", None)
        failed = fields.get("status") == "error" and fields.get("type") == "tool" if fields else False
        self._finish(run_id, ToolOutput(snapshot(output)), "tool_error" if failed else None)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    # Retrievers

    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if self.stopped or run_id.int in self._open:
            return
        try:
            shown = run_name(serialized, name, "retriever")
            known = metadata and metadata.get("ls_retriever_name")
            more = {"ls_retriever_name": known or shown, "lc_chain_kind": "user"}
            payload = ChainInput(query)
            self._begin_leaf("middleware", shown, run_id, parent_run_id, metadata, tags, payload, more)
        except Exception as error:
            self._failure("on_retriever_start", error)

    def on_retriever_end(self, documents: Sequence[Any], *, run_id: UUID, **kwargs: Any) -> None:
        self._finish(run_id, Documents(list(documents)))

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    # What happens inside a run

    def on_agent_action(self, action: Any, *, run_id: UUID, **kwargs: Any) -> None:
        told = {key: getattr(action, key, None) for key in ("tool", "tool_input", "log")}
        self._note(run_id, {"agent_action": told})

    def on_agent_finish(self, finish: Any, *, run_id: UUID, **kwargs: Any) -> None:
        told = {"return_values": snapshot(getattr(finish, "return_values", None)), "log": finish.log}
        self._note(run_id, {"agent_finish": told})

    def on_text(self, text: str, *, run_id: UUID, **kwargs: Any) -> None:
        self._note(run_id, {"note": text})

    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> None:
        told: dict[str, Any] = {"attempt": getattr(retry_state, "attempt_number", None)}
        outcome = getattr(retry_state, "outcome", None)
        if outcome is not None and outcome.failed:
            error = outcome.exception()
            told["error"] = f"{type(error).__name__}: {error}"
        if (wait := getattr(retry_state, "upcoming_sleep", None)) is not None:
            told["wait_s"] = wait
        self._note(run_id, {"retry": told})

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._open.get(run_id.int)
        if self.stopped or (run is not None and run.owner is not self):
            return
        try:
            parent = run.span if run is not None else None
            meta = {"event": name, "lc_chain_kind": "user"}
            span = self.tracer.start(
                "middleware", str(name), parent=parent, payload={"data": snapshot(data)}, metadata=meta
            )
            self.tracer.end(span, at=span.started_ns)
        except Exception as error:
            self._failure("on_custom_event", error)

    # Common parts

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
        if parent is not None and type(payload) is ModelInput:
            payload.keyed = "lc_probe" in (parent.metadata or ())
        meta: dict[str, Any] = dict(metadata) if metadata else {}
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
        if unknown:
            meta["etaoi_tui.unknown_parent"] = str(parent_run_id)
        span = self.tracer.start(
            kind,
            shown,
            parent=parent,
            session=parent.session if parent is not None else None,
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
            self.tracer.end(run.span, payload, error=how_it_ended(error))
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
            self.tracer.end(run.span, _failure_payload(run, error), error=how_it_ended(error))
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
        return ModelOutput(result, meta.get("ls_model_name"), meta.get("ls_provider"), ttft)

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
    seen_below = run.told_error == id(error)
    if run.parent is not None:
        run.parent.told_error = id(error)
    if (
        seen_below
        or not isinstance(how_it_ended(error), BaseException)
        or is_cancellation(error)
        or is_pause(error)
    ):
        return more
    return Failure(error, more)
