# Do the error bars cover? Runs of known truth go through the whole analysis (docs/calibration.md). About an hour of one core;
# what is interrupted continues with the jobs that are missing.

CALIBRATION = ("short", "medium", "paper")
CALIBRATION_RUNS = int(config.get("runs", 1000))
RUNS_PER_JOB = 250

# Only what computes numbers: a touched figure must not repeat an hour of runs.
CALIBRATED_CODE = deck.digest(
    {
        str(file.relative_to(ROOT)): file.read_text()
        for file in sorted([*Path(ROOT, "analysis").glob("*.py"), *Path(ROOT, "analysis", "model").glob("*.py")])
        if file.stem not in ("report", "summary", "structure", "variations", "calibration_page")
    }
)


def calibration_jobs(wildcards):
    """One file for some hundred runs of each point of each length."""
    firsts = range(1, CALIBRATION_RUNS + 1, RUNS_PER_JOB)
    return [
        f"results/calibration/{length}/{point}/runs_{first}-{min(first + RUNS_PER_JOB - 1, CALIBRATION_RUNS)}.parquet"
        for length in CALIBRATION
        for point in [plan.FRICTION, *plan.points(study(f"calibration-{length}"))]
        for first in firsts
    ]


def calibration_run(wildcards):
    """The first of the runs that the wildcards name."""
    return plan.Run(study(f"calibration-{wildcards.length}"), wildcards.point, int(wildcards.first))


rule calibrate:
    output:
        "results/calibration/{length}/{point}/runs_{first}-{last}.parquet",
    log:
        "results/calibration/logs/{length}/{point}/runs_{first}-{last}.log",
    wildcard_constraints:
        length="|".join(CALIBRATION),
        first=r"[0-9]+",
        last=r"[0-9]+",
    conda:
        "../../envs/environment.yaml"
    params:
        code=CALIBRATED_CODE,
        fingerprint=lambda wildcards: deck.langevin_fingerprint(calibration_run(wildcards)),
        duration_ps=lambda wildcards: calibration_run(wildcards).duration_ps,
    script:
        "../scripts/calibrate.py"


rule calibration_table:
    input:
        calibration_jobs,
    output:
        "results/calibration/coverage.csv",
    log:
        "results/calibration/logs/coverage.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=CALIBRATED_CODE,
    script:
        "../scripts/calibration_table.py"


rule calibration_page:
    input:
        table="results/calibration/coverage.csv",
        page=f"{ROOT}/workflow/report/calibration.md.j2",
    output:
        page="docs/calibration.md",
        figure=multiext("docs/figures/calibration", ".png", ".svg", ".csv"),
    log:
        "results/calibration/logs/page.log",
    conda:
        "../../envs/environment.yaml"
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/calibration_page.py"
