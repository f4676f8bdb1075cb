# SPDX-License-Identifier: MIT
"""Results of many kinds, for the tests of charts and report, and how these programs are run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).resolve().parent)]

from netversus_report import figures, load, series  # noqa: E402
from report_fixture import write_result  # noqa: E402

HOSTILE = "<script>alert('1')</script>`touch x` 100%s $p \\n\n! touch x\n"

RESULTS = {
    "clean": {},
    "lossy": {"loss": 0.02, "path": "none"},
    "short": {"p99": False, "sizes": {"64": 64, "64:3+1k:1": 298, "64-1k": 532, "8192": 8192}},
    "same": {"arms": ("tcp", "tcp"), "workloads": ("rr",)},
    "few": {"loss": 0.004, "blocks": 3, "sizes": {"64": 64}},
    "alone": {"arms": ("udp",), "workloads": ("stream",), "blocks": 2},
    "hostile": {"hostname": HOSTILE, "path": HOSTILE, "sizes": {"64": 64, "64+1k": 532}},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Written once, and read only."""
    base = tmp_path_factory.mktemp("results")
    return {name: write_result(base / name, **what) for name, what in RESULTS.items()}


def run(script, *arguments, **options):
    return subprocess.run([ROOT / "scripts" / script, *arguments], capture_output=True, text=True,
                          timeout=120, **options)


def built(directory):
    return figures.build(series.arrange(load.load(directory)))
