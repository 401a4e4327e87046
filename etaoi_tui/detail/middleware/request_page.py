"""The tab Request of a model call: raw, through each middleware, sent, and the response on its way back."""

from __future__ import annotations

from etaoi_collector.conventions import keys
from etaoi_tui.detail.compare.diff_sections import contents, diff_sections, in_words, outline
from etaoi_tui.detail.document.model import Block, Diff, Section, StyledLine, Text
from etaoi_tui.detail.messages.chat import message_sections, note, read_message
from etaoi_tui.detail.middleware.request_chain import CallChain
from etaoi_tui.detail.middleware.request_step import Step, effect_of
from etaoi_tui.detail.span_data import SpanData, as_list, as_map
from etaoi_tui.view import format as fmt
from etaoi_tui.view.middleware.effect import Effect, time_in_words
from etaoi_tui.view.middleware.tokens import characters_a_token


def request_sections(data: SpanData, chain: CallChain, *, sides: bool = False) -> list[Section]:
    """Return the chain of a call as sections, one for each step."""
    sections = [_head(data, chain)]
    sections.append(
        Section(
            "raw",
            "raw request",
            [note(f"as told by {chain.raw_told_by}")] * bool(chain.raw_told_by) + outline(chain.raw),
            contents(chain.raw),
            open=False,
            glyph="○",
            style="role.user",
        )
    )
    for n, step in enumerate(chain.down):
        sections += _step(step, f"down{n}", sides)
    sections.append(
        Section(
            "sent",
            "sent to the model",
            outline(chain.sent),
            contents(chain.sent),
            # Where no step is open, nothing else says what the model got.
            open=not any(map(_is_shown, (*chain.down, *chain.up))),
            glyph="●",
            style="role.ai",
        )
    )
    sections += _response(data)
    for n, step in enumerate(chain.up):
        sections += _step(step, f"up{n}", sides)
    sections += _unplaced(chain)
    sections += _footnotes(chain)
    return sections


_OF_LANGCHAIN = frozenset({"lc_agent_name", "langgraph_node", "langgraph_step", "ls_integration"})
"""Metadata that the calls of LangChain's agents have, whoever traces them."""


def chain_summary(data: SpanData, chain: CallChain) -> str:
    """Return a chain in one line.

    First what the row of the hooks around the call says, in the same words. Then what hooks on the agent's
    state did, and what became of the request in all, where that is more.
    """
    ratio = characters_a_token(data.span, data.read_event)
    around = [step for step in chain.down if step.recorded and step.wraps]
    effect = Effect()
    for step in around:
        effect.add(step.effect)
    times = [step.own_seconds for step in around if step.own_seconds is not None]
    rough = any(step.own_is_rough for step in around)
    spent = time_in_words(sum(times), rough) if times else ""
    parts = [f"{len(around)} middleware", effect.in_words(ratio, spent) or "no change"] if around else []
    on_state = {step.label for step in (*chain.down, *chain.up) if step.span is not None and not step.wraps}
    if on_state:
        parts.append(fmt.count(len(on_state), "state hook"))
    if not around or effect_of(chain.overall) != effect:
        grown = round(chain.overall.characters / ratio)
        tokens = f"≈{grown:+,} tokens, ".replace("-", "−") if grown else ""
        parts.append(("in all: " if parts else "") + tokens + (in_words(chain.overall) or "no change"))
    return " · ".join(parts)


def _head(data: SpanData, chain: CallChain) -> Section:
    blocks: list[Block] = []
    steps = [*chain.down, *chain.up]
    if not steps:
        blocks.append(Text("No middleware of this call was recorded.", "muted"))
        if chain.raw is chain.sent and not _OF_LANGCHAIN.isdisjoint(data.metadata):
            blocks.append(
                note("create_agent(..., middleware=etaoi_tui.instrument([...])) makes each of them visible")
            )
    if chain.running:
        blocks.append(StyledLine([("the call is still running", "running")]))
    return Section("chain", "Request", blocks, chain_summary(data, chain), glyph="▤")


def _footnotes(chain: CallChain) -> list[Section]:
    """Say what is to be known of the page that is nothing of the request's."""
    blocks: list[Block] = []
    steps = [*chain.down, *chain.up]
    not_compared = [name for name in chain.overall.not_compared if name != "parameters"]
    if chain.raw is not chain.sent and not_compared:
        blocks.append(note(f"not known on both ends, so not compared: {', '.join(not_compared)}"))
    digests = max(chain.raw.digests, *(s.diff.new.digests for s in steps if s.diff), 0)
    if digests:
        blocks.append(
            note(
                f"this SDK records digests of {fmt.count(digests, 'longer message')} on the way: role, "
                "length and the first 120 characters; the sent request is whole"
            )
        )
    blocks += [note(text) for text in chain.notes]
    return [Section("footnotes", "Notes", blocks, style="note", glyph="†", quiet=True)] if blocks else []


def _step(step: Step, key: str, sides: bool) -> list[Section]:
    sections = (
        diff_sections(step.diff, key, level=1, inside=key, sides=sides) if step.diff is not None else []
    )
    blocks: list[Block] = [note(text) for text in step.notes]
    up = step.direction == "up"
    words = in_words(step.diff) if step.diff is not None else ""
    if step.response is not None:
        words = words or _response_words(step)
        if step.response_changed:
            sections += _response_messages(step, key)
    if not words:
        words = (
            "wrote to the state"
            if step.response_changed
            else ("no change in what was recorded" if step.partial else "no change")
            if step.diff is not None
            else "not known"
        )
    if step.attempts > 1:
        words += f" · attempt {step.attempt} of {step.attempts}"
    elif step.attempt > 1:
        words += f" · attempt {step.attempt}"
    took = ""
    if step.own_seconds is not None:
        took = " · " + ("≈" if step.own_is_rough else "") + fmt.duration(step.own_seconds)
    failed, changed = _failed(step), _is_shown(step)
    return [
        Section(
            key,
            step.label + ("  ✗" if failed else ""),
            blocks,
            words + took,
            open=changed,
            glyph="↑" if up else "▤" if step.recorded else "▒",
            style="error" if failed else "title" if changed else "muted",
            group=bool(sections),
        ),
        *sections,
    ]


def _failed(step: Step) -> bool:
    return step.span is not None and step.span.error is not None


def _is_shown(step: Step) -> bool:
    """Whether a step is open at first: it changed something, or failed."""
    return bool(step.changed) or _failed(step)


def _response_words(step: Step) -> str:
    if step.response_changed is None:
        return "what it returned cannot be compared"
    return "changed the response" if step.response_changed else "passed the response on"


def _response_messages(step: Step, key: str) -> list[Section]:
    sections = []
    for n, item in enumerate(as_list(as_map(step.response).get("messages"))):
        message = read_message(as_map(item).get("message") or item)
        if message is not None:
            sections += message_sections(message, f"{key}.response{n}", level=1)
    return [
        Section(
            s.key, s.title, s.blocks, s.summary, s.preview, s.open, s.glyph, s.style, s.bar, 1, s.group, key
        )
        for s in sections
    ]


def _response(data: SpanData) -> list[Section]:
    message = read_message(data.end_payload.get(keys.RESPONSE))
    if message is not None:
        message.role = "assistant"
        return message_sections(message, "answer", title="response of the model", is_open=False)
    if data.span.error is not None:
        return [
            Section("answer", "the call failed", [Text(data.span.error, "error")], glyph="✗", style="error")
        ]
    if data.running:
        text = data.streamed.answer if data.span.deltas else ""
        waited = fmt.duration(data.span.duration(data.now))
        blocks: list[Block] = [Text(text, prose=True)] if text else []
        return [
            Section("answer", "response of the model", blocks, f"for {waited}", glyph="✦", style="running")
        ]
    return []


def _unplaced(chain: CallChain) -> list[Section]:
    if not chain.unplaced:
        return []
    lines = [("@", f"{span.name}: {why}") for span, why in chain.unplaced]
    text = "These may belong to this call; nothing in the recording says so for sure."
    return [
        Section(
            "unplaced", "Unplaced probes", [Text(text, "note"), Diff(lines)], f"{len(lines)}", style="warning"
        )
    ]
