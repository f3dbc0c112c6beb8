# Is the heat flow a matter of the thermostat? The same point under three of them.


rule compare_thermostats:
    input:
        heats=lambda wildcards: [
            f"results/{folder}/heat.json" for folder in plan.thermostat_comparison(study(wildcards.study)).values()
        ],
    output:
        "results/{study}/thermostats.csv",
    log:
        "results/{study}/logs/thermostats.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=ANALYSIS_CODE,
        thermostats=lambda wildcards: list(plan.thermostat_comparison(study(wildcards.study))),
    script:
        "../scripts/thermostats.py"
