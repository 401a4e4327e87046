"""The AI SDK's own attributes (versions 4 to 6); version 7 follows OpenTelemetry's GenAI conventions.

Source: vercel/ai, packages/ai/src/telemetry. Input tokens include cached ones.
"""

from __future__ import annotations

from etaoi_collector.conventions.telemetry.table import Convention

_OUTER = ("generateText", "streamText", "generateObject", "streamObject", "streamUI", "rerank")

TABLE = Convention(
    name="AI SDK",
    kinds={
        "ai.operationId": {
            **{f"ai.{outer}": "sub_agent" for outer in _OUTER},
            **{f"ai.{outer}.doGenerate": "llm" for outer in _OUTER},
            **{f"ai.{outer}.doStream": "llm" for outer in _OUTER},
            "ai.toolCall": "tool",
            "ai.embed": "task",
            "ai.embed.doEmbed": "task",
            "ai.embedMany": "task",
            "ai.embedMany.doEmbed": "task",
        }
    },
    keys={
        "name": ("ai.telemetry.functionId",),
        "model": ("ai.response.model",),
        "request_model": ("ai.model.id",),
        "provider": ("ai.model.provider",),
        "input_messages": ("ai.prompt.messages",),
        "input": ("ai.prompt",),
        "response_text": ("ai.response.text", "ai.response.object"),
        "response_tool_calls": ("ai.response.toolCalls",),
        "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens"),
        "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        "total_tokens": ("ai.usage.totalTokens",),
        "cache_read": ("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
        "cache_write": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
        "reasoning_tokens": ("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
        "ttft_ms": ("ai.response.msToFirstChunk",),
        "tools": ("ai.prompt.tools",),
        "finish_reason": ("ai.response.finishReason",),
        "tool_name": ("ai.toolCall.name",),
        "tool_input": ("ai.toolCall.args",),
        "tool_output": ("ai.toolCall.result",),
        "tool_call_id": ("ai.toolCall.id",),
        "response_id": ("ai.response.id",),
        "session": ("ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.threadId"),
        "user": ("ai.telemetry.metadata.userId",),
    },
    metadata_prefixes=("ai.telemetry.metadata.",),
    meaningless=("operation.name", "resource.name"),
    parameters=("ai.settings.",),
)
