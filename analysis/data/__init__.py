"""Run folders as the simulation wrote them: series, parameters, atoms."""
