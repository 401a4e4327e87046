"""Bridges to agent systems that are not LangChain: voxagent, loomcycle, Hive's EventBus.

A bridge puts wrappers over public methods of one object, as attributes of that very object, and takes them
off again. No class is changed, so objects that nobody watches are what they were. Watching changes nothing:
results, exceptions, order and cancellation of the watched system are those of a run that nobody watches.

Each bridge imports its system only when it is used.
"""
