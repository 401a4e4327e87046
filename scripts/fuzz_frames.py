"""Damages frames, handshakes and recordings at random, and watches that nothing good is lost.

    python scripts/fuzz_frames.py [SECONDS] [SEED]

A third of the time each. A frame: both ways to decode it agree, and never raise. A handshake: the protocol
answers or closes. A recording, plain or compressed, of each format: it opens or says in a sentence why not,
and each good record that a plain scan of the damaged bytes finds is found.
"""

from __future__ import annotations

import gzip
import random
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collector")]

import msgpack
import zstandard

from etaoi_collector.ingest.server_protocol import ServerProtocol
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.recording.record_items import batch_steps, event_batches
from etaoi_collector.recording.segment import TraceFileError
from etaoi_collector.source_items import EventBatch
from etaoi_collector.store import Store
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.frame_scan import scan_byte_ranges
from etaoi_collector.wire.handshake import encode_hello
from etaoi_collector.wire.trace_records import FRAME, PREFIX, read_prefix
from scripts.fuzz_receivers import mutate
from tests import generate

Check = Callable[[random.Random], None]


def check_frame(frames: list[bytes]) -> Check:
    """Return what damages a frame and decodes it in both ways."""

    def check(chance: random.Random) -> None:
        frame = mutate(chance.choice(frames), chance)
        whole = [event for batch in event_batches(frame, 0, 1, 0.0) for event in batch.events]
        steps = batch_steps(frame, scan_byte_ranges(frame), 0, 1, 0.0)
        sliced = [event for batch in steps if batch is not None for event in batch.events]
        assert [type(event) for event in whole] == [type(event) for event in sliced], frame
        store = Store()
        store.apply(whole, 0, 1)
        assert store.rejected == sum(event.count for event in whole if isinstance(event, Reject))

    return check


def check_handshake(hello: bytes, frames: list[bytes]) -> Check:
    """Return what damages a handshake, and sends something after it."""

    def check(chance: random.Random) -> None:
        protocol = ServerProtocol(server_version="0", authorised=chance.random() < 0.9)
        answer = protocol.begin()
        for message in (mutate(hello, chance) if chance.random() < 0.8 else hello, chance.choice(frames)):
            if answer is not None and answer.close is not None:
                assert len(answer.close.reason.encode()) <= 123
                return
            text = chance.random() < 0.1
            answer = protocol.receive(message.decode("latin-1") if text else message)

    return check


def good_records(data: bytes, originals: set[bytes]) -> set[bytes]:
    """Find frames of the original file that still stand whole in damaged bytes, each followed by a record."""
    frames_left = set()
    position = data.find(b"\x94")
    while position >= 0:
        prefix = read_prefix(data, position) if position + PREFIX.size <= len(data) else None
        if prefix is not None and prefix[0] == FRAME:
            body = data[position + PREFIX.size : position + PREFIX.size + prefix[3]]
            after = position + PREFIX.size + prefix[3]
            follows = after == len(data) or (
                after + PREFIX.size <= len(data) and read_prefix(data, after) is not None
            )
            if body in originals and follows:
                frames_left.add(body)
        position = data.find(b"\x94", position + 1)
    return frames_left


def check_file(folder: Path) -> Check:
    """Return what damages a recording of some format and opens it."""
    path = folder / "whole.msgpack"
    generate.write_trace(path, 60, seed=2, per_frame=4)
    native = path.read_bytes()
    frames = list(generate.frames(generate.traffic(3), 4).__next__() for _ in range(1))
    bodies = {
        native[at + PREFIX.size : at + PREFIX.size + prefix[3]]
        for at in range(len(native) - PREFIX.size)
        if native[at] == 0x94 and (prefix := read_prefix(native, at)) is not None and prefix[0] == FRAME
    }
    plain = b"".join(frames * 8)
    timed = b"".join(bytes(msgpack.packb([float(at), frame])) for at, frame in enumerate(frames * 8))
    kinds = {
        "native": native,
        "native.gz": gzip.compress(native),
        "native.zst": zstandard.compress(native),
        "plain": plain,
        "timed": timed,
    }
    damaged = folder / "damaged.msgpack"

    def check(chance: random.Random) -> None:
        kind = chance.choice(list(kinds))
        data = mutate(kinds[kind], chance)
        damaged.write_bytes(data)
        store = Store()
        whole_frames: set[bytes] = set()
        try:
            reader = TraceReader(damaged)
        except TraceFileError:
            return
        for item in reader.arrivals():
            if isinstance(item, EventBatch):
                store.apply(item.events, item.base_ref + item.first_ordinal, item.connection)
                frame = reader._frame(item.base_ref)
                if isinstance(frame, bytes | memoryview):
                    whole_frames.add(bytes(frame))
        assert all(reader.notices)
        if kind == "native":
            missing = good_records(data, bodies) - whole_frames
            assert not missing, f"{len(missing)} good records were not read"
        reader.close()

    return check


def run(name: str, check: Check, seconds: float, seed: int) -> bool:
    """Check again and again; returns whether everything held."""
    chance = random.Random(seed)
    count = failures = 0
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        state = chance.getstate()
        count += 1
        try:
            check(chance)
        except Exception:
            failures += 1
            if failures < 4:
                print(f"{name} number {count}, with the state {hash(state)}:")
                traceback.print_exc()
    print(f"{count:,} damaged {name}, {failures:,} failures", flush=True)
    return not failures


def main() -> int:
    """Returns 0 when everything held."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    traffic = generate.traffic(seed)
    events = [next(traffic) for _ in range(120)]
    frames = [generate.frame(events[at : at + 6]) for at in range(0, 120, 6)]
    frames.append(generate.frame(events))
    with TemporaryDirectory() as folder:
        checks = {
            "frames": check_frame(frames),
            "handshakes": check_handshake(encode_hello("0"), frames),
            "recordings": check_file(Path(folder)),
        }
        held = [run(name, check, seconds / len(checks), seed) for name, check in checks.items()]
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
