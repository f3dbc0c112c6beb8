# Simulations: the equilibrated baths, one start of a study or one for each replica, and one job for each run of any other kind.
#
# These rules use `shell`, and their params are fingerprints of what the engine will do: editing a comment, a colour or an
# analysis reruns no MD, and changing a coupling reruns just the runs that feel it. What depends on `resources`, such as the
# launcher, is no such param: Snakemake leaves it out of what it compares.


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
        # The run folder's other files are written before run.json: where that is, all of docs/run-folder.md is. They are not
        # declared, since exact runs have no atoms, and shipped ones neither log nor deck: Snakemake would simulate those again.
        multiext("results/{study}/{group}/replica_{replica}/", "run.json", "series.parquet"),
    log:
        "results/{study}/logs/{group}/replica_{replica}.log",
    benchmark:
        "results/{study}/benchmarks/{group}/replica_{replica}.tsv"
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
        # The command says why where there is none.
        text=lambda wildcards: experiment(wildcards.study, wildcards.point, 1).standalone() or "",
    shell:
        "python -m simulation deck {wildcards.study} {wildcards.point} > {output} 2> {log}"
