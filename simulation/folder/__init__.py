"""The run folder, interface between simulation and analysis: its files, the check of the energy balance, and small copies."""
