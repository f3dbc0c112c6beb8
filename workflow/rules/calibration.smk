# Coverage of the error bars: runs with known true values pass through the whole analysis (docs/explanation/calibration.md). About half an hour
# on two cores; after an interruption only missing jobs run.


rule calibrate:
    output:
        "results/calibration/{length}/{point}/runs_{first}-{last}.parquet",
    log:
        "results/calibration/logs/{length}/{point}/runs_{first}-{last}.log",
    wildcard_constraints:
        length="|".join(CALIBRATION + CALIBRATION_STUDIES),
        first=r"[0-9]+",
        last=r"[0-9]+",
    conda:
        ENVIRONMENT
    params:
        code=CALIBRATED_CODE,
        fingerprint=lambda wildcards: calibration_run(wildcards).fingerprint,
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
        ENVIRONMENT
    params:
        code=CALIBRATED_CODE,
    script:
        "../scripts/calibration_table.py"


rule calibration_page:
    input:
        table="results/calibration/coverage.csv",
        page=str(HERE / "workflow/report/calibration.md.j2"),
    output:
        page="docs/explanation/calibration.md",
        figure=multiext("docs/figures/calibration", ".png", ".svg", ".csv"),
    log:
        "results/calibration/logs/page.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/calibration_page.py"
