# SPDX-License-Identifier: MIT
"""The chart of who waits: one lost segment and those behind it, from messages that are made up."""

import csv
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from netversus_report import figures, load, panels, series, waits  # noqa: E402
from report_fixture import KEY, write_result  # noqa: E402

MS = 10 ** 6
COLUMNS = KEY + ["seq", "status", "t_int_ns", "t_snd_ns", "t_rcv_ns", "t_txk_ns", "t_rxk_ns",
                 "t_rdy_ns"]


def message(seq, transport):
    """One every 2 ms, 20 ms on the path. 10 is lost: TCP has it after 70 ms, and who came before
    then behind it."""
    sent = (100 + 2 * seq) * MS
    if seq == 10 and transport == "udp":
        return {"seq": seq, "status": "lost"}
    came = sent + (70 if seq == 10 else 20) * MS
    ready = max(came, 190 * MS) if seq >= 10 and transport == "tcp" else came
    return {"seq": seq, "status": "ok", "t_snd_ns": sent, "t_txk_ns": sent, "t_rxk_ns": came,
            "t_rdy_ns": ready, "t_rcv_ns": ready + MS}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    directory = write_result(tmp_path_factory.mktemp("waits") / "r", workloads=("stream",),
                             blocks=1, sizes={"200": 200})
    with open(directory / "runs.csv", newline="", encoding="utf-8") as file:
        runs = list(csv.DictReader(file))
    with open(directory / "runs.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, [*runs[0], "diag"], lineterminator="\n")
        out.writeheader()
        out.writerows({**run, "diag": "yes"} for run in runs)
    with open(directory / "messages.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        out.writeheader()
        for run in runs:
            key = {name: run[name] for name in KEY}
            out.writerows({**key, **message(seq, run["transport"])} for seq in range(80))
    return series.arrange(load.load(directory))


def test_the_lost_one_and_who_waited(result):
    (figure,) = [figure for figure in figures.build(result) if figure.name == "waits"]
    assert figure.stacked
    tcp, udp = figure.panels
    # Sent at 120 ms and there at 190: 11 to 34 came from 142 to 188.
    assert tcp.title == "TCP: 1 sent again, 24 waited behind"
    assert udp.title == "UDP: 1 lost, none waited behind"
    assert (tcp.x, tcp.y) == (udp.x, udp.y)
    colours = {label: colour for label, colour, _ in waits._PARTS}
    red = [tile for tile in tcp.tiles if tile.fill == waits._LOST[1]]
    assert [(tile.x[0], tile.y) for tile in red] == [(0, (0, 70))]
    held = [tile for tile in tcp.tiles if tile.fill == colours["behind a hole"]]
    assert [(tile.x[0], tile.y) for tile in held] == [
        (2 * i, (20, 70 - 2 * i)) for i in range(1, 25)]
    assert not [tile for tile in udp.tiles if tile.fill != colours["on the path"]
                and tile.fill != colours["not yet read"]]
    (lost,) = [trace for trace in udp.traces if any(trace.points)]
    assert [point[:2] for point in lost.points] == [(0, panels.at(udp.y, 0.97))]


def test_ordinary_results_have_no_such_chart(tmp_path):
    directory = write_result(tmp_path / "r", workloads=("stream",), blocks=1, sizes={"200": 200})
    campaign = series.arrange(load.load(directory))
    assert "waits" not in {figure.name for figure in figures.build(campaign)}
    assert "Who waits" not in figures.missing(campaign, [])
