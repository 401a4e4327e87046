"""Measurements against the project's budgets, with a floor or a peer of the same run beside each figure.

``python -m benchmarks`` runs all of them and prints one table; ``python -m benchmarks NAME ...`` runs some.
Nothing here asserts: machines differ, so figures are read as ratios.
"""
