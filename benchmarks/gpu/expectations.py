"""x"""

from collections.abc import Sequence

from benchmarks.gpu.table import Expectation

EXPECTATIONS: Sequence[Expectation] = ()
