"""The callback handler: LangChain's twenty callbacks, as spans.

In the agent's thread each callback looks up its run, takes references and the time, and hands them to the
tracer. What the agent may change afterwards (lists and maps of its state) is copied shallowly; messages are
taken as they are, since LangChain replaces them instead of changing them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.caller_metadata import CallerMetadata
from etaoi_tui.sdk.langchain import message_snapshots
from etaoi_tui.sdk.langchain.agent_graphs import AGENT_GRAPH, IN_AGENT, NO_GRAPH, chain_role
from etaoi_tui.sdk.langchain.frame_inspection import entered_graph
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot
from etaoi_tui.sdk.langchain.naming import agent_name, classify_chain, run_name
from etaoi_tui.sdk.langchain.payloads import (
    ChainInput,
    ChainOutput,
    Documents,
    ModelInput,
    ToolInput,
    ToolOutput,
    snapshot_of_state,
)
from etaoi_tui.sdk.langchain.run_outcome import answers_failure
from etaoi_tui.sdk.langchain.run_recorder import RunRecorder
from etaoi_tui.sdk.langchain.runs import note_usage
from etaoi_tui.sdk.langchain.streams import feed_block, feed_event, feed_message
from etaoi_tui.sdk.serialize import error_sentence, snapshot
from etaoi_tui.sdk.tracer import MOST_PIECES

if TYPE_CHECKING:
    from uuid import UUID

logger = logging.getLogger("etaoi_tui")

_WITHIN_AGENTS = (IN_AGENT, AGENT_GRAPH)


class TracerHandler(RunRecorder, BaseCallbackHandler):
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
            ancestry = self._ancestry_of(parent_run_id, metadata)
            inherited = agent_name(metadata)
            meta = CallerMetadata(metadata or ())
            meta.metadata = metadata
            label = name or run_name(serialized, None, "chain")
            node = meta.get("langgraph_node")
            graph = entered_graph()
            above = ancestry[1]
            if graph is None and above is not None and above.inherited_agent == inherited:
                # A step of the same agent, as most runs are.
                agent, enters = above.agent or inherited, metadata is not None and "ls_agent_type" in metadata
                part = IN_AGENT if above.graph in _WITHIN_AGENTS else NO_GRAPH
                enters = enters and meta["ls_agent_type"] == "subagent"
            else:
                label, agent, enters, part = chain_role(self._runs, graph, label, meta, inherited, above)
            kind, chain_kind, hook = classify_chain(label, node, enters, part == IN_AGENT)
            meta[keys.LC_CHAIN_KIND] = chain_kind
            if hook is not None:
                meta[keys.LC_HOOK] = hook
            if tags:
                meta["tags"] = ",".join(tags)
            if run_type:
                meta["run_type"] = run_type
            context = self._context_for(ancestry, kind == "sub_agent", graph, label)
            self._begin(
                run_id,
                parent_run_id,
                kind,
                agent if agent is not None and kind == "sub_agent" else label,
                ancestry,
                agent,
                meta,
                context,
                ChainInput(inputs),
                inherited,
                part,
            )
        except Exception as error:
            self._failure("on_chain_start", error)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._finish(run_id, ChainOutput(snapshot_of_state(outputs)))

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

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
                [MessageSnapshot(batch) for batch in messages],
                None,
                invocation_params,
                self._runs.tool_sets,
                kwargs.get("options"),
                message_snapshots.keys_wanted,
            )
            asked_for = metadata and metadata.get(keys.LS_MODEL_NAME)
            label = asked_for or run_name(serialized, name, "chat_model")
            self._begin_leaf("llm", str(label), run_id, parent_run_id, metadata, tags, payload)
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
            label = run_name(serialized, None, "") or name or "llm"
            self._begin_leaf("llm", label, run_id, parent_run_id, metadata, tags, payload)
        except Exception as error:
            self._failure("on_llm_start", error)

    def on_llm_new_token(
        self,
        token: Any,
        *,
        run_id: UUID,
        chunk: Any = None,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        run = self._open.get(run_id.int)
        if run is None:
            return
        if run.tokens_by is not self:
            if run.owner is not self or run.first_token_ns:
                return
            run.tokens_by = self
        try:
            has_content = False
            if type(token) is str:
                if token:
                    # As `Tracer.text` does, without the call.
                    pieces = run.span.pieces
                    if pieces is not None and len(pieces) < MOST_PIECES:
                        pieces.append(token)
                    else:
                        self.tracer.text(run.span, token)
                    has_content = True
            elif token:
                has_content = feed_block(self.tracer, run.span, token)
            if chunk is not None:
                message = chunk.__dict__.get("message")
                if message is not None:
                    fields = message.__dict__
                    if fields.get("tool_call_chunks") or fields["additional_kwargs"]:
                        has_content = feed_message(self.tracer, run.span, fields) or has_content
                    if usage := fields.get("usage_metadata"):
                        note_usage(run, usage)
            if has_content and not run.first_token_ns:
                run.first_token_ns = time_ns()
        except Exception as error:
            self._failure("on_llm_new_token", error)

    def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._open.get(run_id.int)
        if run is None or run.owner is not self or run.tokens_by is not None:
            return
        try:
            if feed_event(self.tracer, run.span, event) and not run.first_token_ns:
                run.first_token_ns = time_ns()
        except Exception as error:
            self._failure("on_stream_event", error)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._finish_model(run_id, response, None)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._finish_model(run_id, kwargs.get("response"), error)

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
            label = run_name(serialized, None, "") or name or "tool"
            self._begin_leaf("tool", label, run_id, parent_run_id, metadata, tags, payload, more)
        except Exception as error:
            self._failure("on_tool_start", error)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._finish(run_id, ToolOutput(snapshot(output)), "tool_error" if answers_failure(output) else None)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

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
            label = run_name(serialized, name, "retriever")
            declared_name = metadata and metadata.get(keys.LS_RETRIEVER_NAME)
            more = {
                keys.LS_RETRIEVER_NAME: declared_name or label,
                keys.LC_CHAIN_KIND: "user",
                "etaoi_tui.kind": "retriever",
            }
            payload = ChainInput(query)
            self._begin_leaf("middleware", label, run_id, parent_run_id, metadata, tags, payload, more)
        except Exception as error:
            self._failure("on_retriever_start", error)

    def on_retriever_end(self, documents: Sequence[Any], *, run_id: UUID, **kwargs: Any) -> None:
        self._finish(run_id, Documents(list(documents)))

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    # What happens inside a run

    def on_agent_action(self, action: Any, *, run_id: UUID, **kwargs: Any) -> None:
        action_fields = {key: getattr(action, key, None) for key in ("tool", "tool_input", "log")}
        self._note(run_id, {"agent_action": action_fields})

    def on_agent_finish(self, finish: Any, *, run_id: UUID, **kwargs: Any) -> None:
        finish_fields = {"return_values": snapshot(getattr(finish, "return_values", None)), "log": finish.log}
        self._note(run_id, {"agent_finish": finish_fields})

    def on_text(self, text: str, *, run_id: UUID, **kwargs: Any) -> None:
        self._note(run_id, {"note": text})

    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> None:
        retry_fields: dict[str, Any] = {"attempt": getattr(retry_state, "attempt_number", None)}
        outcome = getattr(retry_state, "outcome", None)
        if outcome is not None and outcome.failed:
            error = outcome.exception()
            retry_fields["error"] = error_sentence(error)
        if (wait := getattr(retry_state, "upcoming_sleep", None)) is not None:
            retry_fields["wait_s"] = wait
        self._note(run_id, {"retry": retry_fields})

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        run = self._open.get(run_id.int)
        if self.stopped or (run is not None and run.owner is not self):
            return
        try:
            parent = run.span if run is not None else None
            meta = {"event": name, keys.LC_CHAIN_KIND: "user"}
            span = self.tracer.start(
                "middleware", str(name), parent=parent, payload={"data": snapshot(data)}, metadata=meta
            )
            self.tracer.end(span, at=span.started_ns)
        except Exception as error:
            self._failure("on_custom_event", error)
