"""A study before it runs (`snakemake plan`, `design`, `doctor`) and while it runs (`snakemake status`)."""
