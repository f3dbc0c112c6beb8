# Looking at a study: what it will cost and decide, and how far it is. These rules make no file that others need and take no
# lock, so they work while another Snakemake runs the study.


rule plan:
    log:
        f"results/{STUDY.name}/logs/plan.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    threads: STUDY.ranks
    params:
        study=STUDY.name,
        cores=cores_at_once(STUDY),
        targets=[*rules.all.input, *rules.sweep.input],
        launcher=lambda wildcards, threads: f"mpiexec -n {threads}" if threads > 1 else "",
    shell:
        "{params.launcher} python -m simulation plan {params.study} --cores {params.cores} --ranks {threads}"
        " --targets {params.targets} 2>&1 | tee {log}"


rule status:
    log:
        f"results/{STUDY.name}/logs/status.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        study=STUDY.name,
        targets=[*rules.all.input, *rules.sweep.input],
    shell:
        "python -m simulation status {params.study} --targets {params.targets} 2>&1 | tee {log}"
