# The dragging experiment: its molecular dynamics, which needs no equilibrated start, and its figure.


rule pull:
    output:
        multiext("results/{study}/drag/{side}/F_{force}/replica_{replica}/", "run.json", "series.parquet"),
    log:
        "results/{study}/logs/drag/{side}/F_{force}/replica_{replica}.log",
    wildcard_constraints:
        side="cold|hot",
        force=r"[0-9.]+",
    conda:
        "../../envs/environment.yaml"
    threads: ranks_of
    resources:
        **SIMULATION,
    params:
        fingerprint=lambda wildcards: drag.drag_fingerprint(drag_run_of(wildcards)),
        duration_ps=lambda wildcards: drag_run_of(wildcards).duration_ps,
        launcher=launcher,
        time_limit=time_limit,
        folder=subpath(output[0], parent=True),
    shell:
        "{params.launcher} python -m simulation drag {wildcards.study} {wildcards.side} {wildcards.force}"
        " {wildcards.replica} {params.folder} {params.time_limit} 2>&1 | show {log}"


rule plot_drag:
    input:
        runs=lambda wildcards: run_files(drag.drag_runs(study(wildcards.study))),
        friction="results/{study}/friction.json",
    output:
        multiext("results/{study}/figures/drag", ".png", ".svg", ".csv"),
    log:
        "results/{study}/logs/figures/drag.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_drag.py"
