# Other mechanisms that move heat from cold to hot: figures of exactly solved machines, named as in analysis.mechanisms.figures.
MECHANISMS = ["ndemon", "fermi_cooling", "fermi_crossings", "fermi_many", "fermi_windows"]
MECHANISMS += ["cascaded_surfaces", "cascaded_counting", "optomechanics_heat_flows", "optomechanics_bandwidth"]
MECHANISMS += ["heat_direction", "ndemon_schematic", "cascaded_schematic", "nonreciprocal_networks", "comparison"]


# One job for all: starting a job takes longer than a figure.
rule plot_mechanisms:
    output:
        collect("results/mechanisms/{mechanism}{suffix}", mechanism=MECHANISMS, suffix=[".png", ".svg", ".csv"]),
    log:
        "results/mechanisms/plot.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
        mechanisms=MECHANISMS,
    script:
        "../scripts/plot_mechanisms.py"
