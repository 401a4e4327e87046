"""No module imports, at run time or for types, what imports it in turn."""

from __future__ import annotations

import grimp


def circles() -> list[list[str]]:
    """Strongly connected modules (Tarjan's algorithm), those of one module left out."""
    graph = grimp.build_graph("etaoi_collector", "etaoi_tui")
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    components: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for imported in graph.find_modules_directly_imported_by(module):
            if imported not in number:
                visit(imported)
                lowest[module] = min(lowest[module], lowest[imported])
            elif imported in stack:
                lowest[module] = min(lowest[module], number[imported])
        if lowest[module] == number[module]:
            members = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(members) > 1:
                components.append(sorted(members))

    for module in sorted(graph.modules):
        if module not in number:
            visit(module)
    return components


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circles() == []
