"""The table of guards (tests/tools/guards.toml) can be tried: `make mutate` tries all of it."""

import subprocess
import sys

import pytest

import support

@pytest.mark.full
@pytest.mark.xdist_group("mutate")
@pytest.mark.parametrize("guard", ["keys: the box is its key's", "provenance: no value of a variable"])
def test_a_guard_that_is_switched_off_is_noticed(guard):
    p = subprocess.run(
        [sys.executable, "tests/tools/mutate.py", guard], cwd=support.ROOT, capture_output=True, text=True, timeout=1200
    )
    assert p.returncode == 0, p.stdout + p.stderr
    assert p.stdout.splitlines()[-1] == "mutate: 1 passed, 0 failed"
