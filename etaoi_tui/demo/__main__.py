"""Runs the scripted agent against any endpoint: ``python -m etaoi_tui.demo --url ws://127.0.0.1:8787/ingest``."""

from __future__ import annotations

import os
import threading

import click

_STDIN = 0


@click.command()
@click.option("--url", default="ws://127.0.0.1:8787/ingest", show_default=True, help="Where to send spans.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same tree.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="How many times as fast as in real life.",
)
@click.option("--loop", is_flag=True, help="Start again and again.")
@click.option("--stop-at-eof", is_flag=True, hidden=True, help="End when standard input does.")
def main(url: str, seed: int, speed: float, loop: bool, stop_at_eof: bool) -> None:
    """Play the demo's agent: it streams to URL through the SDK, as any other agent would."""
    from etaoi_tui.demo.play import play_demo
    from etaoi_tui.sdk.config import open_tracer

    if stop_at_eof:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    tracer = open_tracer(host=url)
    try:
        play_demo(tracer, seed=seed, speed=speed)
        while loop:
            seed += 1
            play_demo(tracer, seed=seed, speed=speed)
    finally:
        tracer.close(timeout=5.0)


def _end_with_stdin() -> None:
    """End at once when whoever started this is gone, killed or not."""
    while os.read(_STDIN, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
