"""The demon's place in a running LAMMPS: fix external calls it at every step with this rank's atoms."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.demon import Controller, Demon, Vector
from simulation.study import SIDES, Study

FIX = "demon"


def attach(
    lmp: Any,
    controller: Controller,
    study: Study,
    sum_ranks: Callable[[Vector], None] | None,
    on_sample: Callable[[int], None],
) -> Demon:
    """Let LAMMPS ask a controller at every step, through fix `demon`, whose vector then holds the work at each sample.

    Args:
        lmp: a LAMMPS that has read a deck with that fix.
        controller: turns displacements into forces.
        study: what the deck was made from.
        sum_ranks: sums an array over MPI ranks in place; None on one rank.
        on_sample: called with the step at every sample.
    """

    def sample(step: int) -> None:
        for index, work in enumerate(demon.work.flat):
            lmp.fix_external_set_vector(FIX, index + 1, work)
        on_sample(step)

    demon = Demon(
        controller,
        axes=study.demon.coupling_axes,
        centres_A=np.array([study.trap_centre_A(side) for side in SIDES]),
        atoms=study.nanoparticle.atoms,
        timestep_ps=study.integration.timestep_fs / 1000,
        max_displacement_A=study.edge_A / 2 - study.radius_A,
        types=lambda: lmp.numpy.extract_atom("type"),
        sum_ranks=sum_ranks,
        on_failure=lmp.force_timeout,
        on_sample=sample,
        sample_every=study.steps(study.schedule.sample_every_ps),
    )
    lmp.fix_external_set_vector_length(FIX, demon.work.size)
    set_callback(lmp, demon)
    return demon


def set_callback(lmp: Any, demon: Callable[[int, NDArray[np.int32], Vector, Vector], None]) -> None:
    """As `lmp.set_fix_external_callback`, which makes three arrays anew at every step, a tenth of a per cent of its time.

    The arrays stay where they are until LAMMPS runs out of room for atoms or their number on this rank changes.

    Args:
        lmp: a LAMMPS with fix `demon`.
        demon: called with the step, and the tags, positions and forces of this rank's atoms.
    """
    known: tuple[int, int, int | None, int | None] = (-1, 0, None, None)
    pointers: tuple[int, int] = (0, 0)
    x_rows = f_rows = ctypes.c_void_p()
    tag: NDArray[np.int32] = np.empty(0, dtype=np.int32)
    x = f = np.empty((0, 3))

    def called(_: Any, step: int, nlocal: int, tag_at: int, x_at: int, f_at: int) -> None:
        nonlocal known, pointers, x_rows, f_rows, tag, x, f
        if nlocal:  # x and f are given as the places of pointers to their rows, which lie one after another
            if (x_at, f_at) != pointers:
                pointers = (x_at, f_at)
                x_rows, f_rows = (ctypes.c_void_p.from_address(place) for place in pointers)
            place = (nlocal, tag_at, x_rows.value, f_rows.value)
            if place != known:
                known = place
                tag = np.ctypeslib.as_array((lmp.c_tagint * nlocal).from_address(tag_at))
                x, f = (_rows(start, nlocal) for start in place[2:])
        else:
            known, tag, x, f = (-1, 0, None, None), tag[:0], x[:0], f[:0]
        demon(step, tag, x, f)

    size = ctypes.c_void_p
    function = ctypes.CFUNCTYPE(None, size, lmp.c_bigint, ctypes.c_int, size, size, size)(called)
    lmp.callback[FIX] = {
        "function": function,
        "caller": None,
    }  # where the lammps module keeps its own from being collected
    lmp.lib.lammps_set_fix_external_callback(
        lmp.lmp, FIX.encode(), ctypes.cast(function, lmp.FIX_EXTERNAL_CALLBACK_FUNC), None
    )


def _rows(place: int | None, count: int) -> Vector:
    return np.ctypeslib.as_array((ctypes.c_double * (3 * count)).from_address(place or 0)).reshape(count, 3)
