"""Imports compiled modules of SciPy without the packages around them, which take long to import.

Importing `scipy.signal` takes 0.6 s of processor time and 70 MiB, and `scipy.fft` 0.2 s, most of it for statistics,
splines and optimisers; every worker and encoder process would spend this time at its start.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType

import scipy


def compiled(package: str, name: str) -> ModuleType:
    """Import one compiled module of a SciPy `package` without the rest of the package, and return it; a later import of
    the package uses the same module.

    Raises:
        ImportError: this version of SciPy has no such module.
    """
    full_name = f"scipy.{package}.{name}"
    if full_name in sys.modules:
        return sys.modules[full_name]
    spec = PathFinder.find_spec(full_name, [f"{folder}/{package.replace('.', '/')}" for folder in scipy.__path__])
    if spec is None or spec.loader is None:
        raise ImportError(
            f"SciPy {scipy.__version__} has no {full_name}: install the version of SciPy in requirements/",
            name=full_name,
        )
    module = sys.modules[full_name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
