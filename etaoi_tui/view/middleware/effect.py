"""What middleware changed in a request: the effect of one hook or of several, in figures and in words."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Raw

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.kinds.appearance import RowReader
from etaoi_tui.view import format as fmt
from etaoi_tui.view.middleware.hooks import HOOKS_DEEP, goes_down, is_hook
from etaoi_tui.view.middleware.pairing import Bracket, ProbePair, bracket_of
from etaoi_tui.view.middleware.tokens import CHARACTERS_A_TOKEN

_THREE = 3
"""Changes that are said at the end of a call's row."""


class Effect(msgspec.Struct):
    """What became of a request under the hands of one hook or of several.

    Attributes:
        messages: How many messages more there are.
        edited: How many messages changed under their id.
        tools: How many tools more there are.
        characters: How many characters more the messages and the system prompt have.
        system: Whether the text of the system prompt is another one.
        model: Whether another model is asked.
        parameters: Whether the model is asked with other parameters.
        tools_edited: How many tools are others under their name.
        reordered: Whether messages or tools stand in another order.
        breakpoints: Whether the provider may cache other prefixes.
        state: Keys of the agent's state that were set, but for its messages.
    """

    messages: int = 0
    edited: int = 0
    tools: int = 0
    characters: int = 0
    system: bool = False
    model: bool = False
    parameters: bool = False
    tools_edited: int = 0
    reordered: bool = False
    breakpoints: bool = False
    state: tuple[str, ...] = ()

    def add(self, other: Effect) -> None:
        """Count one more hook's effect."""
        self.messages += other.messages
        self.edited += other.edited
        self.tools += other.tools
        self.characters += other.characters
        self.system |= other.system
        self.model |= other.model
        self.parameters |= other.parameters
        self.tools_edited += other.tools_edited
        self.reordered |= other.reordered
        self.breakpoints |= other.breakpoints
        self.state += tuple(key for key in other.state if key not in self.state)

    def in_words(self, ratio: float = CHARACTERS_A_TOKEN, spent: str = "", *, short: bool = False) -> str:
        """Say what changed: ``+2 messages · ≈+312 tokens · 18ms · −1 tool, another model``.

        Args:
            ratio: Characters per token.
            spent: The time it took, which stands behind the sizes: rows are cut at their end.
            short: Say it with shorter words.
        """
        sizes = []
        if self.messages:
            sizes.append(f"{self.messages:+d} " + ("msg" if short else f"message{_s(self.messages)}"))
        tokens = round(self.characters / ratio)
        if tokens:
            sizes.append(f"≈{tokens:+,} " + ("tok" if short else f"token{_s(tokens)}"))
        others = []
        if self.tools:
            others.append(f"{self.tools:+d} tool{_s(self.tools)}")
        if self.edited:
            others.append(f"{self.edited} edited")
        if self.system:
            others.append("prompt" if short else "system prompt")
        if self.model:
            others.append("model" if short else "another model")
        if self.parameters:
            others.append("parameters")
        if self.tools_edited:
            others.append(f"{self.tools_edited} tool{_s(self.tools_edited)} edited")
        if self.reordered:
            others.append("reordered")
        if self.breakpoints:
            others.append("cache" if short else "cache breakpoints")
        if self.state:
            others.append(self._state_words())
        if not sizes and not others:
            sizes = ["no change"] if spent else []
        parts = [*sizes, *([spent] if spent else []), *([", ".join(others)] if others else [])]
        return (" " if short else " · ").join(part.replace("-", "−") for part in parts)

    def in_three_words(self, ratio: float = CHARACTERS_A_TOKEN) -> str:
        """Say what changed in the least words: ``+1 msg −1 tool prompt``; nothing for no change."""
        phrases = []
        if self.messages:
            phrases.append(f"{self.messages:+d} msg")
        if self.tools:
            phrases.append(f"{self.tools:+d} tool{_s(self.tools)}")
        if self.edited:
            phrases.append(f"{self.edited} edited")
        others = {
            "prompt": self.system,
            "model": self.model,
            "parameters": self.parameters,
            "tools": bool(self.tools_edited),
            "reordered": self.reordered,
            "cache": self.breakpoints,
        }
        phrases += [word for word, changed in others.items() if changed]
        if self.state:
            phrases.append(self._state_words())
        tokens = round(self.characters / ratio)
        if tokens:
            phrases.append(f"≈{tokens:+,} tok")
        more = "…" if len(phrases) > _THREE else ""
        return " ".join(phrases[:_THREE]).replace("-", "−") + more

    def _state_words(self) -> str:
        """Say which keys of the state were set: ``sets todos``, ``sets todos +2``."""
        more = f" +{len(self.state) - 1}" if len(self.state) > 1 else ""
        return f"sets {self.state[0]}{more}"


class Entry(msgspec.Struct, gc=False):
    """A message that came or went."""

    len: int | None = None


class ChangedEntry(msgspec.Struct, gc=False):
    """A message that is another one under its id."""

    before: Entry | None = None
    after: Entry | None = None

    @property
    def growth(self) -> int:
        """How many characters longer it is; 0 where that is not known."""
        if self.before is None or self.after is None or self.before.len is None or self.after.len is None:
            return 0
        return self.after.len - self.before.len


class LengthChange(msgspec.Struct, gc=False):
    """How a system prompt grew, in characters."""

    before_len: int | None = None
    after_len: int | None = None


class RecordedDiff(msgspec.Struct, gc=False):
    """What a hook's own span says that it changed."""

    messages_count_delta: int | None = None
    messages_added: list[Entry] = []
    messages_removed: list[Entry] = []
    messages_changed: list[ChangedEntry] = []
    tools_added: list[Raw] = []
    tools_removed: list[Raw] = []
    system_text_changed: bool | None = None
    system_text_delta: LengthChange | None = None
    system_added: list[Raw] = []
    system_removed: list[Raw] = []
    model_changed: Raw = Raw()
    model_parameters_changed: Raw = Raw()
    model_settings_changed: Raw = Raw()
    tool_choice_changed: Raw = Raw()
    response_format_changed: Raw = Raw()
    tools_changed: list[Raw] = []
    tools_reordered: bool | None = None
    messages_reordered: bool | None = None
    keys_set: list[str] = []

    @property
    def effect(self) -> Effect:
        """What it comes to in figures."""
        grown = sum(e.len or 0 for e in self.messages_added) - sum(e.len or 0 for e in self.messages_removed)
        grown += sum(change.growth for change in self.messages_changed)
        system = self.system_text_delta
        if system is not None:
            grown += (system.after_len or 0) - (system.before_len or 0)
        blocks = bool(self.system_added or self.system_removed)
        rewritten = bool(self.system_text_changed)
        parameters = (
            self.model_parameters_changed,
            self.model_settings_changed,
            self.tool_choice_changed,
            self.response_format_changed,
        )
        return Effect(
            messages=len(self.messages_added) - len(self.messages_removed) or self.messages_count_delta or 0,
            edited=len(self.messages_changed),
            tools=len(self.tools_added) - len(self.tools_removed),
            characters=grown,
            system=rewritten,
            model=bytes(self.model_changed) not in _NOTHING,
            parameters=any(bytes(change) not in _NOTHING for change in parameters),
            tools_edited=len(self.tools_changed),
            reordered=bool(self.tools_reordered or self.messages_reordered),
            breakpoints=blocks and not rewritten,
            state=tuple(self.keys_set),
        )


class _After(msgspec.Struct, gc=False):
    cache_breakpoints: Raw = Raw()


_NOTHING = (b"", b"\xc0")
"""A field that is absent, or nil."""

_diff = msgspec.msgpack.Decoder(RecordedDiff).decode
_after = msgspec.msgpack.Decoder(_After).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def recorded_effect(hook: Span, rows: RowReader) -> Effect | None:
    """Return what a hook's span says that it changed: our SDK in a delta, the reference in start or end.

    None if it does not say.
    """
    deltas = hook.deltas or ()
    for ref in (*reversed(deltas), hook.end_ref, hook.start_ref):
        fields = rows.fields(ref)
        if not bytes(fields.diff):
            continue
        try:
            effect = _diff(fields.diff).effect
        except _UNREADABLE:
            continue
        if ref in deltas and bytes(fields.after):
            # Our SDK sends the parts that changed; breakpoints are no part of its diff.
            try:
                effect.breakpoints |= bytes(_after(fields.after).cache_breakpoints) != b""
            except _UNREADABLE:
                pass
        return effect
    return None


class MiddlewareChain(NamedTuple):
    """The middleware around a call that one row stands for."""

    hooks: list[Span]
    """Around the newest call, the outermost first."""
    call: Span | None
    """The newest call; None while there is none."""
    attempts: int
    seconds: float | None
    """What all of them took by themselves; None while that is not known."""
    is_rough: bool
    """The time is that between probe events, not one that was measured."""
    spans: list[Span]
    """Every span that this was read from."""

    def effect(self, rows: RowReader) -> Effect:
        """Return what the hooks changed together, as they say it themselves."""
        total = Effect()
        for hook in self.hooks:
            effect = recorded_effect(hook, rows)
            if effect is not None:
                total.add(effect)
        return total


def time_in_words(seconds: float | None, is_rough: bool) -> str:
    """Say how long middleware took; empty if that is not known."""
    return "" if seconds is None else ("≈" if is_rough else "") + fmt.duration(seconds)


def middleware_chain(head: Span) -> MiddlewareChain:
    """Return the chain that a row stands for."""
    bracket = bracket_of(head)
    return _chain_beside(bracket) if bracket.spans and goes_down(head) else _chain_inside(head)


def _chain_inside(head: Span) -> MiddlewareChain:
    hooks = [head]
    attempts = 1
    call: Span | None = None
    while len(hooks) < HOOKS_DEEP:
        below = [child for child in hooks[-1].children or () if is_hook(child) or child.kind == "llm"]
        if not below:
            break
        attempts = max(attempts, len(below))
        if not is_hook(below[-1]):
            call = below[-1]
            break
        hooks.append(below[-1])
    seconds = None
    if head.flags & SpanFlag.ENDED:
        seconds = sum(ProbePair(hook, hook, True).own_seconds() or 0.0 for hook in hooks)
    return MiddlewareChain(hooks, call, attempts, seconds, False, hooks if call is None else [*hooks, call])


def _chain_beside(bracket: Bracket) -> MiddlewareChain:
    calls = bracket.calls
    if not calls:
        hooks = list({span.name: span for span in bracket.spans if goes_down(span)}.values())
        return MiddlewareChain(hooks, None, 1, None, True, bracket.spans)
    call = calls[-1]
    pairs = bracket.pairing.chains[call.number]
    seconds = None
    if call.ended_at is not None:
        seconds = sum(pair.own_seconds() or 0.0 for pair in pairs)
    return MiddlewareChain([pair.down for pair in pairs], call, len(calls), seconds, True, bracket.spans)


def _s(number: int) -> str:
    return "" if abs(number) == 1 else "s"
