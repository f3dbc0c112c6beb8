# Comparison of a study with its variants: the same point with three thermostats, and friction and heats for all changes in its
# section `variants`.


rule compare_thermostats:
    input:
        heats=lambda wildcards: [
            f"results/{folder}/heat.json" for folder in machine.thermostat_comparison(study(wildcards.study)).values()
        ],
        frictions=lambda wildcards: [
            f"results/{name}/friction.json" for name in machine.thermostat_frictions(study(wildcards.study)).values()
        ],
        responses=lambda wildcards: [
            f"results/{name}/response.npz" for name in machine.thermostat_frictions(study(wildcards.study)).values()
        ],
    output:
        "results/{study}/thermostats.csv",
    log:
        "results/{study}/logs/thermostats.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
        thermostats=lambda wildcards: list(machine.thermostat_comparison(study(wildcards.study))),
        own=lambda wildcards: study(wildcards.study).baths.thermostat,
    script:
        "../scripts/thermostats.py"


rule compare_friction:
    input:
        runs=lambda wildcards: [f"results/{name}/friction/replica_1/run.json" for name in with_variants(wildcards)],
        frictions=lambda wildcards: [f"results/{name}/friction.json" for name in with_variants(wildcards)],
        own=lambda wildcards: run_files(machine.friction_runs(study(wildcards.study))),
    output:
        by_variant="results/{study}/friction_by_variant.csv",
        by_analysis="results/{study}/friction_by_analysis.csv",
    log:
        "results/{study}/logs/friction_variations.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/variations.py"


rule compare_heats:
    input:
        runs=lambda wildcards: [
            f"results/{machine.point_runs(study(name), machine.points(study(name))[0])[0].folder}/run.json"
            for name in with_variants(wildcards)
        ],
        frictions=lambda wildcards: variant_frictions(wildcards, "friction.json"),
        responses=lambda wildcards: variant_frictions(wildcards, "response.npz"),
        heats=variant_heats,
    output:
        "results/{study}/heat_by_variant.csv",
    log:
        "results/{study}/logs/heat_variations.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
        counts=lambda wildcards: [len(machine.points(study(name))) for name in with_variants(wildcards)],
    script:
        "../scripts/heat_variations.py"


rule plot_heat_variations:
    input:
        "results/{study}/heat_by_variant.csv",
    output:
        figure_files("heat_variations"),
    log:
        "results/{study}/logs/figures/heat_variations.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
        study="{study}",
    script:
        "../scripts/plot_heat_variations.py"


rule plot_memory:
    input:
        frictions=lambda wildcards: variant_frictions(wildcards, "friction.json"),
        responses=lambda wildcards: variant_frictions(wildcards, "response.npz"),
        heats=variant_heats,
    output:
        multiext("results/{study}/figures/memory", ".png", ".svg", ".csv"),
    log:
        "results/{study}/logs/figures/memory.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
        names=lambda wildcards: [name.partition("@")[2] or "as in the study" for name in with_variants(wildcards)],
        counts=lambda wildcards: [len(machine.points(study(name))) for name in with_variants(wildcards)],
    script:
        "../scripts/plot_memory.py"


rule plot_loops:
    input:
        friction="results/{study}/friction.json",
        response="results/{study}/response.npz",
        heats=shown_variant_heats,
    output:
        figure_files("loops"),
    log:
        "results/{study}/logs/figures/loops.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_loops.py"


rule plot_variations:
    input:
        "results/{study}/friction_by_variant.csv",
    output:
        figure_files("variations"),
    log:
        "results/{study}/logs/figures/variations.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_variations.py"


rule plot_finite_size:
    input:
        runs=lambda wildcards: [
            file for name in with_variants(wildcards) for file in run_files(drag.Drag.all_of(study(name)))
        ],
    output:
        figure_files("finite_size"),
    log:
        "results/{study}/logs/figures/finite_size.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/finite_size.py"
