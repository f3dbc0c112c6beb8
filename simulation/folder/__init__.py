"""The run folder, contract between simulation and analysis: what is written, its energy closure, and small copies of it."""
