# Simulations: the equilibrated baths (one per study or one per replica), and one job per run of every other kind.
#
# These rules use `shell`, and their params are fingerprints of the input of the engine: editing a comment, a colour or an analysis
# reruns no MD, and changing a coupling reruns only the affected runs. Params that depend on `resources`, such as the launcher, are
# not compared by Snakemake.


rule equilibrate:
    input:
        identity=identity_file,
    output:
        multiext(
            "results/{study}/equilibrated/replica_{replica}/",
            "run.json",
            "series.parquet",
            "topology.data",
            "end.restart",
        ),
    log:
        "results/{study}/logs/equilibrated/replica_{replica}.log",
    benchmark:
        "results/{study}/benchmarks/equilibrated/replica_{replica}.tsv"
    priority: longest_first
    conda:
        ENVIRONMENT
    threads: ranks_of
    resources:
        **SIMULATION,
    params:
        fingerprint=lambda wildcards: experiment_of(wildcards).fingerprint,
        launcher=launcher,
        site=site,
        time_limit=time_limit,
        folder=subpath(output[0], parent=True),
    shell:
        "{params.launcher} python -m simulation run {wildcards.study} equilibrated {wildcards.replica}"
        " {params.folder} {params.site} {params.time_limit} 2>&1 | show {log}"


rule simulate:
    input:
        start=start_of,
        identity=identity_file,
    output:
        # The other files of the run folder are written before run.json: if it exists, all files of docs/reference/run-folder.md do. They are
        # not declared, because exact runs have no atoms and shipped ones no log or deck: Snakemake would rerun those.
        multiext("results/{study}/{group}/replica_{replica}/", "run.json", "series.parquet"),
    log:
        "results/{study}/logs/{group}/replica_{replica}.log",
    benchmark:
        "results/{study}/benchmarks/{group}/replica_{replica}.tsv"
    priority: longest_first
    conda:
        ENVIRONMENT
    threads: ranks_of
    resources:
        **SIMULATION,
    params:
        fingerprint=lambda wildcards: experiment_of(wildcards).fingerprint,
        duration_ps=lambda wildcards: experiment_of(wildcards).duration_ps,
        launcher=launcher,
        site=site,
        time_limit=time_limit,
        folder=subpath(output[0], parent=True),
        start=lambda wildcards, input: f"--start {Path(input.start[0]).parent}" if input.start else "",
    shell:
        "{params.launcher} python -m simulation run {wildcards.study} {wildcards.group} {wildcards.replica}"
        " {params.folder} {params.start} {params.site} {params.time_limit} 2>&1 | show {log}"


rule deck:
    output:
        "results/{study}/decks/{point}.lmp",
    log:
        "results/{study}/logs/decks/{point}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        # The command reports a missing one.
        text=lambda wildcards: experiment(wildcards.study, wildcards.point, 1).standalone() or "",
    shell:
        "python -m simulation deck {wildcards.study} {wildcards.point} > {output} 2> {log}"
