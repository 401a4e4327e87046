"""Requests and messages: read in every shape that agents send, traced, measured."""
