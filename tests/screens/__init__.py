"""Whole screens as pictures."""
