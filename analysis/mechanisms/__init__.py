"""Other mechanisms that move heat from cold to hot: docs/explanation/mechanisms.md.

Each module is one machine, solved exactly after its publication; none needs a simulation.
"""
