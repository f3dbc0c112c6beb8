"""Identification of the code of a controller: a version for built-in laws, a digest of the source for custom ones."""

from __future__ import annotations

import hashlib
import importlib.util
import site
import sysconfig
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from simulation.control.controller import (
    LINEAR,
    OWN_PACKAGES,
    ControllerError,
    LinearController,
    search_path,
    searching,
)


def law_identity(name: str) -> dict[str, Any]:
    """Identification of a control law, for the identity of a run.

    Args:
        name: `linear`, or `module:Class`.

    Returns:
        ``law`` and either ``version`` or ``source``, a digest of the source of the module and of everything that it imports
        from its folder or from the folders of custom controllers.

    Raises:
        ControllerError: the module is missing or has no source.
    """
    if name == LINEAR:
        return {"law": LINEAR, "version": LinearController.version}
    module = name.partition(":")[0]
    digest = hashlib.sha256()
    for imported, file in sorted(_sources(module).items()):
        # Line ends do not count. As bytes: a source may have any encoding, and a helper may be compiled.
        content = file.read_bytes().replace(b"\r\n", b"\n").rstrip()
        digest.update(imported.encode() + b"\0" + content + b"\0")
    return {"law": name, "source": digest.hexdigest()}


def _sources(module: str) -> dict[str, Path]:
    """Files of a module and of its imports, at any depth, from its folder or the folders of the user."""
    top = module.partition(".")[0]
    if top in OWN_PACKAGES:
        raise ControllerError(f"module {module!r} belongs to nanofridge: give your module another name")
    with searching():
        try:
            found = importlib.util.find_spec(top)
        except (ImportError, ValueError) as failure:
            raise ControllerError(f"module {module!r} is not found: {failure}") from None
    if found is None or found.origin is None:
        raise ControllerError(
            f"module {module!r} is not found: put {top}.py into the working directory or its folder config, or install it"
        )
    origin = Path(found.origin).resolve()
    root = origin.parent.parent if origin.name == "__init__.py" else origin.parent
    # In the search order of Python: a later module of the same name is not used.
    folders = dict.fromkeys([*search_path(), str(root)])
    finder = ModuleFinder(path=[*folders], excludes=[*OWN_PACKAGES])
    try:
        finder.import_hook(module)
    except ImportError as failure:
        raise ControllerError(f"module {module!r} is not found: {failure}") from None
    except SyntaxError as failure:
        raise ControllerError(f"module {module!r}: {failure}") from None
    files = {name: Path(file) for name, part in finder.modules.items() if (file := getattr(part, "__file__", None))}
    # Of installed packages only that of the controller counts.
    is_installed = any(root.is_relative_to(place) for place in _installed())
    return {name: file for name, file in files.items() if not is_installed or name.partition(".")[0] == top}


def _installed() -> list[Path]:
    paths = [*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_paths()["stdlib"]]
    return [Path(path).resolve() for path in paths]
