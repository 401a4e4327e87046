"""What to type or set for each kind of agent, one line each: the first screen and the doctor say the same."""

from __future__ import annotations

import msgspec

from etaoi_tui.launcher.environment import DEFAULT_URL
from etaoi_tui.launcher.families import HABITS, LANGFUSE, LANGSMITH, LOGFIRE, OPENTELEMETRY, Family


class Recipe(msgspec.Struct, frozen=True):
    """One way in."""

    uses: str
    """What an agent uses, for people."""
    line: str
    """What to type in a shell, or to add to the program."""
    packages: tuple[str, ...] = ()
    """Python distributions by which such an agent is recognised."""


def recipes(url: str = DEFAULT_URL, *, token: bool = False) -> list[Recipe]:
    """Return all of them, the easiest first.

    Args:
        url: The viewer's, ``http://HOST:PORT``.
        token: Agents need one; lines then have the variable that the viewer's own was given by.
    """
    secret = "$ETAOI_TUI_TOKEN" if token else "x"
    own = "" if url == DEFAULT_URL else f"--port {url.rpartition(':')[2]} "
    attach = [f'server_url="{url.replace("http", "ws", 1)}"'] if url != DEFAULT_URL else []
    attach += ['project_token="..."'] if token else []
    where = "".join(f", {argument}" for argument in attach)
    return [
        Recipe(
            "Python: LangChain, OTel",
            f"etaoi-tui run {own}-- python agent.py",
            ("langchain-core", "opentelemetry-sdk", "pydantic-ai", "openinference-instrumentation"),
        ),
        Recipe(
            "LangChain, in your code",
            f"import etaoi_tui; etaoi_tui.attach(agent{where})",
            ("langchain", "langgraph", "deepagents"),
        ),
        Recipe(
            "LiveKit, in your code",
            f"import etaoi_tui; etaoi_tui.attach_session(session{where})",
            ("livekit-agents",),
        ),
        Recipe("Node: AI SDK, Mastra, OTel", f"etaoi-tui run {own}-- node agent.mjs"),
        Recipe("LangSmith, any language", _export(LANGSMITH, url, secret), ("langsmith",)),
        Recipe("OpenTelemetry, any language", _export(OPENTELEMETRY, url, secret), ("opentelemetry-api",)),
        Recipe("Logfire, Pydantic AI", _export(LOGFIRE, url, secret), ("logfire",)),
        Recipe("Langfuse", _export(LANGFUSE, url, secret), ("langfuse",)),
    ]


def _export(family: Family, url: str, secret: str) -> str:
    """Return a shell's line that sets a family's variables, without those for older clients."""
    values = {
        name: value
        for name, value in family.values(url, secret).items()
        if not name.startswith("LANGCHAIN_") and name != "LANGFUSE_HOST"
    }
    if family is OPENTELEMETRY:
        values["OTEL_BSP_SCHEDULE_DELAY"] = HABITS["OTEL_BSP_SCHEDULE_DELAY"]
        if secret != "x":
            values["OTEL_EXPORTER_OTLP_HEADERS"] = f"x-api-key={secret}"
    return "export " + " ".join(f"{name}={value}" for name, value in values.items())
