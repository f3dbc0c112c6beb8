# From run folders to friction, heat rates, one table and the figures. Seconds; reruns never touch molecular dynamics.


def run_files(runs):
    """The files of run folders that the analysis reads."""
    return [f"results/{run.folder}/{name}" for run in runs for name in ("run.json", "series.parquet")]


def heat_files(wildcards):
    """`heat.json` of every point of a study."""
    return [f"results/{wildcards.study}/sweep/{point}/heat.json" for point in plan.points(study(wildcards.study))]


def figures(chosen):
    """All figures of a study; those that show atoms need a study that has some."""
    names = ["heat_rates", "friction"] + (["structure", "setup"] if chosen.engine == "lammps" else [])
    return [f"results/{chosen.name}/figures/{name}.png" for name in names]


rule fit_friction:
    input:
        runs=lambda wildcards: run_files(plan.friction_runs(study(wildcards.study))),
    output:
        "results/{study}/friction.json",
    log:
        "results/{study}/logs/friction.log",
    script:
        "../scripts/friction.py"


rule heat:
    input:
        runs=lambda wildcards: run_files(plan.point_runs(study(wildcards.study), wildcards.point)),
    output:
        "results/{study}/sweep/{point}/heat.json",
    log:
        "results/{study}/logs/sweep/{point}/heat.log",
    script:
        "../scripts/heat.py"


rule summary:
    input:
        heats=heat_files,
        friction="results/{study}/friction.json",
    output:
        csv="results/{study}/summary.csv",
        text="results/{study}/summary.txt",
    log:
        "results/{study}/logs/summary.log",
    script:
        "../scripts/summary.py"


rule structure:
    input:
        run="results/{study}/friction/replica_1/run.json",
    output:
        "results/{study}/structure.json",
    log:
        "results/{study}/logs/structure.log",
    script:
        "../scripts/structure.py"


rule plot_heat_rates:
    input:
        heats=heat_files,
        friction="results/{study}/friction.json",
    output:
        multiext("results/{study}/figures/heat_rates", ".png", ".svg", ".csv"),
    log:
        "results/{study}/logs/figures/heat_rates.log",
    script:
        "../scripts/plot_heat_rates.py"


rule plot_friction:
    input:
        "results/{study}/friction.json",
    output:
        multiext("results/{study}/figures/friction", ".png", ".svg", ".csv"),
    log:
        "results/{study}/logs/figures/friction.log",
    script:
        "../scripts/plot_friction.py"


rule plot_structure:
    input:
        "results/{study}/structure.json",
    output:
        multiext("results/{study}/figures/structure", ".png", ".svg", ".csv"),
    log:
        "results/{study}/logs/figures/structure.log",
    script:
        "../scripts/plot_structure.py"


rule plot_setup:
    input:
        run="results/{study}/friction/replica_1/run.json",
    output:
        multiext("results/{study}/figures/setup", ".png", ".svg"),
    log:
        "results/{study}/logs/figures/setup.log",
    script:
        "../scripts/plot_setup.py"
