"""Without numba, as on a platform for which there is no wheel, everything still works."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HIDDEN = """
import sys
sys.modules["numba"] = None  # import numba fails from here on
import numpy as np
from numerics.engine.door import compiled
from numerics.gibbs import gibbs_moments

D, covariance = {D}, {covariance!r}
rng = np.random.default_rng(3)
data = rng.standard_normal((700, D))
x = data[:5] + 0.1 * rng.standard_normal((5, D))
t = np.array([[1e-6], [1e-2], [1.0], [50.0]])
found = gibbs_moments(x, data, t, covariance=covariance)
assert compiled(x) is None and not any(name.startswith("numerics.engine.compiled") for name in sys.modules)
energy = ((x[:, None] - data) ** 2).sum(-1) / (2 * t[:, :, None])
w = np.exp(energy.min(-1, keepdims=True) - energy)
w /= w.sum(-1, keepdims=True)
assert found.error.max() < 1e-6
np.testing.assert_allclose(found.mean, w @ data, rtol=0, atol=1e-6)
np.testing.assert_allclose(found.participation, (w**2).sum(-1), rtol=1e-6)
if covariance:
    rest = data - found.mean[:, :, None]
    expected = np.einsum("tmn,tmna,tmnb->tmab", w, rest, rest)
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-6, atol=1e-9)
"""


@pytest.mark.parametrize(("D", "covariance"), [(2, None), (40, None), (5, "full")])
def test_without_numba(D, covariance):
    code = HIDDEN.format(D=D, covariance=covariance)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
