# Figures of what fluctuates: sampled power, coefficients of performance, and the uncertainty of power.


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
    params:
        code=ANALYSIS_CODE,
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
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_power_moments.py"


rule plot_cop:
    input:
        performances=collect(
            "results/{{study}}/sweep/{point}/performance.json",
            point=lambda wildcards: plan.points(study(wildcards.study)),
        ),
    output:
        multiext("results/{study}/figures/cop", ".png", ".svg", ".csv"),
    log:
        "results/{study}/logs/figures/cop.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_cop.py"


rule plot_cop_fluctuations:
    input:
        performances=collect(
            "results/{{study}}/sweep/{point}/performance.json",
            point=lambda wildcards: plan.points(study(wildcards.study)),
        ),
        friction="results/{study}/friction.json",
    output:
        multiext("results/{study}/figures/cop_fluctuations", ".png", ".svg", ".csv"),
    log:
        "results/{study}/logs/figures/cop_fluctuations.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_cop_fluctuations.py"


rule plot_uncertainty:
    input:
        performances=collect(
            "results/{{study}}/sweep/{point}/performance.json",
            point=lambda wildcards: plan.points(study(wildcards.study)),
        ),
        friction="results/{study}/friction.json",
    output:
        multiext("results/{study}/figures/uncertainty", ".png", ".svg", ".csv"),
    log:
        "results/{study}/logs/figures/uncertainty.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_uncertainty.py"
