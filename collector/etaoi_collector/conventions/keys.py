"""Keys of payloads and metadata that more than one room needs; docs/payloads.md says where each stands."""

from __future__ import annotations

from typing import Final

# Start of a model call
INPUT_MESSAGES: Final = "input_messages"
PROMPTS: Final = "prompts"
PROMPT_COUNT: Final = "n_prompts"
TOOLS: Final = "tools"
"""Names of the tools that were offered, in order."""
OUTPUT_SCHEMA: Final = "output_schema"
"""JSON schema that the answer has to follow."""
OUTPUT_METHOD: Final = "output_method"
"""How the schema is imposed: ``json_schema``, ``function_calling``, ``json_mode`` ..."""

# End of a model call
RESPONSE: Final = "response"
USAGE: Final = "usage"
MODEL: Final = "model"
"""The model that answered; of the etaoi SDK, and where the provider does not tell, the one asked for."""
MODEL_NAME: Final = "model_name"
PROVIDER: Final = "provider"
FINISH_REASON: Final = "finish_reason"
"""As the provider spells it; see `etaoi_collector.conventions.finish_reasons`."""
STOP_REASON: Final = "stop_reason"
SERVICE_TIER: Final = "service_tier"
TTFT_MS: Final = "ttft_ms"
SYNTHETIC_END: Final = "synthetic_end"

# A message
ROLE: Final = "role"
TEXT: Final = "text"
REASONING: Final = "reasoning"
REFUSAL: Final = "refusal"
TOOL_CALLS: Final = "tool_calls"
INVALID_TOOL_CALLS: Final = "invalid_tool_calls"
SERVER_TOOL_CALLS: Final = "server_tool_calls"
"""What the provider ran itself: ``[{name, id?, args?, result?, status?}]``."""
PARTS: Final = "parts"
INCOMPLETE: Final = "incomplete"
"""True on an answer that broke off."""

# Metadata of a model call's start
LS_MODEL_NAME: Final = "ls_model_name"
"""The model that was asked for."""
LS_PROVIDER: Final = "ls_provider"
LS_RETRIEVER_NAME: Final = "ls_retriever_name"

# A chain, a graph node, an agent
INPUTS: Final = "inputs"
OUTPUTS: Final = "outputs"
INPUT_KEYS: Final = "input_keys"
"""Names of the fields of the state, also of those that were cut."""
OUTPUT_KEYS: Final = "output_keys"

# A tool
INPUT: Final = "input"
OUTPUT: Final = "output"
ARGUMENTS: Final = "arguments"

# A probe: what one hook did
BEFORE: Final = "before"
AFTER: Final = "after"
DIFF: Final = "diff"

# Metadata of chains and probes
LC_CHAIN_KIND: Final = "lc_chain_kind"
LC_HOOK: Final = "lc_hook"
LC_PROBE: Final = "lc_probe"
PROBE_LABEL: Final = "probe_label"
PROBE_PHASE: Final = "probe_phase"

# A snapshot of an agent
FRAMEWORK: Final = "framework"
AGENT_NAME: Final = "agent_name"
HASH: Final = "hash"
SYSTEM_PROMPT: Final = "system_prompt"
LLM: Final = "llm"
MIDDLEWARE: Final = "middleware"
MCP_SERVERS: Final = "mcp_servers"
GRAPH: Final = "graph"
KNOWN_FROM: Final = "known_from"

# What other tracers sent
TOOL_SCHEMAS: Final = "tool_schemas"
INVOCATION_PARAMS: Final = "invocation_params"
REPORTED_COST_USD: Final = "reported_cost_usd"

# A payload that was left out, and nothing else in it
LEFT_OUT: Final = "etaoi_tui.note"
"""Why."""
