"""Other ways to pump heat from cold to hot, to set beside the nonreciprocal refrigerator: docs/mechanisms.md.

Each module is one machine, solved from its own paper; none needs a simulation.
"""
