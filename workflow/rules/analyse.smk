# From run folders to friction, heat rates, one table and the figures. Takes seconds and never reruns molecular dynamics.


rule fit_friction:
    input:
        runs=lambda wildcards: run_files(machine.friction_runs(study(wildcards.study))),
        drags=lambda wildcards: run_files(drag.Drag.all_of(study(wildcards.study))),
    output:
        friction="results/{study}/friction.json",
        by_axis="results/{study}/friction_by_axis.csv",
        response="results/{study}/response.npz",
    log:
        "results/{study}/logs/friction.log",
    benchmark:
        "results/{study}/benchmarks/friction.tsv"
    priority: MEASURED_FIRST
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/friction.py"


rule measure:
    input:
        runs=lambda wildcards: run_files(machine.point_runs(study(wildcards.study), wildcards.point)),
    output:
        # One job for five files, and one for nine figures below: the start of Python takes longer than each of them.
        heat="results/{study}/sweep/{point}/heat.json",
        power="results/{study}/sweep/{point}/power.json",
        performance="results/{study}/sweep/{point}/performance.json",
        reversal="results/{study}/sweep/{point}/reversal.json",
        information="results/{study}/sweep/{point}/information.json",
    log:
        "results/{study}/logs/sweep/{point}/measure.log",
    benchmark:
        "results/{study}/benchmarks/sweep/{point}/measure.tsv"
    priority: MEASURED_FIRST
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/measure.py"


rule axes:
    input:
        runs=lambda wildcards: [
            file
            for point in machine.points(study(wildcards.study))
            for file in run_files(machine.point_runs(study(wildcards.study), point))
        ],
        friction="results/{study}/friction.json",
        response="results/{study}/response.npz",
    output:
        "results/{study}/work_by_axis.csv",
    log:
        "results/{study}/logs/work_by_axis.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/axes.py"


rule plot_response:
    input:
        heats=sweep_files("heat"),
        friction="results/{study}/friction.json",
        response="results/{study}/response.npz",
    output:
        figure_files("response"),
    log:
        "results/{study}/logs/figures/response.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/response.py"


rule summary:
    input:
        heats=sweep_files("heat"),
        flows=sweep_files("information"),
        friction="results/{study}/friction.json",
        response="results/{study}/response.npz",
    output:
        csv=report("results/{study}/summary.csv", category="{study}", labels={"figure": "table of heats"}),
        text="results/{study}/summary.txt",
    log:
        "results/{study}/logs/summary.log",
    wildcard_constraints:
        study=SIMULATED_STUDIES,
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/summary.py"


rule structure:
    input:
        runs=lambda wildcards: run_files(machine.friction_runs(study(wildcards.study))),
    output:
        "results/{study}/structure.json",
    log:
        "results/{study}/logs/structure.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/structure.py"


rule plot_equilibrium:
    input:
        runs=lambda wildcards: run_files(machine.friction_runs(study(wildcards.study))),
        friction="results/{study}/friction.json",
    output:
        [figure_files(name) for name in EQUILIBRIUM_FIGURES],
    log:
        "results/{study}/logs/figures/equilibrium.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_equilibrium.py"


rule plot_sweep:
    input:
        heats=sweep_files("heat"),
        powers=sweep_files("power"),
        performances=sweep_files("performance"),
        reversals=sweep_files("reversal"),
        flows=sweep_files("information"),
        friction="results/{study}/friction.json",
        response="results/{study}/response.npz",
    output:
        [figure_files(name) for name in SWEEP_FIGURES],
    log:
        "results/{study}/logs/figures/sweep.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_sweep.py"


rule plot_cumulative:
    input:
        runs=lambda wildcards: [
            file
            for point in machine.shown_points(study(wildcards.study))
            for file in run_files(machine.point_runs(study(wildcards.study), point))
        ],
        heats=shown_files("heat"),
        powers=shown_files("power"),
    output:
        figure_files("cumulative"),
    log:
        "results/{study}/logs/figures/cumulative.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_cumulative.py"


rule plot_drag:
    input:
        runs=lambda wildcards: run_files(drag.Drag.all_of(study(wildcards.study))),
        friction="results/{study}/friction.json",
    output:
        figure_files("drag"),
    log:
        "results/{study}/logs/figures/drag.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_drag.py"


rule plot_structure:
    input:
        structure="results/{study}/structure.json",
        friction="results/{study}/friction.json",
    output:
        figure_files("structure"),
    log:
        "results/{study}/logs/figures/structure.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_structure.py"


rule plot_setup:
    input:
        run="results/{study}/friction/replica_1/run.json",
    output:
        figure_files("setup", ".svg"),
    log:
        "results/{study}/logs/figures/setup.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
        controller=lambda wildcards: study(wildcards.study).demon.controller,
    script:
        "../scripts/plot_setup.py"
