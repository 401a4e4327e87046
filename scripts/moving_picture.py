"""Makes the README's moving picture from the real app: a live run, its failure, and why it failed.

Pictures that the app exports of itself are stacked to a strip, which moves past a window by steps. A line of
the screen that was there before is drawn again instead of written again, so that it stays small.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

from textual.pilot import Pilot

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.sources.live import LiveSource
from etaoi_collector.store.model import Span, Status
from etaoi_tui.app import ViewerApp
from etaoi_tui.view.layout import Layout

SIZE = (120, 42)
NAME = "moving"
SPEED = 0.9
"""Seconds of the demo's story in one of the picture."""

_FRAME = 0.2
"""Seconds between two frames while the agent runs."""
_PATIENCE = 90.0
_KEYS = (
    ("e", "why did it fail?", 3.5),
    ("r", "what did the model get?", 4.0),
    ("d", "what changed since its call before?", 4.0),
)
"""Key, what it answers, and how long the answer stands, in seconds."""

# What Rich's export looks like.
_LINE_HEIGHT = 24.4
_CELL = 12.2
_ELEMENT = re.compile(r"<(rect fill|text) ?([^>]*)>(?:([^<]*)</text>)?")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_SPACE = "&#160;"
_LEADING = re.compile(f"^(?:{_SPACE})+")
_RULE = re.compile(r"\.terminal-\d+-(r\d+) \{([^}]*)\}")

_MARGIN = 10
_CAPTION = 46


@dataclass(slots=True)
class Strip:
    """Frames, and the lines that they are made of.

    Attributes:
        size: Columns and lines of a frame.
        lines: Number of a line by what is drawn in it.
        rules: Name of a style by its CSS.
        frames: Numbers of its lines, its caption, and the seconds that it stands.
    """

    size: tuple[int, int]
    lines: dict[str, int] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    frames: list[tuple[tuple[int, ...], tuple[str, str], float]] = field(default_factory=list)

    def add(self, svg: str, caption: tuple[str, str], seconds: float) -> None:
        """Append a frame, or let the last one stand longer if nothing changed.

        Args:
            svg: As Rich exports a console.
            caption: A key, and what it is pressed for.
            seconds: How long it stands.
        """
        styles = {name: self._style(css) for name, css in _RULE.findall(svg)}
        drawn = svg[svg.index("<g transform=") :]
        rows = [""] * self.size[1]
        for kind, rest, text in _ELEMENT.findall(drawn):
            attributes = dict(_ATTRIBUTE.findall(f"fill{rest}" if kind != "text" else rest))
            x = float(attributes["x"])
            at = int(float(attributes["y"]) / _LINE_HEIGHT)
            if kind == "text":
                at = round((float(attributes["y"]) - 20) / _LINE_HEIGHT)
            if not 0 <= at < len(rows):
                continue
            if kind == "text":
                style = styles[attributes["class"].rpartition("-")[2]]
                # Not every renderer keeps spaces at the beginning.
                words = _LEADING.sub("", text)
                indent = (len(text) - len(words)) // len(_SPACE) * _CELL
                long = float(attributes["textLength"]) - indent
                rows[at] += (
                    f'<text class="{style}" x="{x + indent:g}" y="19" textLength="{long:g}">{words}</text>'
                )
            else:
                wide = float(attributes["width"])
                rows[at] += f'<rect fill="{attributes["fill"]}" x="{x:g}" width="{wide:g}" height="24.65"/>'
        numbers = tuple(self.lines.setdefault(row, len(self.lines)) for row in rows)
        if self.frames and self.frames[-1][:2] == (numbers, caption):
            seconds += self.frames.pop()[2]
        self.frames.append((numbers, caption, seconds))

    def svg(self, ground: str, ink: str, key: str) -> str:
        """Return the moving picture.

        Args:
            ground: Colour around the terminal.
            ink: Colour of captions.
            key: Colour of keys in them.
        """
        width = self.size[0] * _CELL
        height = self.size[1] * _LINE_HEIGHT + _CAPTION
        whole = sum(seconds for _, _, seconds in self.frames)
        steps, drawn, at = [], [], 0.0
        for number, (lines, (pressed, words), seconds) in enumerate(self.frames):
            top = number * height
            steps.append(f"{100 * at / whole:.3f}%{{transform:translateY({-top:.1f}px)}}")
            at += seconds
            uses = [
                f'<use href="#l{line}" y="{row * _LINE_HEIGHT:.1f}"/>'
                for row, line in enumerate(lines)
                if line != self.lines.get("")
            ]
            caption = f'<tspan fill="{key}" font-weight="bold">{escape(pressed)}</tspan>  {escape(words)}'
            uses.append(f'<text class="caption" x="6" y="{height - 13:.1f}">{caption}</text>')
            drawn.append(f'<g transform="translate(0,{top:.1f})">{"".join(uses)}</g>')
        rules = "".join(f".{name}{{{css}}}" for css, name in self.rules.items())
        definitions = "".join(f'<g id="l{number}">{row}</g>' for row, number in self.lines.items() if row)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 2 * _MARGIN:.0f} '
            f'{height + 2 * _MARGIN:.0f}"><style>'
            "text{font-family:'Fira Code',Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:20px}"
            f".caption{{fill:{ink}}}{rules}"
            f"#strip{{animation:strip {whole:.1f}s step-end infinite}}"
            f"@keyframes strip{{{''.join(steps)}}}"
            f"</style><defs>{definitions}</defs>"
            f'<rect width="100%" height="100%" rx="8" fill="{ground}"/>'
            f'<svg x="{_MARGIN}" y="{_MARGIN}" width="{width:.0f}" height="{height:.0f}">'
            f'<g id="strip">{"".join(drawn)}</g></svg></svg>\n'
        )

    def _style(self, css: str) -> str:
        return self.rules.setdefault(css.strip(), f"s{len(self.rules)}")


async def film(write: Callable[[str, str], None]) -> None:
    """Watch the demo until its tool fails and its reviewer has answered, then ask why.

    Args:
        write: Keeps the picture: its file name, and the SVG.

    Raises:
        TimeoutError: The demo did not come so far.
    """
    collector = Collector(CollectorOptions(port=0, record=Record.NONE)).bind()
    collector.start()
    app = ViewerApp(
        LiveSource(collector), layout=Layout(detail_height=0.58), theme="etaoi-dark", automatic=False
    )
    strip = Strip(SIZE)
    try:
        async with app.run_test(size=SIZE) as pilot:
            agent = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "etaoi_tui.demo", "--url", collector.endpoint, "--speed", str(SPEED)
            )
            try:
                async with asyncio.timeout(_PATIENCE):
                    await _watch(app, pilot, strip)
                for key, words, seconds in _KEYS:
                    await pilot.press(key)
                    app.main.footer.say_nothing()
                    await _settle(app, pilot)
                    strip.add(_picture(app), (key, words), seconds)
            finally:
                agent.kill()
                await agent.wait()
            footer = app.main.footer.look
            ground, ink, lit = (
                footer("").bgcolor,
                footer("key-footer--note").color,
                footer("key-footer--key").color,
            )
    finally:
        collector.stop()
        collector.close_recording()
    write(NAME, strip.svg(*(one.get_truecolor().hex if one else "" for one in (ground, ink, lit))))


async def _watch(app: ViewerApp, pilot: Pilot[Any], strip: Strip) -> None:
    """Keep a frame each `_FRAME` of the live run, from its first model call to a little past its failure."""
    app.main.span_tree.following = True
    loop = asyncio.get_running_loop()
    started = loop.time()
    last_look = 0
    while last_look < 2 / _FRAME:
        await asyncio.sleep(max(0.0, _FRAME - (loop.time() - started)))
        started = loop.time()
        app.tick()
        app.main.draw_detail_now()
        await pilot.pause()
        spans = app.main.span_tree.rows.spans if app.main.span_tree.rows.trace is not None else []
        if any(span.kind == "llm" for span in spans):
            strip.add(_picture(app), ("etaoi-tui", "an agent, live"), _FRAME)
        last_look += _has_failed(spans)


def _has_failed(spans: list[Span]) -> bool:
    """Whether a tool failed and the model has answered to that."""
    failed = next(
        (at for at, one in enumerate(spans) if one.kind == "tool" and one.status is Status.ERROR), None
    )
    return failed is not None and any(one.kind == "llm" for one in spans[failed:])


async def _settle(app: ViewerApp, pilot: Pilot[Any]) -> None:
    for _ in range(3):
        await pilot.pause(0.1)
        app.main.draw_detail_now()
        app.tick()
    await pilot.pause()


def _picture(app: ViewerApp) -> str:
    return app.export_screenshot(title="etaoi-tui", simplify=True)
