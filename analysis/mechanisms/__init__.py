"""Other mechanisms that move heat from cold to hot: docs/explanation/mechanisms.md.

Each module solves one published machine exactly; none needs a simulation.
"""
