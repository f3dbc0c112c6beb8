"""Other mechanisms that move heat from cold to hot, for comparison with the nonreciprocal refrigerator: docs/mechanisms.md.

Each module is one machine, solved exactly after its publication; none needs a simulation.
"""
