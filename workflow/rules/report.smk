# One page: results/<study>/report.html. It needs no other file and no network.


rule write_report:
    input:
        friction_runs=lambda wildcards: run_files(machine.friction_runs(study(wildcards.study))),
        sweep_runs=lambda wildcards: [
            file
            for point in machine.points(study(wildcards.study))
            for file in run_files(machine.point_runs(study(wildcards.study), point))
        ],
        heats=sweep_files("heat"),
        performances=sweep_files("performance"),
        flows=sweep_files("information"),
        friction="results/{study}/friction.json",
        response="results/{study}/response.npz",
        by_axis="results/{study}/work_by_axis.csv",
        structure=lambda wildcards: (
            [f"results/{wildcards.study}/structure.json"] if has_atoms(study(wildcards.study)) else []
        ),
        figures=lambda wildcards: figures(study(wildcards.study)),
        page=str(HERE / "workflow/report/page.html.j2"),
        design=[
            str(HERE / "workflow/report" / name)
            for name in ("parts.html.j2", "style.css", "explorer.js", "captions.yaml")
        ],
    output:
        page="results/{study}/report.html",
        screen="results/{study}/verdict.txt",
    log:
        "results/{study}/logs/report.log",
    wildcard_constraints:
        study=SIMULATED_STUDIES,
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/report.py"
