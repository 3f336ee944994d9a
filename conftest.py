"""Settings of every test run."""

import os

from hypothesis import settings

# no example is timed, as hypothesis does by itself in CI: machines are noisy
settings.register_profile("untimed", deadline=None)
if not os.environ.get("CI"):
    settings.load_profile("untimed")
