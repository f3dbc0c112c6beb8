# Studies that name a machine: solved over their sweep, drawn, followed over time if they ask for it, and reported. No simulation.
from simulation.study.files import machine_names

MACHINE_STUDIES = "|".join(machine_names()) or "(?!)"
# Fields become machines in simulation/study/machines; all else about them is analysis.
MACHINE_CODE = code_of([*(ROOT / "analysis").rglob("*.py"), *(ROOT / "simulation/study/machines").glob("*.py")])
MACHINE_FIGURES = ["currents", "performance"]


def machine_figures(name):
    """All figures of a study of a machine."""
    names = [*MACHINE_FIGURES, "course"] if machine_study(name).has_course else MACHINE_FIGURES
    return [f"results/{name}/figures/{figure}.png" for figure in names]


rule solve_machine:
    output:
        [multiext(f"results/{{study}}/figures/{figure}", ".png", ".svg") for figure in MACHINE_FIGURES],
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
        multiext("results/{study}/figures/course", ".png", ".svg", ".csv"),
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


# Rules for simulations could make files of these names, too.
ruleorder: report_machine > write_report
ruleorder: solve_machine > summary
