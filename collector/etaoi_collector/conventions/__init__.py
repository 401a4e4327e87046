"""The words of payloads, shared by the SDK that writes them and by all that read them: store, prices, viewer.

Imports nothing of the rooms around it, so that the SDK may use it.
"""
