"""LangChain, LangGraph and deepagents: everything that imports langchain-core."""
