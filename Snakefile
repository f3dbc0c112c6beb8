# nanofridge: heat from cold to hot between two copper nanoparticles, measured in LAMMPS.
#
#   config/<study>.yaml --> equilibrated baths --> friction run, sweep over kappa_H/kappa_C --> heat rates beside theory --> figures
#
# A study file with a field `machine` needs no simulation: the machine is solved exactly over a sweep of one parameter.
# All output is in results/<study>/. The study is chosen in config/config.yaml, or with `--config study=tiny`; a full
# file name such as results/tiny/sweep/kH_4.80/heat.json needs no choice.
import os

from snakemake.utils import min_version

min_version("9.8")


if os.path.exists("config/config.yaml"):

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/settings.smk"


STUDY = any_study(chosen_study())


wildcard_constraints:
    study=STUDY_NAME,
    point=f"{machine.FRICTION}|{machine.POINT_PREFIX}{NUMBER_TEXT}",
    group=GROUPS,
    replica=r"[1-9][0-9]*",


include: "workflow/rules/locks.smk"
include: "workflow/rules/display.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/variants.smk"
include: "workflow/rules/design.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/calibration.smk"
include: "workflow/rules/mechanisms.smk"
include: "workflow/rules/machines.smk"
include: "workflow/rules/reference.smk"


onstart:
    check_slurm()
    hold_results()
    shorten_display()


if is_machine_study(STUDY):

    include: "workflow/rules/machine_targets.smk"

else:

    include: "workflow/rules/targets.smk"
    include: "workflow/rules/overview.smk"


rule all:
    default_target: True
    input:
        EVERYTHING,


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


rule calibration:
    input:
        "docs/explanation/calibration.md",
