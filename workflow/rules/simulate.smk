# Molecular dynamics: one equilibrated start per study, then one job per point and replica.
#
# These rules use `shell`, and their params are fingerprints of what LAMMPS will do: editing a comment, a colour or an
# analysis reruns no MD, and changing a coupling reruns just the runs that feel it.


rule equilibrate:
    output:
        multiext("results/{study}/equilibrated/", "equilibrated.restart", "equilibrated.json", "topology.data"),
    log:
        "results/{study}/logs/equilibrated.log",
    conda:
        "../../envs/environment.yaml"
    threads: ranks_of
    resources:
        **SIMULATION,
    params:
        fingerprint=lambda wildcards: deck.equilibration_fingerprint(study(wildcards.study)),
        launcher=launcher,
        time_limit=time_limit,
        folder=subpath(output[0], parent=True),
    shell:
        "{params.launcher} python -m simulation equilibrate {wildcards.study} {params.folder} {params.time_limit} 2>&1 | show {log}"


rule simulate:
    input:
        start_of,
    output:
        # The run folder's other files are written before run.json: where that is, all of docs/run-folder.md is.
        multiext("results/{study}/{group}/replica_{replica}/", "run.json", "series.parquet"),
    log:
        "results/{study}/logs/{group}/replica_{replica}.log",
    conda:
        "../../envs/environment.yaml"
    threads: ranks_of
    resources:
        **SIMULATION,
    params:
        fingerprint=fingerprint_of,
        duration_ps=lambda wildcards: run_of(wildcards).duration_ps,
        launcher=launcher,
        time_limit=time_limit,
        point=lambda wildcards: run_of(wildcards).point,
        folder=subpath(output[0], parent=True),
        start=lambda wildcards, input: f"--start {Path(input[0]).parent}" if input else "",
    shell:
        "{params.launcher} python -m simulation run {wildcards.study} {params.point} {wildcards.replica}"
        " {params.folder} {params.start} {params.time_limit} 2>&1 | show {log}"


rule deck:
    output:
        "results/{study}/decks/{point}.lmp",
    log:
        "results/{study}/logs/decks/{point}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        text=lambda wildcards: deck.render_standalone(plan.Run(study(wildcards.study), wildcards.point, 1)),
    shell:
        "python -m simulation deck {wildcards.study} {wildcards.point} > {output} 2> {log}"
