"""What a person reads instead of ids: display names, and which spans are a framework's plumbing."""

from __future__ import annotations

from typing import overload

from etaoi_collector.conventions.payload_fields import VoiceStart
from etaoi_collector.wire.events import SpanMetadata

NAME_CHARACTERS = 256
"""A name's characters that are kept; the whole of it is in the recording."""

_NAMES_SHARED = 20_000

_GRAPH_INTERNALS = frozenset(
    {"model", "tools", "agent", "__start__", "__end__", "call_model", "model_request"}
)
_RUNNABLE_INTERNALS = frozenset(
    {
        "RunnableCallable",
        "RunnableSequence",
        "RunnableLambda",
        "RunnablePassthrough",
        "ChannelWrite",
        "ChannelRead",
        "_write",
        "_route",
    }
)

_VOICE_NAMES = {
    "voice_session": "voice session",
    "voice_turn": "turn",
    "voice_agent": "agent",
    "voice_input": "user speech",
    "voice_output": "agent speech",
    "eou": "end of utterance",
    "vad": "voice activity",
}


class DisplayNames:
    """Shares equal strings between spans: a million spans have few distinct names."""

    def __init__(self) -> None:
        self.shared: dict[str, str] = {}
        """The copies, by themselves; a hot loop looks here before it calls `intern`."""

    @overload
    def intern(self, name: str) -> str: ...
    @overload
    def intern(self, name: None) -> None: ...
    @overload
    def intern(self, name: str | None) -> str | None: ...
    def intern(self, name: str | None) -> str | None:
        """Return the shared copy of a name, cut to `NAME_CHARACTERS`."""
        if name is None:
            return None
        shared = self.shared.get(name)
        if shared is not None:
            return shared
        name = name[:NAME_CHARACTERS]
        if len(self.shared) < _NAMES_SHARED:
            self.shared[name] = name
        return name


def is_internal(chain_kind: str, name: str) -> bool:
    """Whether a LangChain run is an inner step that tells a reader nothing by itself.

    Args:
        chain_kind: ``metadata.lc_chain_kind``: hook, graph_node, sub_agent, internal or user.
        name: The run's display name.
    """
    if chain_kind == "internal":
        return True
    if chain_kind == "graph_node":
        return name in _GRAPH_INTERNALS
    return chain_kind == "user" and (
        name in _RUNNABLE_INTERNALS or name.startswith(("ChannelWrite<", "Branch<"))
    )


def voice_name(kind: str, start: VoiceStart, metadata: SpanMetadata, agent: str | None) -> str:
    """Name a span whose metadata has no name, as all spans of a voice session."""
    name: str | None
    if kind == "voice_agent":
        name = start.agent_label
    elif kind == "voice_input":
        name = start.transcript
    elif kind == "voice_output":
        name = start.text or start.label
    elif kind == "voice_session":
        name = start.room_name
    elif kind == "llm":
        name = start.model
    else:
        name = start.name or start.agent_label if kind != "voice_turn" else None
    name = name or metadata.ls_retriever_name or agent or _VOICE_NAMES.get(kind) or kind
    return name[:NAME_CHARACTERS]
