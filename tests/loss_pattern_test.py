# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""How losses lie, as runs.csv and patterns.csv tell it, against the emulator's own log of what it
did to each packet: runs, distances and the model's parameters are made from the log alone here."""

import random
from collections import Counter

import pytest

from support import campaign, number, path_obstacle

RATE, SECONDS, SIZE = 4000, 3, 200
SLOTS_MAX = 65  # stands for all above 64
LOSSES_MIN = 200

# P(good to bad), P(bad to good), loss in the bad state
PATHS = {"up.ge=2%:30%:90%": (0.02, 0.3, 0.1), "up.ge=1%:25%": None, "up.loss=5%": None}


def fates(result):
    """1 for each message that its packet was lost with, in the order of sending."""
    packets = {int(line["packet"]): line["fate"] for line in result.file("packets")
               if line["way"] == "up" and int(line["length_bytes"]) == SIZE + 28}
    assert set(packets.values()) <= {"delivered", "loss"}
    return [int(packets[n] == "loss") for n in sorted(packets)]


def runs_of(lost):
    return Counter(min(len(run), SLOTS_MAX) for run in "".join(map(str, lost)).split("0") if run)


def distances_of(lost):
    places = [i for i, gone in enumerate(lost) if gone]
    return Counter(min(b - a, SLOTS_MAX) for a, b in zip(places, places[1:]))


def gilbert_of(lost):
    """(p, r, h) from trigrams (Hasslinger and Hohlfeld 2008); None when the model does not fit."""
    pairs, triples = Counter(zip(lost, lost[1:])), Counter(zip(lost, lost[1:], lost[2:]))
    if sum(lost) < LOSSES_MIN or not triples[1, 0, 1] + triples[1, 1, 1]:
        return None
    a = sum(lost) / len(lost)
    b = pairs[1, 1] / (pairs[1, 0] + pairs[1, 1])
    c = triples[1, 1, 1] / (triples[1, 0, 1] + triples[1, 1, 1])
    stay = (a * c - b * b) / (2 * a * c - b * (a + c))
    r, h = 1 - stay, 1 - b / stay
    p = a * r / (1 - h - a)
    return (p, r, h) if 0 < r < 1 and 0 <= h < 1 and 0 < p < 1 else None


def pattern(result, kind):
    return {int(line["value"]): int(line["count"]) for line in result.file("patterns")
            if line["kind"] == kind}


@pytest.mark.skipif(bool(path_obstacle()), reason=f"no paths: {path_obstacle()}")
@pytest.mark.parametrize("path", PATHS)
def test_losses_lie_as_in_the_log(path, tmp_path):
    result = campaign("--transport", "udp", "--workload", "stream", "--arrival", "constant",
                      "--rate", f"{RATE}/s", "--size", SIZE, "--duration", f"{SECONDS}s",
                      "--warmup", "0", "--cooldown", "0", "--drain", "200ms", "--blocks", "1",
                      "--no-warmup-round", "--reruns", "0", "--seed", "5", "--rcvbuf", "4Mi",
                      "--path", path, "--packets", "100000", cwd=tmp_path)
    (row,) = result.runs
    lost = fates(result)
    assert len(lost) == int(row["sent_count"]) == int(row["sched_count"]) == RATE * SECONDS
    assert sum(lost) == int(row["lost_count"]) > LOSSES_MIN
    assert pattern(result, "loss_run") == runs_of(lost)
    assert pattern(result, "loss_distance") == distances_of(lost)
    runs = [len(run) for run in "".join(map(str, lost)).split("0") if run]
    assert number(row["loss_burst_max_msgs"]) == max(runs)
    assert number(row["loss_burst_mean_msgs"]) == pytest.approx(sum(runs) / len(runs), rel=1e-6)
    told = [number(row[f"gilbert_{name}"]) for name in "prh"]
    found = gilbert_of(lost)
    assert told == ([None] * 3 if found is None else pytest.approx(found, rel=1e-6))
    if PATHS[path]:  # And the log is of the path that was asked for.
        p, r, h = PATHS[path]
        assert found == (pytest.approx(p, rel=0.4), pytest.approx(r, rel=0.4),
                         pytest.approx(h, abs=0.15))


def test_the_model_is_found_again():
    """A long chain of known parameters: the formula gives them back."""
    draw, bad, lost = random.Random(3), False, []
    for _ in range(400000):
        bad = draw.random() >= 0.25 if bad else draw.random() < 0.01
        lost.append(int(bad and draw.random() >= 0.3))
    assert gilbert_of(lost) == pytest.approx((0.01, 0.25, 0.3), rel=0.1)
