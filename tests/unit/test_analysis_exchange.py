"""The names of the two sides do not matter: a run with its sides exchanged has the same results at the other names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from analysis.data.parameters import Parameters
from analysis.data.runs import Run
from analysis.heat.information import information_summary
from analysis.heat.performance import performance_summary
from analysis.heat.power import power_summary
from analysis.heat.rates import point_summary
from analysis.heat.reversal import reversal_summary
from tests.unit.synthetic import Truth, synthetic_runs

TRUTH = Truth(kappa_ratio="4.80", friction_cold=0.2, friction_hot=0.35, sample_interval=0.5)
CHANGES_SIGN = ("swept_area_A2_per_ns", "asymmetry")
"""What is defined by the order of both sides."""


def other(name: str) -> str:
    """A name with cold and hot exchanged."""
    return re.sub("cold|hot", lambda found: {"cold": "hot", "hot": "cold"}[found[0]], name)


def exchanged(content: Any) -> Any:
    """The content of a JSON file with all its names exchanged."""
    if isinstance(content, dict):
        return {other(key): exchanged(value) for key, value in content.items()}
    return [exchanged(each) for each in content] if isinstance(content, list) else content


@cache
def runs() -> tuple[Run, ...]:
    """Two replicas whose particles, frictions, temperatures and drifts all differ from side to side."""
    found = []
    for replica, run in enumerate(synthetic_runs(TRUTH, 300, 2, seed=71), start=1):
        drifts = {
            f"{side}_{name}": value * replica
            for side, sign in (("cold", -1), ("hot", 0.5))
            for name, value in (("drift_eV_per_ns", 0.02 * sign), ("drift_se", 0.003 * abs(sign)))
        }
        parameters = run.metadata["parameters"] | {"mass_hot_eV_ps2_per_A2": 1.6}
        metadata = run.metadata | {"parameters": parameters, "closure": run.metadata["closure"] | drifts}
        found.append(replace(run, metadata=metadata, parameters=Parameters.from_json(parameters)))
    return tuple(found)


def turned(run: Run) -> Run:
    """The same run with the names of its sides exchanged."""
    metadata = exchanged(run.metadata)
    series = run.series.rename(columns=other)
    return replace(run, metadata=metadata, parameters=Parameters.from_json(metadata["parameters"]), series=series)


def same(one: Any, another: Any, name: str = "") -> None:
    """Compare two JSON contents, number by number."""
    if isinstance(one, dict):
        assert set(one) == set(another), name
        for key, value in one.items():
            same(value, another[key], f"{name}.{key}")
    elif isinstance(one, list) and one and isinstance(one[0], int | float):
        sign = -1 if name.rpartition(".")[2] in CHANGES_SIGN else 1
        floats = [np.array([np.nan if each is None else each for each in values]) for values in (one, another)]
        np.testing.assert_allclose(floats[0], sign * floats[1], rtol=1e-6, atol=1e-9, err_msg=name)
    elif isinstance(one, float):
        sign = -1 if name.rpartition(".")[2] in CHANGES_SIGN else 1
        assert one == pytest.approx(sign * another, rel=1e-6, abs=1e-9), name
    else:
        assert one == another, name


@pytest.mark.parametrize(
    "summary", [point_summary, power_summary, performance_summary, reversal_summary, information_summary]
)
def test_results_follow_the_sides_and_not_their_names(summary: Callable[[Sequence[Run]], Any]) -> None:
    """Every value and every error of a side is that of the other name; the colder bath is cooled whatever it is called."""
    usual = summary(runs()).to_json()
    names_changed = summary([turned(run) for run in runs()]).to_json()
    same(exchanged(usual), names_changed)
    assert names_changed["parameters"]["temperature_cold_K"] == 120.0
