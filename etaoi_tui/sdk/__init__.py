"""The companion SDK: what runs inside the agent's process and speaks to the viewer.

Nothing here imports Textual, Rich or the viewer; LangChain and LiveKit are imported only by their own
modules.
"""
