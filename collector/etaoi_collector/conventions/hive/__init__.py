"""The events of Hive's EventBus as spans: the same for a bus that is watched, its files, and our own bus."""
