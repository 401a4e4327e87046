"""What is put into programs without our SDK masks what the SDK does."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from etaoi_tui.launcher.environment import PYTHON
from etaoi_tui.sdk.redact import DEFAULT, REDACTED

SECRETS = [
    "Authorization: Bearer abcdefghijklmnop1234",
    "key sk-ant-abcdefghijklmnop0123 in a text",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_abcdefghijklmnopqrst0123",
    "xoxb-1234567890-abc",
    "lsv2_pt_abcdefghijklmnopqrst0123",
    "eyJhbGciOiJI.eyJzdWIiOiIx.abcdefghij",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
    'api_key="abcdefghijklmnop"',
    "password=hunter2222",
    "nothing to hide here, sk- and eyJ only",
]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(PYTHON))
    from _etaoi_tui_run import plain

    yield plain
    for name in [name for name in sys.modules if name.startswith("_etaoi_tui_run")]:
        del sys.modules[name]


@pytest.mark.parametrize("secret", SECRETS)
def test_texts_are_masked_as_by_the_sdk(plain: Any, secret: str) -> None:
    assert plain.value(secret) == DEFAULT.text(secret)


def test_fields_are_masked_by_their_names(plain: Any) -> None:
    masked = plain.value({"OPENAI_API_KEY": "x1", "monkey": "y", "deep": [{"password": b"z"}]})
    assert masked == {"OPENAI_API_KEY": REDACTED, "monkey": "y", "deep": [{"password": REDACTED}]}
    assert json.dumps(masked)
