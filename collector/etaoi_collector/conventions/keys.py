"""Keys of the payload of a model call, where more than one room needs them."""

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
