# ruff: noqa: F401
# row: a `LoomcycleClient`
# expects: turn llm
import asyncio

from loomcycle_server import SEGMENTS, serve

import etaoi_tui


async def main():
    server, client = await serve()
    # README_LINE
    async for _ in client.run_streaming(agent="helper", segments=SEGMENTS):
        pass
    await client.close()
    await server.stop(None)


asyncio.run(main())
