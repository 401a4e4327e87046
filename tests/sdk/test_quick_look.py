"""The quick look for secrets against the masks: it may look once too often, never once too seldom."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from etaoi_tui.sdk import redact as rules
from etaoi_tui.sdk.redact import Redact

WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
VALUES = st.text(alphabet=WORD + ".~+/=", min_size=4, max_size=48)
LEADS = st.sampled_from(
    [
        "sk-", "sk_live_", "rk_test_", "AKIA", "ASIA", "AIza", "ghp_", "github_pat_", "glpat-", "hf_", "gsk_",
        "xai-", "xoxb-", "npm_", "pypi-", "lsv2_pt_", "eyJhbGciOi.eyJ", "Bearer ", "bearer  ", "Basic ",
        "api_key=", "API-KEY: ", "apikey='", '"secret": "', "client_secret=", "access_token = ",
        "Authorization: Bearer ", 'x-api-key\\":\\"', "password=", "passwd: ", 'Password":"', "PASSWORD=",
        "-----BEGIN RSA PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----",
    ]
)  # fmt: skip
AROUND = st.text(alphabet=st.sampled_from(WORD + " .,:;=\"'\\/{}[]()\n\r\t\x00é漢"), max_size=40)
SECRETS = st.builds(lambda *parts: "".join(parts), AROUND, LEADS, VALUES, AROUND)
TEXTS = st.lists(st.one_of(SECRETS, AROUND), max_size=5).map("".join)


def masked_in_full(text: str) -> str:
    """Apply every default mask, whether it looks necessary or not."""
    return rules._masked(text)


@settings(max_examples=400)
@given(TEXTS)
@example("/a-long-path-of-words/" * 8 + " api_key=abcdefghijklmnop1234")
@example("é" * 60 + "Bearer abcdefghijklmnop==")
def test_texts_that_a_mask_changes_are_inspected(text: str) -> None:
    assert Redact.of(None).text(text) == masked_in_full(text)


@settings(max_examples=150)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_several_texts_are_inspected_as_each_alone(texts: list[str]) -> None:
    if any(masked_in_full(text) != text for text in texts):
        assert Redact.of(None).suspects("\0".join(texts))
