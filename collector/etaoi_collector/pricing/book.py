"""Prices and context windows of models: the user's own file first, then the package ``genai-prices``.

The package is large, so that it is loaded on a thread of its own when a price is first asked for; until then
the answer is "still loading". What neither knows is unknown, and never guessed.
"""

from __future__ import annotations

import threading
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from etaoi_collector.pricing.token_counts import Tokens

FILE_NAME = "prices.toml"
PACKAGE = "genai-prices"
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost, in US dollars; ``total`` is None where that is not known, and ``source`` says why."""

    total: float | None
    source: str
    input: float = 0.0
    output: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """How many tokens a model takes; ``tokens`` is None where that is not known."""

    tokens: int | None
    source: str


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """A model of the user's file: dollars per million tokens, and the window in tokens."""

    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    window: int | None = None


@dataclass(slots=True)
class PriceBook:
    """Everything that is known about prices.

    Attributes:
        own: The user's models by name.
        path: Their file.
        problems: What is wrong with that file, in words.
    """

    own: dict[str, OwnPrice] = field(default_factory=dict)
    path: Path | None = None
    problems: list[str] = field(default_factory=list)
    _package: Any = None
    _failed: str = ""
    _loading: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cost(self, tokens: Tokens, model: str, provider: str = "", at: float | None = None) -> Cost:
        """Return what a call cost.

        Args:
            tokens: Its tokens.
            model: The model's name as it was reported.
            provider: Its provider, if that is known.
            at: When it was made, in seconds since the epoch: prices change.
        """
        own = self.own.get(model)
        if own is not None and own.input is not None and own.output is not None:
            read = own.cache_read if own.cache_read is not None else own.input
            write = own.cache_write if own.cache_write is not None else own.input
            before = tokens.fresh * own.input + tokens.cache_read * read + tokens.cache_write * write
            after = tokens.output * own.output
            return Cost((before + after) / _MILLION, "your prices", before / _MILLION, after / _MILLION)
        package = self._loaded()
        if package is None:
            return Cost(None, self._failed or "prices are still loading")
        usage = package.Usage(
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cache_read_tokens=tokens.cache_read,
            cache_write_tokens=tokens.cache_write,
        )
        when = None if at is None else datetime.fromtimestamp(at, UTC)
        try:
            found = package.calc_price(
                usage, model_ref=model, provider_id=provider or None, genai_request_timestamp=when
            )
        except (LookupError, ValueError):
            return Cost(None, f"no price is known for {model or 'a model without a name'}")
        return Cost(
            float(found.total_price), self.package_name, float(found.input_price), float(found.output_price)
        )

    def window(self, model: str, provider: str = "") -> Window:
        """Return how many tokens a model takes."""
        own = self.own.get(model)
        if own is not None and own.window is not None:
            return Window(own.window, "your file")
        package = self._loaded()
        if package is None:
            return Window(None, self._failed or "still loading")
        try:
            from genai_prices.data_snapshot import get_snapshot

            _, found = get_snapshot().find_provider_model(model, None, provider or None, None)
        except (LookupError, ValueError):
            return Window(None, "not known for this model")
        tokens = found.context_window
        return Window(tokens, self.package_name if tokens else "not known for this model")

    @property
    def package_name(self) -> str:
        """The package with its version."""
        try:
            return f"{PACKAGE} {metadata.version(PACKAGE)}"
        except metadata.PackageNotFoundError:
            return f"{PACKAGE} is not installed"

    @property
    def ready(self) -> bool:
        """Whether nothing is being loaded."""
        return self._package is not None or bool(self._failed)

    def load(self) -> None:
        """Load the package now; takes half a second."""
        try:
            import genai_prices
            from genai_prices.data_snapshot import get_snapshot

            get_snapshot()
        except Exception as error:
            self._failed = f"{PACKAGE} cannot be loaded: {type(error).__name__}: {error}"[:200]
        else:
            self._package = genai_prices

    def _loaded(self) -> Any:
        if self._package is None and not self._failed:
            with self._lock:
                if not self._loading:
                    self._loading = True
                    threading.Thread(target=self.load, name="etaoi-tui prices", daemon=True).start()
        return self._package


def own_path() -> Path:
    """Return where the user's prices lie, whether or not there are any."""
    return user_config_path("etaoi-tui", appauthor=False) / FILE_NAME


def read_own(path: Path) -> PriceBook:
    """Read the user's prices; what is wrong in them is left out and said."""
    book = PriceBook(path=path)
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return book
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        book.problems.append(f"{path} cannot be read: {error}")
        return book
    models = told.get("models")
    if not isinstance(models, dict):
        book.problems.append(f'{path} has no table [models."NAME"]')
        return book
    for name, entry in models.items():
        numbers = (
            {key: value for key, value in entry.items() if _is_price(value)}
            if isinstance(entry, dict)
            else {}
        )
        wrong = sorted(set(entry) - set(numbers)) if isinstance(entry, dict) else [name]
        unknown = sorted(set(numbers) - set(OwnPrice.__dataclass_fields__))
        if wrong or unknown:
            book.problems.append(f"{path}, model {name}: not understood: {', '.join([*wrong, *unknown])}")
        kept = {key: value for key, value in numbers.items() if key in OwnPrice.__dataclass_fields__}
        if "window" in kept:
            kept["window"] = int(kept["window"])
        book.own[name] = OwnPrice(**kept)
    return book


def _is_price(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


_book: list[PriceBook] = []


def price_book() -> PriceBook:
    """Return the prices of this process; the user's file is read once."""
    if not _book:
        _book.append(read_own(own_path()))
    return _book[0]
