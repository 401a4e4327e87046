# row: LangSmith's `@traceable` in Python
# needs: langsmith
# expects: tool middleware
from langsmith import Client, traceable


@traceable(run_type="tool")
def search(query: str) -> str:
    """Find something."""
    return query.upper()


@traceable
def agent(question: str) -> str:
    """Answer a question."""
    return search(question)


assert agent("why") == "WHY"
Client().flush()
