"""Answers in which each provider tells what its own tools did; a picture as data."""

from __future__ import annotations

import base64

from tests.providers.api import anthropic_messages as claude
from tests.providers.api import openai_responses as resp
from tests.providers.api.gemini import gemini

PICTURE = base64.b64encode(bytes(range(256)) * 4_000).decode()
"""1,024,000 bytes."""

RUN = {"code": "print(6*7)"}
ABOUT = {"topic": "fjords"}

SEARCHED = {
    "type": "web_search_call", "id": "ws_1", "status": "completed",
    "action": {"type": "search", "query": "weather oslo"},
}  # fmt: skip
RAN = {
    "type": "code_interpreter_call", "id": "ci_1", "status": "completed", "code": "print(6*7)",
    "container_id": "c", "outputs": [{"type": "logs", "logs": "forty-two\n"}],
}  # fmt: skip
ASKED = {
    "type": "mcp_call", "id": "mcp_1", "status": "completed", "server_label": "wiki", "name": "ask",
    "arguments": '{"topic": "fjords"}', "output": "deep water", "error": None,
}  # fmt: skip
LOOKED = {
    "type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["fjord depth"],
    "results": [{"file_id": "f1", "filename": "fjords.txt", "score": 0.9, "text": "1,308 m"}],
}  # fmt: skip
DREW = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PICTURE}
BY_OPENAI = resp.responses(SEARCHED, RAN, ASKED, LOOKED, DREW, resp.message("It is 42."))
BY_CLAUDE = claude.messages(
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather oslo"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {
                "type": "web_search_result", "url": "https://example.org/oslo", "title": "Oslo",
                "encrypted_content": "E" * 4_000, "page_age": None,
            }
        ],
    },
    {"type": "server_tool_use", "id": "srvtoolu_2", "name": "code_execution", "input": RUN},
    {
        "type": "code_execution_tool_result",
        "tool_use_id": "srvtoolu_2",
        "content": {
            "type": "code_execution_result", "stdout": "forty-two\n", "stderr": "", "return_code": 0,
            "content": [],
        },
    },
    {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "ask", "server_name": "wiki", "input": ABOUT},
    {
        "type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False,
        "content": [{"type": "text", "text": "deep water"}],
    },
    "It is 42.",
)  # fmt: skip
BY_GEMINI = gemini(
    {"executableCode": {"language": "PYTHON", "code": "print(6*7)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "forty-two\n"}},
    "It is 42.",
    grounding={
        "webSearchQueries": ["weather oslo"],
        "groundingChunks": [{"web": {"uri": "https://example.org/oslo", "title": "Oslo"}}],
    },
)
