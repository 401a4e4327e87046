"""OpenTelemetry's semantic conventions for generative AI, current and older names.

Source: open-telemetry/semantic-conventions-genai (all in development, so names keep changing), and the older
``gen_ai.*`` of opentelemetry-semantic-conventions. Input tokens include cached ones.
"""

from __future__ import annotations

from etaoi_collector.conventions.telemetry.table import Convention

INTERNAL_OPERATIONS = frozenset({"agent_step"})
"""Operations that only group what an agent does, such as the steps of the AI SDK 7."""

TABLE = Convention(
    name="OpenTelemetry GenAI",
    kinds={
        "gen_ai.operation.name": {
            "chat": "llm",
            "text_completion": "llm",
            "generate_content": "llm",
            "fetch_response": "llm",
            "execute_tool": "tool",
            "retrieval": "tool",
            "search_memory": "tool",
            "create_memory": "tool",
            "update_memory": "tool",
            "upsert_memory": "tool",
            "delete_memory": "tool",
            "create_memory_store": "tool",
            "delete_memory_store": "tool",
            "invoke_agent": "sub_agent",
            "create_agent": "agent_context",
            "invoke_workflow": "middleware",
            "execute_task": "middleware",
            "agent_step": "middleware",
            "plan": "task",
            "embeddings": "task",
            "speech_to_text": "voice_input",
            "text_to_speech": "voice_output",
        }
    },
    keys={
        "model": ("gen_ai.response.model",),
        "request_model": ("gen_ai.request.model",),
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "input_messages": ("gen_ai.input.messages", "gen_ai.prompt"),
        "system": ("gen_ai.system_instructions",),
        "output_messages": ("gen_ai.output.messages", "gen_ai.completion"),
        "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        "total_tokens": ("gen_ai.usage.total_tokens",),
        "cache_read": (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.input_cached_tokens",
        ),
        "cache_write": (
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
        ),
        "reasoning_tokens": (
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
        ),
        "cost": ("gen_ai.usage.cost", "operation.cost"),
        "ttft_s": (
            "gen_ai.response.time_to_first_chunk",
            "gen_ai.client.operation.time_to_first_chunk",
        ),
        "tools": ("gen_ai.tool.definitions",),
        "finish_reason": ("gen_ai.response.finish_reasons",),
        "tool_name": ("gen_ai.tool.name",),
        "tool_input": ("gen_ai.tool.call.arguments",),
        "tool_output": ("gen_ai.tool.call.result",),
        "tool_call_id": ("gen_ai.tool.call.id",),
        "agent": ("gen_ai.agent.name",),
        "name": ("gen_ai.task.name",),
        "input": ("gen_ai.task.input",),
        "output": ("gen_ai.task.output",),
        "response_id": ("gen_ai.response.id",),
        "error_type": ("error.type",),
        "session": ("gen_ai.conversation.id", "session.id"),
        "user": ("user.id", "enduser.id"),
    },
    indexed={"gen_ai.prompt.": "input_messages", "gen_ai.completion.": "output_messages"},
    parameters=("gen_ai.request.",),
)
