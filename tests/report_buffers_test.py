# SPDX-License-Identifier: MIT
# ctest: release
"""The chart of a receiver that stalls: loss and wait against the buffer that was granted."""

import csv
import warnings
from xml.etree import ElementTree

import pytest

from report_fixture import COLUMNS, write_csv, write_result
from report_results import built, run

GRANTED = {"16k": 32000, "64k": 128000, "256k": 512000}
LOSS = {"16k": 0.4, "64k": 0.3, "256k": 0.0}
WAIT_NS = {"16k": 180_000_000, "64k": 110_000_000, "256k": 0}


@pytest.fixture
def stalled(tmp_path):
    """Two send buffers with three receive buffers each: six cells made of six paths."""
    directory = write_result(tmp_path / "stalled", workloads=("stream",), sizes={"256": 256},
                             paths={str(i): 0 for i in range(6)})
    path = directory / "runs.csv"
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        sndbuf, rcvbuf = divmod(int(row["path"]), 3)
        asked = list(GRANTED)[rcvbuf]
        is_udp = row["transport"] == "udp"
        row.update(path="none", stall="250ms", sndbuf=("4k", "100k")[sndbuf], rcvbuf=asked,
                   rcvbuf_granted_bytes=GRANTED[asked], loss_ratio=LOSS[asked] if is_udp else 0,
                   block_lag_max_ns=0 if is_udp or sndbuf else WAIT_NS[asked])
    write_csv(path, COLUMNS["runs.csv"] + ["stall", "sndbuf", "rcvbuf", "rcvbuf_granted_bytes",
                                           "block_lag_max_ns"], rows)
    return directory


def figures_of(directory):
    return {figure.name: figure for figure in built(directory)}


def values(panel, label):
    """What is drawn of one arm, from the smallest buffer to the largest."""
    (trace,) = [trace for trace in panel.traces if trace.label == label]
    return [point[1] for point in trace.points]


def test_a_figure_for_each_send_buffer(stalled):
    figures = figures_of(stalled)
    small, large = figures["buffers-1"], figures["buffers-2"]
    assert small.title.endswith("sndbuf 4\u00a0kB") and large.title.endswith("sndbuf 100\u00a0kB")
    lost, wait = small.panels
    assert values(lost, "UDP") == [40, 30, 0] and values(lost, "TCP") == [0, 0, 0]
    assert values(wait, "TCP") == list(WAIT_NS.values()) and values(wait, "UDP") == [0, 0, 0]
    assert values(large.panels[1], "TCP") == [0, 0, 0]
    assert [panel.y for panel in small.panels] == [panel.y for panel in large.panels]
    assert [label for _, label in lost.x.ticks] == [f"{kb}\u00a0kB" for kb in (32, 128, 512)]
    assert "granted" in lost.x.label


def test_it_is_of_stalls_alone(stalled):
    path = stalled / "runs.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("250ms", "0"), encoding="utf-8")
    assert not any(name.startswith("buffers") for name in figures_of(stalled))
    assert "granted" in figures_of(stalled)["loss"].panels[0].x.label


def test_both_renderers_draw_it(stalled):
    done = run("plot", stalled)
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("buffers-1", "buffers-2"):
        assert (stalled / "charts" / f"{name}.png").stat().st_size > 8000
    render_mpl = pytest.importorskip("netversus_report.render_mpl")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for panel in figures_of(stalled)["buffers-1"].panels:
            assert len(list(ElementTree.fromstring(render_mpl.render(panel, "p")).iter())) > 30
