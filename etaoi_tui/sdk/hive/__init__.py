"""Watches the event bus of Hive, and whatever has its methods; it imports neither."""
