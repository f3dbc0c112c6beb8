# Long runs of the project, shipped in reference/<study>/: copied instead of simulated.


rule unpack:
    input:
        run=str(HERE / "reference/{study}/{group}/replica_{replica}/run.json"),
        series=str(HERE / "reference/{study}/{group}/replica_{replica}/series.parquet"),
        identity=identity_file,
    output:
        multiext("results/{study}/{group}/replica_{replica}/", "run.json", "series.parquet"),
    log:
        "results/{study}/logs/{group}/replica_{replica}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        source=subpath(input.run, parent=True),
        target=subpath(output[0], parent=True),
    shell:
        "python -m simulation unpack {wildcards.study} {wildcards.group} {wildcards.replica}"
        " {params.source:q} {params.target} 2>&1 | show {log}"


ruleorder: unpack > simulate


# Point 4.80 in baths of 6.5 nm (`reference`, to which the others are compared), and of 5, 6.5, 8 and 11 nm in another state, each
# with theory at its friction.
SIZES = ["reference", "bath-size@edge-5", "bath-size", "bath-size@edge-8", "reference-paper"]


use rule compare_heats as compare_sizes with:
    input:
        runs=[f"results/{name}/friction/replica_1/run.json" for name in SIZES],
        frictions=[f"results/{name}/friction.json" for name in SIZES],
        responses=[f"results/{name}/response.npz" for name in SIZES],
        heats=[f"results/{name}/sweep/kH_4.80/heat.json" for name in SIZES],
    output:
        "results/reference/heat_by_size.csv",
    log:
        "results/reference/logs/sizes.log",
    params:
        code=ANALYSIS_CODE,
        counts=[1] * len(SIZES),


use rule plot_heat_variations as plot_sizes with:
    input:
        "results/reference/heat_by_size.csv",
    output:
        multiext("results/reference/figures/heat_by_size", ".png", ".svg", ".csv"),
    log:
        "results/reference/logs/figures/heat_by_size.log",
    params:
        code=ANALYSIS_CODE,
        study="reference",
