# row: Logfire, Pydantic AI
# needs: logfire pydantic-ai-slim
# expects: sub_agent llm
import logfire
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

logfire.configure(console=False)
logfire.instrument_pydantic_ai()
assert Agent(TestModel(), name="helper").run_sync("why").output
logfire.force_flush()
