"""The shape of a convention's table."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

FIELDS = frozenset(
    {
        "agent", "cache_read", "cache_write", "cost", "cost_details", "error_type", "finish_reason",
        "first_token_at",
        "input", "input_messages", "input_tokens", "invocation_params", "level", "level_message", "model",
        "name", "output", "output_messages", "output_tokens", "provider", "reasoning_tokens",
        "request_body", "request_model", "response_body", "response_id", "response_text",
        "response_tool_calls", "session", "system",
        "tool_call_id", "tool_input", "tool_is_error", "tool_name", "tool_output", "tools",
        "total_tokens", "ttft_ms", "ttft_s", "usage_details", "user",
    }
)  # fmt: skip
"""Everything that a table can name attributes for."""


class Convention(msgspec.Struct, frozen=True, kw_only=True):
    """How one family of tracers describes agents in the attributes of a span."""

    name: str
    kinds: Mapping[str, Mapping[str, str]] = {}
    """Attribute that says what a span is: its values, and the node kind that each one means."""
    keys: Mapping[str, tuple[str, ...]] = {}
    """Attributes by what they tell (`FIELDS`), the best one first."""
    indexed: Mapping[str, str] = {}
    """Prefix of attributes whose names count, such as ``llm.input_messages.0.message.role``, and the field
    that they make up together."""
    metadata_prefixes: tuple[str, ...] = ()
    """Attributes with this prefix are a user's or framework's metadata, named by what follows it."""
    metadata_json: tuple[str, ...] = ()
    """Attributes that are such metadata as JSON."""
    meaningless: tuple[str, ...] = ()
    """Attributes that tell a person nothing."""
    parameters: tuple[str, ...] = ()
    """Prefixes of a model call's parameters, named by what follows."""
