# Studies of machines: solved over their sweep, with figures, optional time evolution, and report. No simulation.


rule solve_machine:
    output:
        [figure_files(figure, ".svg") for figure in MACHINE_FIGURES],
        table="results/{study}/sweep.csv",
        text="results/{study}/summary.txt",
    log:
        "results/{study}/logs/sweep.log",
    wildcard_constraints:
        study=MACHINE_STUDIES,
    conda:
        ENVIRONMENT
    params:
        code=MACHINE_CODE,
        settings=lambda wildcards: machine_study(wildcards.study).settings,
    script:
        "../scripts/solve_machine.py"


rule follow_machine:
    output:
        figure_files("course"),
    log:
        "results/{study}/logs/course.log",
    wildcard_constraints:
        study=MACHINE_STUDIES,
    conda:
        ENVIRONMENT
    params:
        code=MACHINE_CODE,
        settings=lambda wildcards: machine_study(wildcards.study).settings,
    script:
        "../scripts/follow_machine.py"


rule report_machine:
    input:
        table="results/{study}/sweep.csv",
        figures=lambda wildcards: machine_figures(wildcards.study),
        page=str(HERE / "workflow/report/machine.html.j2"),
        design=[str(HERE / "workflow/report" / name) for name in ("parts.html.j2", "style.css", "captions.yaml")],
    output:
        "results/{study}/report.html",
    log:
        "results/{study}/logs/report.log",
    wildcard_constraints:
        study=MACHINE_STUDIES,
    conda:
        ENVIRONMENT
    params:
        code=MACHINE_CODE,
        settings=lambda wildcards: machine_study(wildcards.study).settings,
    script:
        "../scripts/report_machine.py"
