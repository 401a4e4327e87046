# ruff: noqa: F401
# row: loomcycle runs that others start
# expects: turn
import asyncio

from loomcycle_server import serve

import etaoi_tui


async def main():
    server, client = await serve()
    # README_LINE
    await asyncio.sleep(1.0)
    await client.close()
    await server.stop(None)


asyncio.run(main())
