# One display on the terminal while jobs run: lines of progress from the simulations, and one line from Snakemake for each finished
# job. The details of every job are in Snakemake's log file, whose name it gives at the end, and with --verbose on the terminal.
import logging

from snakemake_interface_logger_plugins.common import LogEvent

DETAILS = {LogEvent.JOB_INFO, LogEvent.GROUP_INFO, LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED}


def is_shown(record):
    """Whether a message of Snakemake is shown on the terminal: failures, warnings and the count of finished jobs are."""
    return getattr(record, "event", None) not in DETAILS and record.getMessage() != "Select jobs to execute..."


def shorten_display():
    """Leave the details of jobs to the log file; a logger that was chosen with --logger is left as it is."""
    if not inner("output_settings.verbose"):
        for handler in inner("logger_manager.logger").handlers:
            if handler.name == "DefaultStreamHandler":
                handler.addFilter(is_shown)
