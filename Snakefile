# nanofridge: heat from cold to hot between two copper nanoparticles, measured in LAMMPS.
#
#   config/<study>.yaml --> equilibrated baths --> friction run, sweep over kappa_H/kappa_C --> heat rates beside theory --> figures
#
# Everything lands in results/<study>/. The study is chosen with `--config study=tiny` (default: demo); a file named in full,
# such as results/tiny/sweep/kH_4.80/heat.json, needs no choice.
import os
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.0")

# Jobs must find this project's modules and this environment's python and mpiexec, wherever they run.
sys.path.insert(0, workflow.basedir)
os.environ["PYTHONPATH"] = os.pathsep.join([workflow.basedir, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

from simulation import deck, plan
from simulation.study import StudyError
from simulation.studyfile import load_study


@cache
def study(name):
    """The study of that name, checked; every problem of its file ends the workflow before anything runs."""
    try:
        return load_study(name)
    except StudyError as problems:
        raise WorkflowError(str(problems))


STUDY = study(config.get("study", "demo"))


wildcard_constraints:
    study=r"[A-Za-z0-9][\w-]*",
    point=r"friction|kH_-?[0-9.]+",
    group=r"friction|sweep/kH_-?[0-9.]+",
    replica=r"[0-9]+",


include: "workflow/rules/simulate.smk"
include: "workflow/rules/analyse.smk"


rule all:
    default_target: True
    input:
        f"results/{STUDY.name}/summary.csv",
        f"results/{STUDY.name}/summary.txt",
        f"results/{STUDY.name}/friction.json",
        figures(STUDY),


rule friction:
    input:
        f"results/{STUDY.name}/friction.json",


rule sweep:
    input:
        [f"results/{STUDY.name}/sweep/{point}/heat.json" for point in plan.points(STUDY)],


rule figures:
    input:
        figures(STUDY),


rule decks:
    input:
        [f"results/{STUDY.name}/decks/{point}.lmp" for point in [plan.FRICTION, *plan.points(STUDY)]],
