import subprocess
import sys

import pytest

from model.shared.compiled_scipy import compiled

_LOADED = "import sys, {module}; print(*(name for name in ('scipy.signal', 'scipy.fft') if name in sys.modules))"


def test_a_module_that_scipy_does_not_have_is_named() -> None:
    with pytest.raises(ImportError, match=r"has no scipy\.signal\._nothing: install the version of SciPy"):
        compiled("signal", "_nothing")


def test_scipy_finds_the_same_module_when_it_is_imported_later() -> None:
    from scipy.signal import _signaltools

    assert _signaltools._sigtools is compiled("signal", "_sigtools")


@pytest.mark.parametrize("module", ["server.audio.song_encoder", "model.studio.sound.bank"])
def test_neither_encoder_nor_band_imports_the_large_packages(module: str) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", _LOADED.format(module=module)], capture_output=True, text=True, check=True, timeout=60
    )
    assert loaded.stdout.split() == []
