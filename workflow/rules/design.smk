# The best machine within the limits of section `design` of a study: theory only, with the friction measured so far.


rule find_design:
    input:
        friction=measured_friction,
    output:
        table="results/{study}/design.csv",
        text="results/{study}/design.txt",
        best="results/{study}/design.yaml",
    log:
        "results/{study}/logs/design.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
        settings=lambda wildcards: digest(study(wildcards.study).model_dump(mode="json")),
    shell:
        "python -m simulation design {wildcards.study} > {output.text} 2> {log}"


rule plot_design:
    input:
        "results/{study}/design.csv",
    output:
        figure_files("design"),
    log:
        "results/{study}/logs/figures/design.log",
    conda:
        ENVIRONMENT
    params:
        code=ANALYSIS_CODE,
    script:
        "../scripts/plot_design.py"
