"""The common error of invalid input to the analysis."""


class AnalysisError(ValueError):
    """Input that cannot be analysed; the message names it and the cure."""
