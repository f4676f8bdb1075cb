# SPDX-License-Identifier: MIT
# ctest: serial release timeout=300
"""The null test: a transport against itself, through the whole road to the verdicts. Twelve blocks,
so that a win could be claimed at all: the smallest p is 2^-11, and 40 times that is below 0.05."""

import pytest

from consistency import check_blocks, check_ledger
from inference import PRIMARY, check_statistics, winner_of
from support import SANITIZED, campaign, number

SIZES = ("64", "256", "1k", "4k", "8k")
WORKLOADS = ("rr", "stream")
BLOCKS = 12
# Of 20 comparisons without a difference, more exclude 0 with probability 4e-5 (Bin(20, 0.05)).
EXCLUDING_ZERO_MAX = 6

pytestmark = pytest.mark.skipif(SANITIZED, reason="a minute of undisturbed time")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    directory = tmp_path_factory.mktemp("null")
    return {transport: campaign(
        "--transport", f"{transport},{transport}", "--workload", ",".join(WORKLOADS), "--size",
        ",".join(SIZES), "--rate", "20k/s", "--arrival", "constant", "--duration", "50ms",
        "--warmup", "10ms", "--cooldown", "0", "--settle", "0", "--blocks", BLOCKS, "--reruns", "0",
        "--no-warmup-round", "--rcvbuf", "4Mi", cwd=directory, output=transport, timeout=140)
        for transport in ("tcp", "udp")}


def test_the_road_is_the_usual_one(results):
    for transport, result in results.items():
        assert len(result.runs) == len(SIZES) * len(WORKLOADS) * BLOCKS * 2
        assert {row["transport"] for row in result.runs} == {transport}
        for row in result.runs:
            check_ledger(row)
        check_blocks(result)
        check_statistics(result)


def test_nothing_wins_against_itself(results):
    lines = [line for result in results.values() for line in result.comparisons]
    assert len(lines) == 2 * len(SIZES) * len(WORKLOADS) * 5
    wins = [(line["arm_a"], line["cell_id"], line["metric"], line["verdict"]) for line in lines
            if winner_of(line)]
    assert not wins
    # The test could have failed: verdicts were reached, on every primary metric.
    for metric in PRIMARY:
        assert any(line["metric"] == metric and line["p_holm"] for line in lines), metric


def test_intervals_hold_zero_as_often_as_they_should(results):
    lines = [line for result in results.values() for line in result.comparisons
             if line["metric"] == "resp_p50"]
    assert len(lines) == 2 * len(SIZES) * len(WORKLOADS)
    outside = [line for line in lines
               if number(line["ci95_lo"]) > 0 or number(line["ci95_hi"]) < 0]
    assert len(outside) <= EXCLUDING_ZERO_MAX
