"""What bridges to other agent systems share: method wrappers, passing streams, handles, event rows.

A bridge puts wrappers over public methods of one object, as attributes of that very object, and takes them
off again. No class is changed, so objects that nobody watches are what they were. Watching changes nothing:
results, exceptions, order and cancellation of the watched system are those of a run that nobody watches.
"""
