"""Draws a graph with box characters."""
