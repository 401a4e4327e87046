"""What is forgotten: what was used longest ago, by number and by cost."""

from __future__ import annotations

from etaoi_collector.lru import Lru


def test_the_least_recently_used_entry_is_evicted_first() -> None:
    cache: Lru[str, int] = Lru(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert "b" not in cache and cache.get("a") == 1 and cache.get("c") == 3


def test_entries_over_the_cost_bound_are_evicted_but_the_newest() -> None:
    cache: Lru[str, int] = Lru(most_cost=10)
    cache.put("a", 1, 4)
    cache.put("b", 2, 4)
    cache.put("c", 3, 4)
    assert "a" not in cache and cache.cost == 8
    cache.put("huge", 4, 100)
    assert len(cache) == 1 and cache.get("huge") == 4 and cache.cost == 100


def test_an_entry_counts_once_however_often_it_is_put() -> None:
    cache: Lru[str, int] = Lru(most_cost=10)
    for number in range(5):
        cache.put("a", number, number + 1)
    assert cache.get("a") == 4 and cache.cost == 5
    assert cache.pop("a") == 4 and cache.pop("a") is None and cache.cost == 0
    cache.put("b", 1, 3)
    cache.clear()
    assert len(cache) == 0 and cache.cost == 0
