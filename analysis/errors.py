"""The error of everything that is wrong with what the analysis was given."""


class AnalysisError(ValueError):
    """What was given cannot be analysed; the message names it and the cure, and is all that people need."""
