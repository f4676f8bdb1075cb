# SPDX-License-Identifier: MIT
"""What the tests of failures share: short runs, processes by parent, the one line of an error."""

import ctypes
import os
import time
from pathlib import Path

import pytest

from support import SANITIZED, Result, run

PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 60 if SANITIZED else 20

# Blocks of 2 x 150 ms, more of them than a test waits for.
SHORT = ["--workload", "stream", "--rate", "1000/s", "--duration", "100ms", "--warmup", "20ms",
         "--cooldown", "10ms", "--drain", "100ms", "--no-warmup-round", "--quiet"]
LONG = [*SHORT, "--blocks", "64"]
ONE = [*SHORT, "--blocks", "1"]


# ---- processes

def children(pid):
    """Children of a process, by what the kernel says of each: {pid: state}."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if int(parent) == pid:
            found[int(stat.parent.name)] = state
    return found


def wait_for(what, seconds=PATIENCE_S):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = what()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s in vain")


def nothing_left(before):
    """Reaps the orphans that came to us; true when only the processes from before are there."""
    for pid in set(children(os.getpid())) - before:
        os.waitpid(pid, os.WNOHANG)
    return not set(children(os.getpid())) - before


@pytest.fixture(autouse=True, scope="module")
def adopt_orphans():
    """Whoever outlives its parent becomes our child, so that none can get away unseen."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    assert prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0


@pytest.fixture(autouse=True)
def leave_nothing_behind(adopt_orphans):
    before = set(children(os.getpid()))
    yield
    wait_for(lambda: nothing_left(before), 5)


# ---- what a failure looks like

def assert_line(text, *parts):
    """One line, of one message, with all these parts."""
    assert text.count("\n") == 1 and text.endswith("\n"), text
    assert text.startswith("netversus"), text
    for part in parts:
        assert part in text, text


def fails(status, *arguments, cwd, parts=(), timeout=PATIENCE_S, **options):
    done = run(*arguments, cwd=cwd, status=status, timeout=timeout, **options)
    assert_line(done.stderr, *parts)
    return done


def rows_on_disk(directory, name="runs.csv"):
    """Whole rows that are in the file by now, the header not counted."""
    path = directory / name
    return max(path.read_bytes().count(b"\n") - 1, 0) if path.exists() else 0


def assert_intact(directory):
    """Every file has whole rows of the same runs; the names of the finished runs."""
    result = Result(directory)
    for path in directory.glob("*.csv"):
        text = path.read_bytes()
        assert text.endswith(b"\n") and b"\0" not in text, path
        result.file(path.stem)
    run_ids = [row["run_id"] for row in result.runs]
    assert len(set(run_ids)) == len(run_ids)
    for name in ("quantiles", "hist", "deadlines", "intervals"):
        assert {row["run_id"] for row in result.file(name)} == set(run_ids), name
    for row in result.runs:
        sent = int(row["sent_count"])
        assert sent > 0 and sent == int(row["rx_unique_count"]) + int(row["lost_count"])
    assert result.manifest["campaign_id"]
    return run_ids


def paired_blocks(directory):
    """Blocks of which both runs are there."""
    blocks = [row["block"] for row in Result(directory).runs]
    return {block for block in blocks if blocks.count(block) == 2}
