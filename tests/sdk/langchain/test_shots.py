"""Messages as they are kept between two looks at them."""

from __future__ import annotations

import gc
import weakref
from collections import UserString

from langchain_core.messages import HumanMessage

from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot, identify


class _Block(UserString):
    """Content whose end can be seen."""


def test_a_released_message_releases_its_content() -> None:
    block = _Block("x")
    block_ref = weakref.ref(block)
    message = HumanMessage(content=[{"type": "text", "text": "shown", "extra": block}])
    assert identify(MessageSnapshot([message])) == identify(MessageSnapshot([message]))
    del block
    gc.collect()
    assert block_ref() is not None
    del message
    gc.collect()
    assert block_ref() is None
