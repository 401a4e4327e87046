# ruff: noqa: F401
# row: what loomcycle has stored of a session
# expects: turn llm
import asyncio

from loomcycle_server import serve

import etaoi_tui


async def main():
    server, client = await serve()
    # README_LINE
    await client.close()
    await server.stop(None)


asyncio.run(main())
