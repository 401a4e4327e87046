# row: Langfuse, SDK 3 and later
# needs: langfuse
# expects: llm tool
import os

os.environ.update(LANGFUSE_PUBLIC_KEY="pk-any", LANGFUSE_SECRET_KEY="sk-any")
from langfuse import get_client

client = get_client()
with client.start_as_current_observation(name="search", as_type="tool", input="q"):
    with client.start_as_current_observation(name="ask", as_type="generation", model="m", input="q"):
        pass
client.flush()
client.shutdown()
