from __future__ import annotations

import os
import random
import uuid
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etaoi_tui.sdk import ids
from etaoi_tui.sdk.clock import encoded_time, to_ns


def timestamp(at_ns: int) -> str:
    return str(msgspec.msgpack.decode(encoded_time(at_ns)))


def test_ids_are_version_4_uuids() -> None:
    unique_ids = {ids.new_id() for _ in range(1000)}
    assert len(unique_ids) == 1000
    for number in unique_ids:
        parsed = uuid.UUID(ids.id_text(number))
        assert parsed.version == 4
        assert parsed.variant == uuid.RFC_4122
        assert parsed.int == number


def test_a_program_that_seeds_random_still_gets_fresh_ids() -> None:
    random.seed(7)
    first = ids.new_id()
    random.seed(7)
    assert ids.new_id() != first


@given(st.uuids())
def test_every_spelling_of_an_id_gives_the_same_text(value: uuid.UUID) -> None:
    assert ids.id_text(value) == ids.id_text(value.int) == ids.id_text(str(value).upper()) == str(value)


@pytest.mark.parametrize("odd", ["", "run-7", "\ud800", 1 << 200, -1])
def test_an_odd_id_becomes_a_uuid_of_its_own_and_stays_the_same(odd: object) -> None:
    text = ids.id_text(odd)  # type: ignore[arg-type]
    assert uuid.UUID(text)
    assert text == ids.id_text(odd)  # type: ignore[arg-type]


def test_a_session_string_is_the_same_session_as_in_the_reference_sdk() -> None:
    expected = uuid.uuid5(uuid.NAMESPACE_URL, "etaoi:session:call-42")
    assert ids.session_uuid("call-42") == expected
    assert ids.session_uuid(str(expected)) == expected
    assert ids.session_uuid(expected) is expected
    assert ids.session_uuid(None) != ids.session_uuid(None)


def test_a_bridge_id_names_system_kind_and_id() -> None:
    expected = uuid.uuid5(uuid.NAMESPACE_URL, "etaoi-tui:loomcycle:run:r1")
    assert ids.bridge_uuid("loomcycle", "run", "r1") == expected


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31)))
def test_times_are_rfc_3339_with_microseconds(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    microseconds = (aware - epoch) // (datetime.resolution)
    text = timestamp(microseconds * 1000)
    assert datetime.fromisoformat(text) == aware
    assert text.endswith("Z") and len(text) == 27


@pytest.mark.parametrize("odd", [-1, 10**30, -(10**30)])
def test_impossible_times_stay_readable(odd: int) -> None:
    assert datetime.fromisoformat(timestamp(odd))


def test_moments_are_seconds_or_nanoseconds() -> None:
    assert to_ns(1_700_000_000.5) == 1_700_000_000_500_000_000
    assert to_ns(1_700_000_000) == 1_700_000_000_000_000_000
    assert to_ns(1_700_000_000_123_456_789) == 1_700_000_000_123_456_789
    assert to_ns(float("nan")) > 0
    assert to_ns(None) > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_makes_other_ids() -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, ids.id_text(ids.new_id()).encode())
        os._exit(0)
    mine = ids.id_text(ids.new_id())
    os.waitpid(child, 0)
    assert os.read(read, 100).decode() != mine
    os.close(read)
    os.close(write)
