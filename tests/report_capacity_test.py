# SPDX-License-Identifier: MIT
# ctest: release
"""Charts of a search for a capacity: every trial is a point, and times are left out."""

import csv
import json
import math
import subprocess
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import pytest

from report_fixture import KEY, write_csv, write_result

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from netversus_report import figures, load, series  # noqa: E402

BITS = 8 * 64
TRIALS = ((1000, 0, 1), (2000, 0, 1), (4000, 0.3, 0), (4000, 0.25, 0), (2828, 0.0005, 1),
          (3364, 0, 0))  # rate, share missing, passed: the last one by its backlog


@pytest.fixture
def searched(tmp_path):
    """A made-up result, and what a search adds to it: UDP alone is tried."""
    directory = write_result(tmp_path / "searched", workloads=("stream",), sizes={"64": 64})
    path = directory / "campaign.json"
    campaign = json.loads(path.read_text(encoding="utf-8"))
    campaign["cells"] = [{"cell_id": "c001", "rate": "search"}]
    path.write_text(json.dumps(campaign), encoding="utf-8")
    with open(directory / "runs.csv", encoding="utf-8", newline="") as file:
        key = next({name: row[name] for name in KEY} for row in csv.DictReader(file)
                   if row["transport"] == "udp")
    rows = [{**key, "loss_target": 0.001, "offered_msgs_per_s": rate, "offered_bps": rate * BITS,
             "sched_count": rate, "passed": passed, "missing_ratio": missing,
             "goodput_bps": rate * BITS * (1 - missing), "outcome": "", "capacity_msgs_per_s": ""}
            for rate, missing, passed in TRIALS]
    rows[-1].update(outcome="found", capacity_msgs_per_s=2828)
    write_csv(directory / "capacity.csv", list(rows[0]), rows)
    return directory


def built(directory):
    return {figure.name: figure
            for figure in figures.build(series.arrange(load.load(directory)))}


def points(panel, label):
    return [point[:2] for trace in panel.traces if trace.label == label for point in trace.points]


def test_every_trial_is_a_point(searched):
    (panel,) = built(searched)["capacity"].panels
    assert points(panel, "UDP, passed") == [
        (rate * BITS, rate * BITS * (1 - missing))
        for rate, missing in ((1000, 0), (2000, 0), (2828, 0.0005))]
    assert len(points(panel, "UDP, failed")) == 3
    assert not any(trace.label.startswith("TCP,") for trace in panel.traces)
    (left, right) = points(panel, "TCP")
    assert left[1] == right[1] > 0 and (left[0], right[0]) == (panel.x.lo, panel.x.hi)
    assert panel.vline[0] == 2828 * BITS and "2.83k messages/s" in panel.note


def test_nothing_missing_stands_at_the_foot(searched):
    (panel,) = built(searched)["overload"].panels
    foot = next(value for value, label in panel.y.ticks if label == "none")
    assert panel.y.lo < foot < 100 * 0.0005
    passed, failed = (points(panel, f"UDP, {word}") for word in ("passed", "failed"))
    assert [y for _, y in passed] == [foot, foot, pytest.approx(0.05)]
    assert sorted(y for _, y in failed) == [foot, 25, 30]
    assert {y for _, y in points(panel, "loss target")} == {0.1}


def test_times_at_capacity_are_left_out(searched):
    figures_of = built(searched)
    assert not {"ontime", "late", "response", "path", "plane"} & set(figures_of)
    campaign = series.arrange(load.load(searched))
    assert campaign.cells[0].rate is None and "search" in campaign.cells[0].title
    assert {row["metric"] for row in campaign.result.comparisons} == {"goodput", "loss_ratio"}
    assert not any("esponse" in title for title in figures.missing(campaign, figures_of.values()))
    assert "Not known" not in figures_of["verdicts"].help


def test_no_rate_within_the_target(searched):
    path = searched / "capacity.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("found,2828", "none,"),
                    encoding="utf-8")
    (panel,) = built(searched)["capacity"].panels
    assert panel.vline is None and panel.note == "UDP: no rate is within the target"


def test_both_renderers_draw_it(searched):
    done = subprocess.run([ROOT / "scripts" / "plot", searched], capture_output=True, text=True,
                          timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("capacity", "overload"):
        assert (searched / "charts" / f"{name}.png").stat().st_size > 8000
    render_mpl = pytest.importorskip("netversus_report.render_mpl")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("capacity", "overload"):
            (panel,) = built(searched)[name].panels
            assert len(list(ElementTree.fromstring(render_mpl.render(panel, "p")).iter())) > 30
            assert all(math.isfinite(v) for t in panel.traces for p in t.points for v in p[:2])
