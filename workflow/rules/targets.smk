# Named targets of studies with simulations.


EVERYTHING = [
    f"results/{STUDY.name}/summary.csv",
    f"results/{STUDY.name}/summary.txt",
    f"results/{STUDY.name}/friction.json",
    f"results/{STUDY.name}/report.html",
    *figures(STUDY),
]


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


rule memory:
    input:
        f"results/{STUDY.name}/heat_by_variant.csv",
        f"results/{STUDY.name}/figures/memory.png",


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


rule decks:
    input:
        [f"results/{STUDY.name}/decks/{point}.lmp" for point in [machine.FRICTION, *machine.points(STUDY)]],
