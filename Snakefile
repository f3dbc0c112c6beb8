# nanofridge: heat from cold to hot between two copper nanoparticles, measured in LAMMPS.
#
#   config/<study>.yaml --> equilibrated baths --> friction run, sweep over kappa_H/kappa_C --> heat rates beside theory --> figures
#
# Everything lands in results/<study>/. The study is chosen with `--config study=tiny` (default: demo); a file named in full,
# such as results/tiny/sweep/kH_4.80/heat.json, needs no choice.
from snakemake.utils import min_version

min_version("9.8")


include: "workflow/rules/common.smk"
include: "workflow/rules/settings.smk"


STUDY = study(chosen_study())


wildcard_constraints:
    study=STUDY_NAME,
    point=f"{machine.FRICTION}|{machine.POINT_PREFIX}{NUMBER_TEXT}",
    group=GROUPS,
    replica=r"[1-9][0-9]*",


include: "workflow/rules/locks.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/variants.smk"
include: "workflow/rules/design.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/calibration.smk"
include: "workflow/rules/mechanisms.smk"
include: "workflow/rules/reference.smk"


onstart:
    check_slurm()
    hold_results()


rule all:
    default_target: True
    input:
        f"results/{STUDY.name}/summary.csv",
        f"results/{STUDY.name}/summary.txt",
        f"results/{STUDY.name}/friction.json",
        f"results/{STUDY.name}/report.html",
        figures(STUDY),


rule friction:
    input:
        f"results/{STUDY.name}/friction.json",
        f"results/{STUDY.name}/friction_by_axis.csv",


rule drag:
    input:
        run_files(drag.Drag.all_of(STUDY)),


rule sweep:
    input:
        [f"results/{STUDY.name}/sweep/{point}/heat.json" for point in machine.points(STUDY)],


rule figures:
    input:
        figures(STUDY),


rule report:
    input:
        f"results/{STUDY.name}/report.html",


rule response:
    input:
        f"results/{STUDY.name}/figures/response.png",


rule thermostats:
    input:
        f"results/{STUDY.name}/thermostats.csv",


rule variations:
    input:
        f"results/{STUDY.name}/friction_by_variant.csv",
        f"results/{STUDY.name}/figures/variations.png",


rule heat_variations:
    input:
        f"results/{STUDY.name}/heat_by_variant.csv",
        f"results/{STUDY.name}/figures/heat_variations.png",


rule design:
    input:
        f"results/{STUDY.name}/figures/design.png",
        f"results/{STUDY.name}/design.txt",


rule feedback:
    input:
        f"results/{STUDY.name}/heat_by_variant.csv",
        f"results/{STUDY.name}/figures/heat_variations.png",
        f"results/{STUDY.name}/figures/loops.png",


rule finite_size:
    input:
        f"results/{STUDY.name}/figures/finite_size.png",


rule reference:
    input:
        "results/reference/summary.csv",
        "results/reference/report.html",
        "results/reference/work_by_axis.csv",
        figures(study("reference")),
        "results/reference/heat_by_size.csv",
        "results/reference/figures/heat_by_size.png",
        [f"results/{size}/summary.txt" for size in SIZES[1:]],


rule mechanisms:
    input:
        [f"results/mechanisms/{mechanism}.png" for mechanism in MECHANISMS],


rule decks:
    input:
        [f"results/{STUDY.name}/decks/{point}.lmp" for point in [machine.FRICTION, *machine.points(STUDY)]],


rule calibration:
    input:
        "docs/calibration.md",


include: "workflow/rules/overview.smk"
