"""Friction over the bath's size: the line in 1/L gives back the endless bath and the viscosity that made the data."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.compare.finite_size import HASIMOTO, drags_by_size, fit_size
from analysis.figures.finite_size import finite_size
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI
from tests.unit.drawn import line, symbols
from tests.unit.synthetic import DRAG

ENDLESS, VISCOSITY = 3.7e-12, 1.8e-4
EDGES = (5.0, 6.5, 8.0, 11.0)


def friction(edge_nm: float) -> float:
    """Hasimoto's friction in a periodic cube, kg/s."""
    return 1 / (1 / ENDLESS - HASIMOTO / (6 * math.pi * VISCOSITY * edge_nm * 1e-9))


def test_exact_data_give_back_their_truth() -> None:
    """Without noise the fit is the law itself, at every size."""
    fit = fit_size(EDGES, [friction(edge) for edge in EDGES], [1e-13] * 4)
    assert fit.friction.value == pytest.approx(ENDLESS, rel=1e-9, abs=0)
    assert fit.viscosity.value == pytest.approx(VISCOSITY, rel=1e-9)
    assert fit.chi2 < 1e-9
    assert fit.friction_at(6.5) == pytest.approx(friction(6.5), rel=1e-9, abs=0)


def test_errors_cover_the_truth() -> None:
    """Over many noisy measurements the deviations are as large as the errors say, and χ² as its degrees of freedom."""
    generator = np.random.default_rng(3)
    z, chi2 = [], []
    for _ in range(400):
        # The mobility, 1/γ, is what is measured with Gaussian noise: a velocity.
        truth = np.array([friction(edge) for edge in EDGES])
        error = 0.03 * truth
        measured = 1 / (1 / truth + error / truth**2 * generator.normal(size=4))
        fit = fit_size(EDGES, measured, error * (measured / truth) ** 2)
        # Without the widening, which depends on the scatter of these four points.
        z.append((fit.mobility.value - 1 / ENDLESS) / fit.mobility.se * math.sqrt(max(1.0, fit.chi2 / 2)))
        chi2.append(fit.chi2)
    assert abs(np.mean(z)) * math.sqrt(400) < 4
    assert np.std(z) == pytest.approx(1, abs=4 / math.sqrt(2 * 400))
    assert fit.freedom == 2
    assert np.mean(chi2) == pytest.approx(fit.freedom, abs=4 * 2 / math.sqrt(400))


def test_points_off_the_line_widen_all_errors() -> None:
    """By √(χ²/freedom), here of points that alternate about the line by five errors; never below the given errors."""
    exact = [friction(edge) for edge in EDGES]
    errors = [1e-3 * each for each in exact]
    straight = fit_size(EDGES, exact, errors)
    bent = fit_size(EDGES, [each * (1 + 5e-3 * (-1) ** place) for place, each in enumerate(exact)], errors)
    widening = math.sqrt(bent.chi2 / 2)
    assert widening > 3
    for name in ("mobility", "slope", "friction", "viscosity"):
        one, other = getattr(straight, name), getattr(bent, name)
        assert other.se == pytest.approx(one.se * widening, rel=0.05), name
    assert straight.chi2 < 1e-9
    assert straight.mobility.se == pytest.approx(_least_squares_error(exact, errors), rel=1e-9)
    # To first order γ = 1/mobility has the relative error of the mobility, and η that of the slope.
    assert straight.friction.se / straight.friction.value == pytest.approx(
        straight.mobility.se / straight.mobility.value
    )
    assert straight.viscosity.se / straight.viscosity.value == pytest.approx(straight.slope.se / -straight.slope.value)
    # The weighted normal equations give the error of the slope as √(S/(S S_xx - S_x²)).
    weights = [gamma**4 / error**2 for gamma, error in zip(exact, errors, strict=True)]
    s, sx, sxx = (sum(w / edge**power for w, edge in zip(weights, EDGES, strict=True)) for power in (0, 1, 2))
    assert straight.slope.se == pytest.approx(math.sqrt(s / (s * sxx - sx**2)), rel=1e-9)


def _least_squares_error(frictions: list[float], errors: list[float]) -> float:
    """Standard error of the intercept of a weighted line, from the normal equations."""
    weights = [friction**4 / error**2 for friction, error in zip(frictions, errors, strict=True)]
    s, sx, sxx = (sum(w / edge**power for w, edge in zip(weights, EDGES, strict=True)) for power in (0, 1, 2))
    return math.sqrt(sxx / (s * sxx - sx**2))


def test_two_sizes_are_refused() -> None:
    """Two points always lie on a line, so nothing would be checked."""
    with pytest.raises(ValueError, match="number of bath sizes with drag runs = 2: at least 3"):
        fit_size([5.0, 6.5, 5.0], [friction(edge) for edge in (5.0, 6.5, 5.0)], [1e-13] * 3)


def test_figure_shows_the_weakest_force_and_leaves_out_what_never_was_steady() -> None:
    """Drags without an error are no measurement of a steady velocity; stronger forces are another regime."""
    drags = [
        [
            replace(
                DRAG,
                side=side,
                force_nN=force,
                friction=Estimate(
                    friction(edge) * (1 if force == "0.3" else 2) / FRICTION_SI,
                    math.nan if force == "3.0" else 1e-13 / FRICTION_SI,
                ),
            )
            for side in ("cold", "hot")
            for force in ("0.3", "1.0", "3.0")
        ]
        for edge in EDGES
    ]
    table = drags_by_size(EDGES, drags)
    assert set(table["force_nN"]) == {"0.3", "1.0"}
    figure, shown = finite_size(table)
    assert len(shown) == 2 * len(EDGES)
    assert shown["friction_endless_kg_per_s"].to_numpy() == pytest.approx(ENDLESS, rel=1e-9, abs=0)
    for drawn in symbols(figure.axes[0]):
        # Mobilities in 10¹² s/kg, whose errors are those of the frictions, relative to them.
        expected = [(1 / edge, 1e-12 / friction(edge), 1e-25 / friction(edge) ** 2) for edge in EDGES]
        np.testing.assert_allclose(drawn, expected, rtol=1e-6)
    assert len(symbols(figure.axes[0])) == 2
    assert figure.axes[0].get_xlabel() == r"$1/L$ (nm$^{-1}$)"
    assert figure.axes[0].get_ylabel() == r"mobility $1/\gamma$ ($10^{12}$ s/kg)"
    assert line(figure.axes[0], "paper")[1].tolist() == pytest.approx([1 / 3.5] * 2)
    assert shown["viscosity_Pa_s"].to_numpy() == pytest.approx(VISCOSITY, rel=1e-6)
    for column in ("friction_endless_kg_per_s_se", "viscosity_Pa_s_se"):
        assert (shown[column] > 0).all()
    assert shown["freedom"].tolist() == [2] * 8
    for side in ("cold", "hot"):
        inverse, mobility = line(figure.axes[0], f"{side}, 100 K")
        expected = 1e-12 * (1 / ENDLESS + inverse * (1 / friction(5.0) - 1 / ENDLESS) * 5.0)
        np.testing.assert_allclose(mobility, expected, rtol=1e-6)
        (label,) = (str(each.get_label()) for each in figure.axes[0].lines if str(each.get_label()).startswith(side))
        assert rf"$\gamma_\infty$ = {1e12 * ENDLESS:.2f} ± " in label
        assert rf"$\eta$ = {1e4 * VISCOSITY:.2f} ± " in label
        row = shown[shown["side"] == side].iloc[0]
        errors = [1e12 * row["friction_endless_kg_per_s_se"], 1e4 * row["viscosity_Pa_s_se"]]
        assert [float(each.strip(" ,").split(",")[0]) for each in label.split("±")[1:]] == pytest.approx(
            errors, abs=0.006
        )
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == r"$\gamma$ in $10^{-12}$ kg/s, $\eta$ in $10^{-4}$ Pa s"
    warm = [[replace(each, bath_temperature=120.0) for each in found if each.side == "hot"] for found in drags]
    table = drags_by_size(EDGES[::-1], [[*found, *hot] for found, hot in zip(drags[::-1], warm[::-1], strict=True)])
    assert table["edge_nm"].tolist() == sorted(EDGES) * 2 + [edge for edge in EDGES for _ in range(2)] * 2
    assert set(table.loc[table["side"] == "cold", "temperature_K"]) == {100.0}
    assert set(table.loc[table["side"] == "hot", "temperature_K"]) == {100.0, 120.0}
    frictions = [friction(edge) for edge in EDGES]
    np.testing.assert_allclose(table["friction_kg_per_s"].iloc[:4], frictions, rtol=1e-9)
    np.testing.assert_allclose(table["friction_kg_per_s_se"], 1e-13, rtol=1e-9)
