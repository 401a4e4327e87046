"""Tests of the one model of middleware that rows and pages read."""
