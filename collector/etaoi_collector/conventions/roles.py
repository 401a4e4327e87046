"""Who speaks in a message, in one vocabulary: ``system``, ``user``, ``assistant``, ``tool``."""

from __future__ import annotations

USER = "user"
ASSISTANT = "assistant"
SYSTEM = "system"
TOOL = "tool"

ROLES = {
    "human": USER,
    "user": USER,
    "HumanMessage": USER,
    "HumanMessageChunk": USER,
    "ai": ASSISTANT,
    "assistant": ASSISTANT,
    "model": ASSISTANT,
    "AIMessage": ASSISTANT,
    "AIMessageChunk": ASSISTANT,
    "system": SYSTEM,
    "developer": SYSTEM,
    "SystemMessage": SYSTEM,
    "SystemMessageChunk": SYSTEM,
    "tool": TOOL,
    "function": TOOL,
    "ToolMessage": TOOL,
    "ToolMessageChunk": TOOL,
    "FunctionMessage": TOOL,
}
"""Names that LangChain, OpenAI and Gemini use."""


def normalize_role(role: str) -> str:
    """Return a role in the one vocabulary; an unknown one as it is."""
    return ROLES.get(role, role)
