"""What ``etaoi-tui run`` puts into Python programs: standard library only, syntax of Python 3.8.

Nothing here may raise into the program, wait for the viewer, or be loaded before it is needed.
"""
