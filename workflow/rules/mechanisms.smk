# Other ways to pump heat uphill: figures of exactly solved machines, each named as its function in analysis.mechanisms.figures.
MECHANISMS = ["ndemon", "fermi_cooling", "fermi_crossings", "fermi_many", "fermi_windows"]
MECHANISMS += ["cascaded_surfaces", "cascaded_counting", "optomechanics_heat_flows", "optomechanics_bandwidth"]
MECHANISMS += ["comparison"]


rule plot_mechanism:
    output:
        multiext("results/mechanisms/{mechanism}", ".png", ".svg", ".csv"),
    log:
        "results/mechanisms/logs/{mechanism}.log",
    wildcard_constraints:
        mechanism="|".join(MECHANISMS),
    conda:
        "../../envs/environment.yaml"
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_mechanism.py"
