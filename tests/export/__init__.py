"""Tests of the formats that spans are written in."""
