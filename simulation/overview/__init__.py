"""What a study will cost and decide before it runs (`snakemake plan`), and how far it has come (`snakemake status`)."""
