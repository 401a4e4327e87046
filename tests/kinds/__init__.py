"""Tests of the kinds of spans: what finds their viewers, and what rows and details make of them."""
