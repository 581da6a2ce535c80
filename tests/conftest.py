"""Settings that every test shares."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# No deadline: these machines are shared, and no test may depend on the clock. Same examples on every run.
settings.register_profile("weaksup", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("weaksup")

# Two cores: native thread pools in each of two test processes would fight for them.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A suite that a shell started in the background ignores Ctrl-C; tests that interrupt themselves need it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
