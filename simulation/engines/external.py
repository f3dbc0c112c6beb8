"""Callback of LAMMPS's fix external, without the arrays that the Python module of LAMMPS makes anew at every step."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Act = Callable[[int, NDArray[Any], NDArray[np.float64], NDArray[np.float64]], None]
"""A callback: step, identifiers of the atoms of this rank (n,), their positions and the forces to set, (n, 3) each."""


def call_at_every_step(lmp: Any, fix: str, act: Act) -> None:
    """Set the callback of a fix external.

    `lammps.set_fix_external_callback` does the same, but makes three arrays at every step: 1 % of a step of 13 000 atoms.
    Here they are made only when LAMMPS has moved its own or has a different number of atoms.

    Args:
        lmp: a LAMMPS with this fix.
        fix: its identifier.
        act: called at every step; exceptions are lost, so it must raise none.
    """
    nothing = (np.empty(0, dtype=lmp.c_tagint), np.empty((0, 3)), np.empty((0, 3)))
    seen: tuple[int, ...] = ()
    arrays = nothing

    def called(_: Any, step: int, count: int, tag: int, x: int, force: int) -> None:
        nonlocal seen, arrays
        if not count:
            act(step, *nothing)
            return
        # An array of LAMMPS with two indices begins with the addresses of its rows.
        where = (count, tag, _address_at(x), _address_at(force))
        if where != seen:
            positions, forces = (_view(ctypes.c_double, row, 3 * count).reshape(count, 3) for row in where[2:])
            seen, arrays = where, (_view(lmp.c_tagint, tag, count), positions, forces)
        act(step, *arrays)

    address = ctypes.c_void_p
    function = ctypes.CFUNCTYPE(None, ctypes.py_object, lmp.c_bigint, ctypes.c_int, address, address, address)(called)
    lmp.callback[fix] = {"function": function, "caller": None}  # LAMMPS itself keeps no reference
    expected = ctypes.cast(function, lmp.FIX_EXTERNAL_CALLBACK_FUNC)
    lmp.lib.lammps_set_fix_external_callback(lmp.lmp, fix.encode(), expected, None)


def _address_at(place: int) -> int:
    return ctypes.c_size_t.from_address(place).value


def _view(kind: Any, address: int, size: int) -> NDArray[Any]:
    """An array of LAMMPS in place."""
    return np.ctypeslib.as_array((kind * size).from_address(address))
