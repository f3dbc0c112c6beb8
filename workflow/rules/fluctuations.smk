# Fluctuations of each point: its sampled power, and the figures over all points. Seconds; they read run folders only.


rule power:
    input:
        runs=lambda wildcards: run_files(plan.point_runs(study(wildcards.study), wildcards.point)),
    output:
        "results/{study}/sweep/{point}/power.json",
    log:
        "results/{study}/logs/sweep/{point}/power.log",
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/power.py"


rule plot_power:
    input:
        powers=collect(
            "results/{{study}}/sweep/{point}/power.json",
            point=lambda wildcards: plan.points(study(wildcards.study)),
        ),
        friction="results/{study}/friction.json",
    output:
        multiext("results/{study}/figures/power", ".png", ".svg", ".csv"),
    log:
        "results/{study}/logs/figures/power.log",
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/plot_power.py"


rule plot_power_moments:
    input:
        powers=collect(
            "results/{{study}}/sweep/{point}/power.json",
            point=lambda wildcards: plan.points(study(wildcards.study)),
        ),
        friction="results/{study}/friction.json",
    output:
        multiext("results/{study}/figures/power_moments", ".png", ".svg", ".csv"),
    log:
        "results/{study}/logs/figures/power_moments.log",
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/plot_power_moments.py"
