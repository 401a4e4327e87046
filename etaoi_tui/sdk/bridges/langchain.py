"""Anything that LangChain runs."""

from __future__ import annotations

from typing import Any

from etaoi_tui.sdk.bridges.door import Bridge, is_instance


class LangChainBridge(Bridge):
    """Watches graphs, deep agents, Runnables, models and tools, as `etaoi_tui.attach` does."""

    name = "anything that LangChain runs (a graph, a deep agent, a Runnable, a chat model, a tool)"

    def claims(self, target: Any) -> bool:
        """Whether it is a Runnable."""
        return is_instance(target, "langchain_core.runnables", "Runnable")

    def watch(self, target: Any, options: dict[str, Any]) -> Any:
        """Show its runs."""
        from etaoi_tui.sdk.attach import attach

        return attach(target, **options)


BRIDGE = LangChainBridge
