"""The names under which a model may stand in a price list: deployments, gateways and regions add to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

_PROVIDERS = {
    "google_genai": "google",
    "google_vertexai": "google",
    "google_anthropic_vertex": "google",
    "vertex_ai": "google",
    "vertexai": "google",
    "gemini": "google",
    "azure_openai": "azure",
    "azure_ai": "azure",
    "amazon_bedrock": "aws",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "anthropic_bedrock": "aws",
    "mistralai": "mistral",
    "xai": "x-ai",
    "fireworks_ai": "fireworks",
    "together_ai": "together",
    "deepseek-chat": "deepseek",
}
"""Providers as frameworks and gateways call them, and as price lists do."""

LOCAL = frozenset(
    {"ollama", "llamacpp", "llama_cpp", "llama-cpp", "lmstudio", "lm_studio", "vllm", "gpt4all"}
)
"""Providers that run on somebody's own machine: nobody else's price for the same model is theirs."""

_REGION = re.compile(r"^(?:us|eu|apac|au|jp|ca|global|us-gov)\.(?=[a-z0-9-]+\.)")
_VERSION = re.compile(
    r"(?::\d+|[-@]latest|:latest|:free|:beta|:nitro|:floor|:thinking|:extended|:online|@default)$"
)
_BEDROCK_VERSION = re.compile(r"-v\d+(?::\d+)?$")


def provider_id(provider: str) -> str:
    """Return a provider's name as price lists have it."""
    name = provider.strip().lower()
    return _PROVIDERS.get(name, name)


@lru_cache(maxsize=1_024)
def lookups(model: str, provider: str) -> Sequence[tuple[str, str]]:
    """Return (model, provider) to look for, the likeliest first; a provider of "" means any.

    A fine-tuned model (``ft:...``) has a price of its own, so that its base model's is not offered.
    """
    names: dict[tuple[str, str], None] = {}
    for name, vendor in _names(model.strip()):
        for provider_key in (vendor, provider_id(provider), ""):
            if provider_key is not None and name:
                names[name, provider_key] = None
    return tuple(names)


def _names(model: str) -> Iterator[tuple[str, str | None]]:
    """Yield a model's names and, where one names it, the vendor."""
    yield model, None
    if model.startswith("ft:"):
        return
    bare = _VERSION.sub("", model)
    if bare != model:
        yield bare, None
    region = _REGION.sub("", bare)
    if region != bare:
        yield region, None
    # A vendor before the name: "openai/gpt-5", "openrouter/openai/gpt-5", "openai:gpt-5", "models/gemini-3".
    rest = region
    while "/" in rest:
        vendor, _, rest = rest.partition("/")
        yield rest, provider_id(vendor)
    if ":" in rest:
        vendor, _, after = rest.partition(":")
        if after and not after[0].isdigit():
            yield after, provider_id(vendor)
    if "." in rest:
        vendor, _, after = rest.partition(".")
        if vendor.isalpha() and after:
            yield after, provider_id(vendor)
            yield _BEDROCK_VERSION.sub("", after), provider_id(vendor)
