"""The filter language: what to look for in a trace.

A query is words and fields, all of which must hold::

    search textual            both words, anywhere in the span
    "exit 1"                  words in a row
    kind:llm                  kinds: llm, tool, agent, middleware, voice_turn, ...
    status:error  err:        states: running ok error cancelled paused lost incomplete; err: is status:error
    name:fetch  tool:fetch    part of the name; tool: only tool calls, agent: the agent it belongs to
    model:gpt*                part of the model's name; * stands for anything, here and in every word
    tool=fetch  thread:t-7    = for a whole name; thread: the conversation it belongs to
    dur>2s  ttft<800ms        times: us ms s m h; tok>4k  in>1k  out<100: token counts
    cost>0.01  cost:?         US dollars of a model call, or of all of an agent or run; ?: no price known
    in:oslo  out:refund       in what it was given, in what it gave
    id:4f1c                   beginning of its span, trace or session id
    !kind:tool                not; a | b: either; ( ) group

Case does not matter. An unknown field is an error, never silently no match.
"""

from __future__ import annotations

from etaoi_collector.query.match import Content, Query
from etaoi_collector.query.parse import QueryError, parse_query

__all__ = ["Content", "Query", "QueryError", "parse_query"]
