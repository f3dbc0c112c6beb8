"""The content of ``structure.json``, which users read, too: unknown numbers are NaN here and ``null`` in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.data.parameters import SIDES, Array
from analysis.errors import AnalysisError
from analysis.statistics.timeseries import Estimate, entries, known, or_nan, read_estimate

CAVITY_RATIO = 0.5
"""A cell at less than half of the mean density is a bubble: thermal fluctuations of a liquid reach about a fifth."""


@dataclass(frozen=True)
class Layer:
    """The first layer of fluid on a particle: radius (Å) and density (nm⁻³) of its peak, and the radius where it ends (Å)."""

    peak: float
    peak_density: float
    end: float


@dataclass(frozen=True)
class AdsorbedLayer(Layer):
    """The same with the number of atoms nearer than its end, and their mass in masses of the particle."""

    atoms: Estimate
    mass_ratio: Estimate

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> AdsorbedLayer:
        """From ``layer_<side>``."""
        atoms, ratio = (read_estimate(content, stem) for stem in ("atoms", "mass_ratio"))
        return cls(content["peak_A"], content["peak_density_per_nm3"], content["end_A"], atoms, ratio)

    def to_json(self) -> dict[str, float | None]:
        """The content of ``layer_<side>``."""
        return {
            "peak_A": self.peak,
            "peak_density_per_nm3": self.peak_density,
            "end_A": self.end,
            **entries("atoms", self.atoms),
            **entries("mass_ratio", self.mass_ratio),
        }


@dataclass(frozen=True)
class FluidAround:
    """The fluid about the centre of mass of one particle.

    Attributes:
        radius: outer radius of each shell, (shells,), Å.
        density: of the fluid in each shell, (shells,), nm⁻³.
        mass_within: of the fluid nearer than the radius, (shells,), masses of the particle.
        layer: the first layer on the metal; ``None`` if no layer stands out.
    """

    radius: Array
    density: Array
    mass_within: Array
    layer: AdsorbedLayer | None


@dataclass(frozen=True)
class MetalTemperature:
    """Temperature of the metal's motion about the centre of mass of one particle, K.

    Attributes:
        mean: of all runs; ``None`` if the runs did not record it, an unknown error if they are too short.
        expected: in equilibrium with the bath, at the time step of the runs.
        over_time: means over stretches of the first run, (stretches,); ``None`` if the runs did not record it.
        bath_over_time: the same of the fluid, (stretches,).
    """

    mean: Estimate | None
    expected: float
    over_time: Array | None
    bath_over_time: Array

    @property
    def z(self) -> float | None:
        """Deviation of the mean in standard errors; ``None`` if unknown."""
        return None if self.mean is None else known(self.mean.z(self.expected))


@dataclass(frozen=True)
class SideStructure:
    """The atoms of one side.

    Attributes:
        density: of the fluid along x, (bins,), nm⁻³.
        walls: x of both walls, Å; ``None`` without walls.
        emptiest_cell: lowest density of a cell away from walls and particle in any frame, in units of the mean of all cells
            of that frame; ``None`` if the bath is too small for such cells.
        bulk_density: of the fluid beyond the layers on walls and particle, nm⁻³; ``None`` where there is too little.
        largest_cluster: number of connected atoms of the particle in the worst frame.
        particle_atoms: their number in the whole particle.
        particle_mass: eV ps²/Å².
        around: the fluid around the particle.
        temperature: mean of the fluid, K.
        pressure: mean of the fluid, bar; between walls effective, of its accessible volume and not on the walls.
        metal: temperature inside the particle.
        self_diffusion: of the fluid far from all metal, m²/s; ``None`` if the frames do not determine it, or the fluid
            consists of chains.
    """

    density: Array
    walls: tuple[float, float] | None
    emptiest_cell: float | None
    bulk_density: float | None
    largest_cluster: int
    particle_atoms: int
    particle_mass: float
    around: FluidAround
    temperature: float
    pressure: float
    metal: MetalTemperature
    self_diffusion: Estimate | None = None

    @property
    def has_cavity(self) -> bool:
        """Whether a cell is so empty that it is a bubble."""
        return self.emptiest_cell is not None and self.emptiest_cell < CAVITY_RATIO

    @property
    def is_intact(self) -> bool:
        """Whether all atoms of the particle are connected in every frame."""
        return self.largest_cluster == self.particle_atoms

    @classmethod
    def from_json(cls, content: Mapping[str, Any], side: str) -> SideStructure:
        """One side from the content of ``structure.json``."""
        layer, walls, over_time = content[f"layer_{side}"], content[f"walls_{side}_A"], content["over_time"]
        stem = f"internal_temperature_{side}"
        mean, inside = content[f"{stem}_K"], over_time[f"internal_{side}_K"]
        diffusion = content[f"self_diffusion_{side}_m2_per_s"]
        return cls(
            np.array(content[f"density_{side}_per_nm3"]),
            None if walls is None else (walls[0], walls[1]),
            content[f"emptiest_cell_{side}"],
            content[f"bulk_density_{side}_per_nm3"],
            content[f"largest_cluster_{side}"],
            content[f"particle_atoms_{side}"],
            content[f"particle_mass_{side}_eV_ps2_per_A2"],
            FluidAround(
                np.array(content[f"radius_{side}_A"]),
                np.array(content[f"radial_density_{side}_per_nm3"]),
                np.array(content[f"fluid_within_{side}"]),
                None if layer is None else AdsorbedLayer.from_json(layer),
            ),
            content[f"temperature_{side}_K"],
            content[f"pressure_{side}_bar"],
            MetalTemperature(
                None if mean is None else Estimate(mean, or_nan(content[f"{stem}_se"])),
                content[f"{stem}_expected_K"],
                None if inside is None else np.array(inside),
                np.array(over_time[f"bath_{side}_K"]),
            ),
            None if diffusion is None else Estimate(diffusion, or_nan(content[f"self_diffusion_{side}_se"])),
        )

    def to_json(self, side: str) -> dict[str, Any]:
        """Its entries of ``structure.json``, except those of temperatures inside the particle."""
        around = self.around
        return {
            f"density_{side}_per_nm3": self.density.tolist(),
            f"walls_{side}_A": None if self.walls is None else list(self.walls),
            f"emptiest_cell_{side}": self.emptiest_cell,
            f"bulk_density_{side}_per_nm3": self.bulk_density,
            f"largest_cluster_{side}": self.largest_cluster,
            f"particle_atoms_{side}": self.particle_atoms,
            f"particle_mass_{side}_eV_ps2_per_A2": self.particle_mass,
            f"radius_{side}_A": around.radius.tolist(),
            f"radial_density_{side}_per_nm3": around.density.tolist(),
            f"fluid_within_{side}": around.mass_within.tolist(),
            f"layer_{side}": around.layer and around.layer.to_json(),
            f"temperature_{side}_K": self.temperature,
            f"pressure_{side}_bar": self.pressure,
            f"self_diffusion_{side}_m2_per_s": self.self_diffusion and self.self_diffusion.value,
            f"self_diffusion_{side}_se": self.self_diffusion and known(self.self_diffusion.se),
        }


@dataclass(frozen=True)
class Structure:
    """The content of ``structure.json``.

    Attributes:
        frames: number of frames of the trajectory.
        x: centres of the bins of the density along x, (bins,), Å.
        leaked_atoms: number of atoms beyond a wall of their side in the worst frame.
        sides: by ``cold`` and ``hot``.
        time: of the temperatures over time, (stretches,), ps.
    """

    frames: int
    x: Array
    leaked_atoms: int
    sides: Mapping[str, SideStructure]
    time: Array

    @property
    def has_cavity(self) -> bool:
        """Whether the fluid of either side has a bubble."""
        return any(side.has_cavity for side in self.sides.values())

    @property
    def is_sound(self) -> bool:
        """Whether nothing leaked, there is no cavity, and both particles are whole."""
        return self.leaked_atoms == 0 and not self.has_cavity and all(side.is_intact for side in self.sides.values())

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Structure:
        """From the content of the file.

        Raises:
            AnalysisError: if a key is missing, as in files of an older version; names it.
        """
        try:
            return cls(
                content["frames"],
                np.array(content["x_A"]),
                content["leaked_atoms"],
                {side: SideStructure.from_json(content, side) for side in SIDES},
                np.array(content["over_time"]["time_ps"]),
            )
        except KeyError as missing:
            raise AnalysisError(
                f"structure.json: {missing} is missing; delete the file, and run the study again"
            ) from None

    def to_json(self) -> dict[str, Any]:
        """The content of the file."""
        content: dict[str, Any] = {"frames": self.frames, "x_A": self.x.tolist(), "leaked_atoms": self.leaked_atoms}
        for name, side in self.sides.items():
            content |= side.to_json(name)
        over_time: dict[str, list[float] | None] = {"time_ps": self.time.tolist()}
        content |= {"cavity": self.has_cavity, "sound": self.is_sound, "over_time": over_time}
        for name, side in self.sides.items():
            metal, stem = side.metal, f"internal_temperature_{name}"
            over_time[f"bath_{name}_K"] = metal.bath_over_time.tolist()
            over_time[f"internal_{name}_K"] = None if metal.over_time is None else metal.over_time.tolist()
            content |= {
                f"{stem}_K": metal.mean and metal.mean.value,
                f"{stem}_se": metal.mean and known(metal.mean.se),
                f"{stem}_z": metal.z,
                f"{stem}_expected_K": metal.expected,
            }
        return content
