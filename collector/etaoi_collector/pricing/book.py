"""Prices and context windows of models: the user's own file first, then the package ``genai-prices``.

The package is large, so that it is loaded on a thread of its own when a price is first asked for; until then
the answer is "still loading". What neither knows is unknown, and never guessed.
"""

from __future__ import annotations

import threading
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from etaoi_collector.pricing.model_names import LOCAL, lookups
from etaoi_collector.pricing.rates import PackageRates
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
    cache_write_1h: float | None = None
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
    _rates: PackageRates | None = None
    _failed: str = ""
    _loading: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cost(
        self, tokens: Tokens, model: str, provider: str = "", at: float | None = None, tier: str | None = None
    ) -> Cost:
        """Return what a call cost.

        Args:
            tokens: Its tokens.
            model: The model's name as it was reported.
            provider: Its provider, if that is known.
            at: When it was made, in seconds since the epoch: prices change.
            tier: The service tier that it was served in, if that is not the usual one.
        """
        for name, _ in lookups(model, provider):
            own = self.own.get(name)
            if own is not None and own.input is not None and own.output is not None:
                return _own_cost(own, own.input, own.output, tokens, tier)
        package = self._loaded()
        if package is None:
            return Cost(None, self._failed or "prices are still loading")
        if provider.lower() in LOCAL:
            return Cost(None, f"no price is known: {provider} runs models on machines of your own")
        when = None if at is None else datetime.fromtimestamp(at, UTC)
        for name, provider_id in lookups(model, provider):
            costs = self._package_price(package, tokens, name, provider_id, when)
            if costs is None:
                continue
            source = self.package_name
            if tier:
                of_tier = _price_of_call(package, tokens, name, provider_id, when, tier)
                if of_tier is not None and of_tier != costs:
                    costs, source = of_tier, f"{tier} tier, {source}"
                else:
                    source = f"standard price: none is known for tier {tier}; {source}"
            return Cost(costs[0], source, costs[1], costs[2])
        return Cost(None, f"no price is known for {model or 'a model without a name'}")

    def window(self, model: str, provider: str = "") -> Window:
        """Return how many tokens a model takes."""
        for name, _ in lookups(model, provider):
            own = self.own.get(name)
            if own is not None and own.window is not None:
                return Window(own.window, "your file")
        package = self._loaded()
        if package is None:
            return Window(None, self._failed or "still loading")
        from genai_prices.data_snapshot import get_snapshot

        for name, provider_id in lookups(model, provider):
            try:
                _, model_info = get_snapshot().find_provider_model(name, None, provider_id or None, None)
            except (LookupError, ValueError):
                continue
            if model_info.context_window:
                return Window(model_info.context_window, self.package_name)
        return Window(None, "not known for this model")

    def _package_price(
        self, package: Any, tokens: Tokens, name: str, provider_id: str, when: datetime | None
    ) -> tuple[float, float, float] | None:
        """Return what a call costs at the standard price (in all, input, output); None if not known."""
        if tokens.is_text:
            if self._rates is None:
                self._rates = PackageRates(package)
            try:
                return self._rates.cost(tokens, name, provider_id, when)
            except LookupError:
                return None
            except ValueError:
                pass  # priced one by one
        return _price_of_call(package, tokens, name, provider_id, when, None)

    @property
    def package_name(self) -> str:
        """The package with its version."""
        return _package_name()

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
            _package_name()  # reads files: here, and not where the first price is asked for
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


@cache
def _package_name() -> str:
    try:
        return f"{PACKAGE} {metadata.version(PACKAGE)}"
    except metadata.PackageNotFoundError:
        return f"{PACKAGE} is not installed"


def _own_cost(own: OwnPrice, fresh: float, output: float, tokens: Tokens, tier: str | None) -> Cost:
    read = own.cache_read if own.cache_read is not None else fresh
    write = own.cache_write if own.cache_write is not None else fresh
    hour = own.cache_write_1h if own.cache_write_1h is not None else write
    input_cost = (
        tokens.fresh * fresh
        + tokens.cache_read * read
        + (tokens.cache_write - tokens.cache_write_1h) * write
        + tokens.cache_write_1h * hour
    ) / _MILLION
    output_cost = tokens.output * output / _MILLION
    source = f"your prices; standard price, whatever tier {tier} costs" if tier else "your prices"
    return Cost(input_cost + output_cost, source, input_cost, output_cost)


def _price_of_call(
    package: Any, tokens: Tokens, name: str, provider_id: str, when: datetime | None, tier: str | None
) -> tuple[float, float, float] | None:
    """Return what the package says that a call cost (in all, input, output); None if it does not know."""
    context = None
    if tier:
        context = {"service_tier": tier.lower()}
        if tier.lower() in ("batch", "fast"):
            context |= {"processing": "batch"} if tier.lower() == "batch" else {"speed": "fast"}
    for counts in (_counts(tokens), _counts(tokens, modalities=False)):
        try:
            price = package.calc_price(
                package.Usage(**counts),
                model_ref=name,
                provider_id=provider_id or None,
                genai_request_timestamp=when,
                price_context=context,
            )
        except LookupError:
            return None
        except ValueError:
            continue  # modalities that its price list cannot take apart
        return float(price.total_price), float(price.input_price), float(price.output_price)
    return None


def _counts(tokens: Tokens, *, modalities: bool = True) -> dict[str, int]:
    """Return tokens as the package calls them; what is 0 is left out, which saves it half of the work."""
    counts = {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_read_tokens": tokens.cache_read,
        "cache_write_tokens": tokens.cache_write,
        "cache_write_1h_tokens": tokens.cache_write_1h,
    }
    if modalities:
        counts["input_audio_tokens"] = min(tokens.input_audio, tokens.input)
        counts["input_image_tokens"] = min(tokens.input_image, tokens.input)
        counts["output_audio_tokens"] = min(tokens.output_audio, tokens.output)
        counts["output_image_tokens"] = min(tokens.output_image, tokens.output)
    token_counts = {
        name: count for name, count in counts.items() if count or name in ("input_tokens", "output_tokens")
    }
    if modalities and tokens.cache_read and (tokens.input_audio or tokens.input_image):
        # Where a report does not say what was cached, that was text as far as there is enough of it.
        audio, image = token_counts.get("input_audio_tokens", 0), token_counts.get("input_image_tokens", 0)
        over = max(0, tokens.cache_read - max(0, tokens.input - audio - image))
        cached_audio = tokens.cache_read_audio if tokens.cache_read_audio is not None else min(over, audio)
        if audio:
            token_counts["cache_audio_read_tokens"] = min(cached_audio, audio)
        if image:
            token_counts["cache_image_read_tokens"] = min(max(0, over - cached_audio), image)
    return token_counts


def own_path() -> Path:
    """Return where the user's prices lie, whether or not there are any."""
    return user_config_path("etaoi-tui", appauthor=False) / FILE_NAME


def read_own(path: Path) -> PriceBook:
    """Read the user's prices; what is wrong in them is left out and said."""
    book = PriceBook(path=path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return book
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        book.problems.append(f"{path} cannot be read: {error}")
        return book
    models = document.get("models")
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
        fields = {key: value for key, value in numbers.items() if key in OwnPrice.__dataclass_fields__}
        if "window" in fields:
            fields["window"] = int(fields["window"])
        book.own[name] = OwnPrice(**fields)
    return book


def _is_price(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


_book: list[PriceBook] = []


def price_book() -> PriceBook:
    """Return the prices of this process; the user's file is read once."""
    if not _book:
        _book.append(read_own(own_path()))
    return _book[0]
