"""Cost and expected precision of a study before it runs (`snakemake plan`), and its progress (`snakemake status`)."""
