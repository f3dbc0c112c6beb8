# One page for people: results/<study>/report.html. It needs no other file and no network.


def report_runs(wildcards):
    """`run.json` of every run of a study: the friction runs, then the sweep, point by point."""
    chosen = study(wildcards.study)
    runs = [
        *plan.friction_runs(chosen),
        *(run for point in plan.points(chosen) for run in plan.point_runs(chosen, point)),
    ]
    return [file for file in run_files(runs) if file.endswith("run.json")]


def report_structure(wildcards):
    """`structure.json`, of a study that has atoms."""
    return [f"results/{wildcards.study}/structure.json"] if study(wildcards.study).engine == "lammps" else []


rule write_report:
    input:
        runs=report_runs,
        heats=heat_files,
        friction="results/{study}/friction.json",
        structure=report_structure,
        figures=lambda wildcards: figures(study(wildcards.study)),
        page=f"{ROOT}/workflow/report/page.html.j2",
        design=[f"{ROOT}/workflow/report/{name}" for name in ("style.css", "captions.yaml")],
    output:
        "results/{study}/report.html",
    log:
        "results/{study}/logs/report.log",
    conda:
        "../../envs/environment.yaml"
    script:
        "../scripts/report.py"
