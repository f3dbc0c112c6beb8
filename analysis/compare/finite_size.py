"""The friction of a particle in unbounded fluid, from drag runs in periodic baths of several sizes.

A dragged particle sets the surrounding fluid in motion. In a periodic bath it moves through the wakes of its images,
against a backflow of the fluid. H. Hasimoto, J. Fluid Mech. 5, 317 (1959), for a cube of edge L:

    1/γ(L) = 1/γ(∞) − ξ/(6π η L),  ξ = 2.837297

to first order in the particle's radius over L, for any boundary condition on the particle. A straight line in 1/L
therefore gives the friction γ(∞) and, from its slope, the viscosity η of the fluid, which serves as a check.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.friction.drag import DragFriction
from analysis.statistics.timeseries import Estimate
from analysis.units import FRICTION_SI

HASIMOTO = 2.837297

COLUMNS = ["edge_nm", "side", "force_nN", "temperature_K", "friction_kg_per_s", "friction_kg_per_s_se"]


@dataclass(frozen=True)
class SizeFit:
    """The straight line through mobility over 1/L.

    Attributes:
        mobility: 1/γ(∞), s/kg.
        slope: of the mobility over 1/L, s nm/kg; negative.
        friction: γ(∞), kg/s.
        viscosity: η, Pa s.
        chi2: sum of squared residuals in standard errors.
        freedom: degrees of freedom of ``chi2``.

    If ``chi2`` exceeds ``freedom``, all errors are widened by √(χ²/freedom).
    """

    mobility: Estimate
    slope: Estimate
    friction: Estimate
    viscosity: Estimate
    chi2: float
    freedom: int

    def friction_at(self, edge_nm: float) -> float:
        """γ in a periodic cube of this edge, kg/s."""
        return 1 / (self.mobility.value + self.slope.value / edge_nm)


def drags_by_size(edges_nm: Sequence[float], drags: Sequence[Sequence[DragFriction]]) -> pd.DataFrame:
    """The frictions from dragging in baths of several sizes.

    Args:
        edges_nm: of each bath.
        drags: of the dragged particles of each bath.

    Returns:
        ``COLUMNS``, sorted; drags without an error, whose velocity never became steady, are left out.
    """
    rows = [
        (
            edge,
            drag.side,
            drag.force_nN,
            drag.bath_temperature,
            drag.friction.value * FRICTION_SI,
            drag.friction.se * FRICTION_SI,
        )
        for edge, found in zip(edges_nm, drags, strict=True)
        for drag in found
        if math.isfinite(drag.friction.se)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).sort_values(["side", "force_nN", "edge_nm"], ignore_index=True)


def fit_size(edges_nm: Sequence[float], frictions: Sequence[float], errors: Sequence[float]) -> SizeFit:
    """Fit the mobility by a straight line in 1/L, weighted by its errors.

    Args:
        edges_nm: L of each bath.
        frictions: measured in it, kg/s.
        errors: their standard errors, kg/s.

    Raises:
        AnalysisError: if there are fewer than three sizes, which do not test the line.
    """
    if len(set(edges_nm)) < 3:
        raise AnalysisError(
            f"number of bath sizes with drag runs = {len(set(edges_nm))}: at least 3 are needed to test for a straight line; "
            "add variants of baths.edge_nm, and a force to drag.forces_nN"
        )
    inverse, friction, error = 1 / np.asarray(edges_nm), np.asarray(frictions), np.asarray(errors)
    mobility, mobility_error = 1 / friction, error / friction**2
    # Scaled to order one, with the given errors.
    scale = float(mobility.mean())
    (slope, offset), covariance = np.polyfit(inverse, mobility / scale, 1, w=scale / mobility_error, cov="unscaled")
    residuals = (mobility / scale - slope * inverse - offset) * scale / mobility_error
    chi2, freedom = float((residuals**2).sum()), friction.size - 2
    # If the points scatter about the line by more than their errors, the errors of the line are widened.
    slope_error, offset_error = np.sqrt(np.diag(covariance) * max(1.0, chi2 / freedom))
    viscosity = HASIMOTO / (6 * math.pi * -slope * scale * 1e-9)
    return SizeFit(
        mobility=Estimate(offset * scale, offset_error * scale),
        slope=Estimate(slope * scale, slope_error * scale),
        friction=Estimate(1 / (offset * scale), offset_error / (offset**2 * scale)),
        viscosity=Estimate(viscosity, abs(viscosity * slope_error / slope)),
        chi2=chi2,
        freedom=freedom,
    )
