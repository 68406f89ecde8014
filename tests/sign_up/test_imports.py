"""sign-up runs without the packages that are not vendored for it."""

from __future__ import annotations

import subprocess
import sys

from devstack.paths import ROOT


def test_the_worker_needs_no_stripe_library() -> None:
    """The stripe package is not vendored for this worker, so its routes must not import it."""
    program = (
        "import sys; sys.modules['stripe'] = None;"
        "sys.path[:0] = ['workers/sign-up/src', 'shared']; from sign_up import routes; print(len(routes.ROUTES))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
