# Cost, expected precision and progress of a study. These rules make no file that others need and take no lock, so they work while
# another Snakemake runs the study. Their logs are in the log folder of Snakemake, not among the results, which may be read-only
# for the user.


# Both start LAMMPS like a simulation; a profile may set the same resources for them.
OVERVIEW = {name: SIMULATION[name] for name in ("mpi", "tasks", "lammps")}


rule plan:
    log:
        f".snakemake/log/{STUDY.name}/plan.log",
    localrule: True
    conda:
        ENVIRONMENT
    threads: STUDY.ranks
    resources:
        **OVERVIEW,
    params:
        study=STUDY.name,
        cores=cores_at_once(STUDY),
        launcher=launcher,
        site=site,
    shell:
        "{params.launcher} python -m simulation plan {params.study} --cores {params.cores} --ranks {resources.tasks}"
        " {params.site} 2>&1 | tee {log}"


rule doctor:
    log:
        f".snakemake/log/{STUDY.name}/doctor.log",
    localrule: True
    conda:
        ENVIRONMENT
    threads: STUDY.ranks
    resources:
        **OVERVIEW,
    params:
        study=STUDY.name,
        launcher=launcher,
        site=site,
    shell:
        "{params.launcher} python -m simulation doctor {params.study} --ranks {resources.tasks} {params.site} 2>&1"
        " | tee {log}"


rule status:
    log:
        f".snakemake/log/{STUDY.name}/status.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        study=STUDY.name,
        targets=[*EVERYTHING, *rules.sweep.input],
    shell:
        "python -m simulation status {params.study} --targets {params.targets} 2>&1 | tee {log}"
