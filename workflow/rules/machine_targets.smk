# Named targets of studies of machines.


EVERYTHING = [
    f"results/{STUDY.name}/sweep.csv",
    f"results/{STUDY.name}/summary.txt",
    f"results/{STUDY.name}/report.html",
    *machine_figures(STUDY.name),
]


rule sweep:
    input:
        f"results/{STUDY.name}/sweep.csv",


rule figures:
    input:
        machine_figures(STUDY.name),


rule report:
    input:
        f"results/{STUDY.name}/report.html",


rule plan:
    localrule: True
    conda:
        ENVIRONMENT
    params:
        study=STUDY.name,
    shell:
        "python -m simulation plan {params.study}"


use rule plan as status with:
    params:
        study=STUDY.name,
