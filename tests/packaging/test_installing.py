"""The ways to install that the README names, each into a clean environment, with nothing published."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.packaging.clean import ROOT, Environment, build
from tests.packaging.test_distributions import VERSION, needs_of

pytestmark = pytest.mark.packaging

SDK = ROOT / "packaging" / "sdk"
Clean = Callable[..., Environment]


def check(environment: Environment, *, distributions: Iterable[str], viewer: bool = True) -> None:
    """Check that the SDK works, and the viewer's command."""
    installed = environment.distributions()
    assert set(distributions) == {name for name in installed if name.startswith("etaoi")}
    answer = environment.ask("import etaoi_tui\nanswer = [etaoi_tui.__version__, callable(etaoi_tui.span)]")
    assert answer == [VERSION, True]
    if viewer:
        assert VERSION in environment.run("-m", "etaoi_tui", "--version")
        assert "--replay" in environment.run("-m", "etaoi_tui", "--help")
        assert (
            environment.ask("from etaoi_collector import Collector\nanswer = Collector.__name__")
            == "Collector"
        )
        environment.run("-c", "import etaoi_collector.host, etaoi_tui.app")


def test_a_checkout(clean: Clean) -> None:
    """``pip install '/path/to/etaoi-tui[langchain]'``, then again, then without the viewer."""
    environment = clean(f"{ROOT}[langchain]")
    check(environment, distributions=["etaoi-tui", "etaoi-tui-sdk"])
    assert "langchain-core" in environment.distributions()
    environment.install(ROOT)
    check(environment, distributions=["etaoi-tui", "etaoi-tui-sdk"])
    environment.run("-m", "pip", "uninstall", "--quiet", "--yes", "etaoi-tui")
    check(environment, distributions=["etaoi-tui-sdk"], viewer=False)


def test_the_sdk_of_a_checkout_and_the_viewer_later(clean: Clean) -> None:
    """``pip install '/path/to/etaoi-tui/packaging/sdk'``; the viewer comes beside it without a clash."""
    environment = clean(SDK)
    check(environment, distributions=["etaoi-tui-sdk"], viewer=False)
    environment.install(ROOT)
    check(environment, distributions=["etaoi-tui", "etaoi-tui-sdk"])


def test_an_editable_checkout(clean: Clean) -> None:
    """The tree serves both packages by itself; no wheel of the SDK hides it."""
    environment = clean("--editable", ROOT)
    check(environment, distributions=["etaoi-tui"])
    home = environment.ask("import etaoi_tui\nanswer = etaoi_tui.__file__")
    assert Path(home).is_relative_to(ROOT)


def test_a_checkouts_sdist(clean: Clean, tmp_path: Path) -> None:
    """Twice, because pip keeps the wheel that it builds, but not the folder that it builds it in."""
    build(ROOT, tmp_path, release=False)
    (sdist,) = tmp_path.glob("*.tar.gz")
    (wheel,) = tmp_path.glob("*.whl")
    assert not [need for need in needs_of(wheel) if "@" in need or need.startswith("etaoi")]
    for _ in range(2):
        check(clean(sdist), distributions=["etaoi-tui"])


def test_a_releases_wheels(release: Path, clean: Clean) -> None:
    """Both together, as an index would serve them."""
    environment = clean("etaoi-tui", "--find-links", release)
    check(environment, distributions=["etaoi-tui", "etaoi-tui-sdk"])
    assert environment.distributions()["etaoi-tui-sdk"] == VERSION


def test_a_releases_sdists(release: Path, clean: Clean) -> None:
    """Packagers build from these; the viewer's names the SDK's version, wherever it is unpacked."""
    environment = clean("etaoi-tui", "--find-links", release, "--no-binary", "etaoi-tui,etaoi-tui-sdk")
    check(environment, distributions=["etaoi-tui", "etaoi-tui-sdk"])


def test_the_readme_names_these_ways() -> None:
    """What is tested here is what people read."""
    readme = (ROOT / "README.md").read_text("utf-8")
    install_targets = set(re.findall(r"pip install '/path/to/etaoi-tui([^']*)'", readme))
    assert {"[langchain]", "/packaging/sdk[langchain]"} <= install_targets
