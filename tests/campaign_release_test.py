# SPDX-License-Identifier: MIT
# ctest: release
"""Of whole campaigns over loopback what no sanitizer sees anything new in."""

import pytest

from campaign_test import BOTH, PLAIN, SHORT, check, check_variant
from support import campaign, number


def test_documented_campaign(tmp_path):
    """Two workloads, three sizes, six blocks of both transports: 72 rows, and all intervals."""
    result = campaign(*BOTH, "--workload", "rr,stream", "--size", "64,1k,8k", "--rate", "2000/s",
                      "--duration", "250ms", "--warmup", "100ms", "--drain", "200ms", "--blocks", "6",
                      cwd=tmp_path, timeout=200)
    check(result, cells=6, blocks=6, rows=2)
    assert len(result.runs) == 72
    for row in result.runs:
        assert number(row["sent_count"]) > 400, row["run_id"]


@pytest.mark.parametrize("name", PLAIN)
def test_variant(name, tmp_path):
    check_variant(name, tmp_path)


def test_same_seed_same_schedules(tmp_path):
    def hashes(output, seed):
        result = campaign("--workload", "rr,stream", "--rate", "2000/s", "--size", "64-1k", *SHORT,
                          "--duration", "20ms", "--blocks", "2", "--seed", seed, cwd=tmp_path,
                          output=output)
        return sorted((row["cell_id"], row["block"], row["arm"], row["slot"], row["sched_hash"])
                      for row in result.runs)

    first = hashes("first", 1234)
    assert hashes("second", 1234) == first
    other = hashes("third", 1235)
    assert not {h[-1] for h in first} & {h[-1] for h in other}


def test_drawn_seed_can_be_used_again(tmp_path):
    arguments = ("--workload", "rr", "--rate", "2000/s", *SHORT)
    drawn = campaign(*arguments, "--seed", "0", cwd=tmp_path, output="drawn")
    seed = drawn.manifest["seed"]
    again = campaign(*arguments, "--seed", seed, cwd=tmp_path, output="again")
    assert [r["sched_hash"] for r in drawn.runs] == [r["sched_hash"] for r in again.runs]
    assert again.manifest["seed"] == seed


# Condition; exit status. Nothing is lost on loopback at this rate, and something is delivered.
THRESHOLDS = {
    "goodput>1": 4,
    "tcp.goodput>1": 4,
    "loss_ratio<0.5": 4,
    "udp.resp_p50<1s": 4,
    "loss_ratio>0.9": 0,
    "udp.loss_ratio>90%": 0,
    "tcp.resp_p50>10s": 0,
    "goodput<1": 0,
}


@pytest.mark.parametrize("condition", THRESHOLDS)
def test_fail_if(condition, tmp_path):
    status = THRESHOLDS[condition]
    result = campaign(*BOTH, "--workload", "rr", "--rate", "2000/s", *SHORT, "--fail-if", condition,
                      cwd=tmp_path, status=status)
    check(result, cells=1, blocks=1, rows=2)
    complaints = [line for line in result.stderr.splitlines() if line]
    assert len(complaints) == (1 if status else 0), result.stderr
    assert not status or condition in complaints[0]
