# One page for several studies: results/comparisons/<study>+<study>/compare.html, by `--config studies=a,b`.


rule compare_studies:
    input:
        runs=lambda wildcards: [
            f"results/{machine.friction_runs(chosen)[0].folder}/run.json"
            for chosen in compared_studies(wildcards.studies.split("+"))
        ],
        frictions=lambda wildcards: [f"results/{name}/friction.json" for name in wildcards.studies.split("+")],
        responses=lambda wildcards: [f"results/{name}/response.npz" for name in wildcards.studies.split("+")],
        heats=lambda wildcards: [
            f"results/{chosen.name}/sweep/{point}/heat.json"
            for chosen in compared_studies(wildcards.studies.split("+"))
            for point in machine.points(chosen)
        ],
        performances=lambda wildcards: [
            f"results/{chosen.name}/sweep/{point}/performance.json"
            for chosen in compared_studies(wildcards.studies.split("+"))
            for point in machine.points(chosen)
        ],
        page=str(HERE / "workflow/report/studies.html.j2"),
        design=[str(HERE / "workflow/report" / name) for name in ("parts.html.j2", "style.css", "captions.yaml")],
    output:
        page="results/comparisons/{studies}/compare.html",
        figure=multiext("results/comparisons/{studies}/heats_of_studies", ".png", ".svg", ".csv"),
    log:
        "results/comparisons/{studies}/logs/compare.log",
    wildcard_constraints:
        studies=rf"{STUDY_NAME}(\+{STUDY_NAME})+",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
        counts=lambda wildcards: [
            len(machine.points(chosen)) for chosen in compared_studies(wildcards.studies.split("+"))
        ],
    script:
        "../scripts/compare_studies.py"


rule compare:
    input:
        comparison_page,
