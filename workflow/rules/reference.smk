# The project's own long runs, shipped in reference/<study>/: there molecular dynamics is taken, not made again.


rule unpack:
    input:
        multiext("reference/{study}/{group}/replica_{replica}/", "run.json", "series.parquet"),
    output:
        multiext("results/{study}/{group}/replica_{replica}/", "run.json", "series.parquet"),
    log:
        "results/{study}/logs/{group}/replica_{replica}.log",
    wildcard_constraints:
        group=r"friction|sweep/kH_-?[0-9.]+|drag/(cold|hot)/F_[0-9.]+",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        source=subpath(input[0], parent=True),
        target=subpath(output[0], parent=True),
    shell:
        "python -m simulation unpack {wildcards.study} {params.source} {params.target} 2>&1 | show {log}"


ruleorder: unpack > simulate
ruleorder: unpack > pull
