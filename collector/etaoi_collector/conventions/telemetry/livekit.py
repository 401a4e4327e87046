"""LiveKit Agents: its spans' names and attributes, in the three generations 1.2, 1.5 and 1.8.

Source: livekit/agents, ``livekit/agents/telemetry/trace_types.py``. Since 1.8 what people say is under
``lk.pii.``; earlier versions have the same names without ``pii``.
"""

from __future__ import annotations

from etaoi_collector.conventions.telemetry.table import Convention

SCOPE = "livekit-agents"

SPAN_KINDS = {
    "agent_session": "voice_session",
    "user_turn": "voice_input",
    "agent_turn": "voice_turn",
    "assistant_turn": "voice_turn",
    "llm_node": "llm",
    "tts_node": "voice_output",
    "function_tool": "tool",
    "eou_detection": "eou",
    "eou_wait": "eou",
    "user_speaking": "vad",
    "update_agent": "voice_agent",
    "on_enter": "voice_agent",
    "on_exit": "voice_agent",
    "start_agent_activity": "agent_context",
}
"""Node kinds by span name; every other span of the scope is a task."""

FOLDED = frozenset(
    {
        "llm_request",
        "llm_request_run",
        "llm_fallback_adapter",
        "tts_request",
        "tts_request_run",
        "tts_stream_adapter",
        "tts_fallback_adapter",
        "agent_speaking",
    }
)
"""Spans that are the inner half of the one above them, which is told what they tell."""


def _both(name: str) -> tuple[str, str]:
    return f"lk.pii.{name}", f"lk.{name}"


TRANSCRIPT = _both("user_transcript")
USER_INPUT = _both("user_input")
SPOKEN_TEXT = _both("input_text")

TABLE = Convention(
    name="LiveKit",
    keys={
        "input_messages": ("gen_ai.input.messages",),
        "input": _both("chat_ctx"),
        "response_text": _both("response.text"),
        "response_tool_calls": _both("response.function_calls"),
        "ttft_s": ("lk.response.ttft",),
        "tools": ("gen_ai.tool.definitions", "lk.function_tools"),
        "tool_name": ("lk.function_tool.name",),
        "tool_input": _both("function_tool.arguments"),
        "tool_output": _both("function_tool.output"),
        "tool_call_id": ("lk.function_tool.id",),
        "tool_is_error": ("lk.function_tool.is_error",),
        "agent": ("lk.agent_label", "lk.agent_name"),
    },
)
