# Resources of a simulation on a machine or a cluster, and a test of them with Slurm before the first job is submitted.
import math
import shlex
import shutil
import subprocess


def ranks_of(wildcards):
    """MPI ranks of each simulation of a study; of the chosen study if a rule names none."""
    return study(wildcards.get("study", STUDY.name)).ranks


def mpi_of(wildcards):
    """Resource `mpi`: the launcher of the ranks. One rank needs none, and Snakemake omits a resource that is None.

    In an allocation of Slurm, mpiexec would ask for a job step for each run, and only one at a time would get its cores.
    """
    return "mpiexec -launcher fork" if ranks_of(wildcards) > 1 else None


JOB_MB = 300  # Snakemake, which runs twice in a job of a cluster
RANK_MB = 300  # Python and its libraries
ATOM_MB = 3e-3  # atoms, their neighbours, and both again where ranks meet
SERIES_COPIES = 4  # while the segments' series are joined


def memory_MB(wildcards, attempt):
    """Memory of a simulation, sum over all ranks."""
    wanted = experiment_of(wildcards)
    rows = wanted.duration_ps / wanted.study.schedule.sample_every_ps
    series_MB = rows * (2 + len(wanted.columns())) * 8e-6
    needed = JOB_MB + wanted.study.ranks * RANK_MB + wanted.atoms * ATOM_MB + SERIES_COPIES * series_MB
    return attempt * math.ceil(needed)


def threads_per_rank(wildcards, threads):
    """Cores per rank: those of the job, which `set-threads` of a profile may increase, divided by its ranks."""
    return max(threads // ranks_of(wildcards), 1)


# Resources of every rule that runs molecular dynamics. A rank is one task, and mpiexec reaches one node. A profile may set all
# of them, and `gpus`, too: docs/how-to/machines.md.
SIMULATION = {
    "mpi": mpi_of,
    "tasks": ranks_of,
    "cpus_per_task": threads_per_rank,
    "nodes": 1,
    "mem_mb": memory_MB,
    "lammps": USUAL,
}


def launcher(wildcards, resources):
    """Command that starts a simulation, from its resources `mpi` and `tasks`, which a profile may set."""
    return f"{resources.mpi} -n {resources.tasks}" if resources.get("mpi") else ""


def site(wildcards, threads, resources):
    """Machine settings of LAMMPS, as options of the command that runs a simulation."""
    given = {
        "lammps": resources.lammps,
        "threads": threads_per_rank(wildcards, threads),
        "gpus": resources.get("gpus", 0),
        "launcher": resources.get("mpi", ""),
    }
    return " ".join(f"--{option}={shlex.quote(str(value))}" for option, value in given.items())


def time_limit(wildcards, resources):
    """Option to stop a simulation cleanly before the wall time of its job; none without `runtime`, as on a local machine.

    Up to two minutes are kept back for the start of the job, and for joining the segments at its end.
    """
    runtime = resources.get("runtime")
    return f"--time-limit-min {runtime - min(2, 0.75 * runtime):g}" if runtime else ""


def cores_at_once(chosen):
    """Cores available to simulations in this call; on a cluster those of all jobs submitted in parallel."""
    settings = inner("resource_settings")
    return settings.cores or (settings.nodes or 1) * chosen.ranks


SBATCH_OPTIONS = {
    "slurm_account": "account",
    "slurm_partition": "partition",
    "qos": "qos",
    "constraint": "constraint",
    "runtime": "time",
    "mem_mb": "mem",
    "nodes": "nodes",
    "tasks": "ntasks",
}


def check_slurm():
    """Test one job of each kind with Slurm, without submitting: reports a wrong partition or account before anything runs."""
    if inner("executor_plugin.name") != "slurm":
        return
    settings = inner("executor_settings")
    if getattr(settings, "array_jobs", None):
        raise WorkflowError(
            f"slurm-array-jobs = '{settings.array_jobs}' would lose results: in an array, snakemake-executor-plugin-slurm"
            " 2.8 starts every task by deleting the files of the first one. Remove it from your profile."
        )
    if shutil.which("sbatch") is None:
        raise WorkflowError(
            "this profile submits to Slurm, but the command sbatch is missing: work on a login node of the cluster, "
            "or omit --profile profiles/slurm and give --cores"
        )
    refused = {}
    for job in {job.rule.name: job for job in inner("dag.needrun_jobs")() if not job.is_local}.values():
        asked = {option: job.resources.get(name) for name, option in SBATCH_OPTIONS.items()}
        asked["qos"], asked["reservation"] = settings.qos or asked["qos"], settings.reservation
        request = [f"--{option}={value}" for option, value in asked.items() if value and value != "<TBD>"]
        request += shlex.split(job.resources.get("slurm_extra", ""))
        answer = subprocess.run(["sbatch", "--test-only", *request, "--wrap=true"], capture_output=True, text=True)
        if answer.returncode:
            refused.setdefault("; ".join(answer.stderr.split("\n")).strip("; "), []).append(
                f"{job.rule.name} ({' '.join(request)})"
            )
    if refused:
        reasons = "\n".join(f"  {reason}\n    {'; '.join(rules)}" for reason, rules in refused.items())
        raise WorkflowError(
            f"Slurm would reject these jobs; correct the profile of your site (docs/how-to/clusters.md). Nothing was submitted.\n{reasons}"
        )
