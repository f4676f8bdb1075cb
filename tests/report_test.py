# SPDX-License-Identifier: MIT
"""Charts and report: from made-up results to pictures and a page, through both renderers."""

import json
import math
import os
import re
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).resolve().parent)]

from netversus_report import figures, load, panels, series, units  # noqa: E402
from report_fixture import SIZES, write_result  # noqa: E402

HOSTILE = "<script>alert('1')</script>`touch x` 100%s $p \\n\n! touch x\n"

RESULTS = {
    "clean": {},
    "lossy": {"loss": 0.02, "path": "wifi"},
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


@pytest.fixture
def small(tmp_path):
    """A result to be broken."""
    return write_result(tmp_path / "small", workloads=("rr",), sizes={"64": 64, "1k": 1000})


def run(script, *arguments, **options):
    return subprocess.run([ROOT / "scripts" / script, *arguments], capture_output=True, text=True,
                          timeout=120, **options)


def edit(directory, name, change):
    path = directory / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def built(directory):
    return figures.build(series.arrange(load.load(directory)))


# --- numbers ---

# Sign-test intervals of a median at 95 %: ranks (l, n + 1 - l), by the binomial table.
@pytest.mark.parametrize("count, rank", [(1, 1), (5, 1), (6, 1), (8, 1), (9, 2), (10, 2), (11, 2),
                                         (12, 3), (20, 6), (30, 10), (50, 18), (100, 40)])
def test_rank_of_median_interval(count, rank):
    assert series.median_rank(count) == rank


def test_summary_keeps_what_is_infinite_and_leaves_out_what_is_unknown():
    assert series.summarise([None, None]) is None
    assert series.summarise([3.0, None, 1.0]) == series.Summary(2.0, 1.0, 3.0, 2)
    assert series.summarise([1.0, math.inf, math.inf]).y == math.inf


def test_curve_is_flat_between_buckets_and_counts_the_lost():
    # Block 1: 2 of 4 in [10, 20), 1 in [40, 80). Block 2: all 4 in [10, 20).
    curve = series._curve([[(10, 20, 2), (40, 80, 1)], [(10, 20, 4)]], [4, 4])
    assert curve.points == ((10, 0), (20, 6 / 8), (40, 6 / 8), (80, 7 / 8))
    assert curve.band == ((10, 0, 0), (20, 2 / 4, 1), (40, 2 / 4, 1), (80, 3 / 4, 1))


@pytest.mark.parametrize("shown, expected", [
    (units.time_text(61_340), "61.3 µs"), (units.time_text(math.inf), "∞"),
    (units.time_text(None), "–"), (units.time_text(1e6, trim=True), "1 ms"),
    (units.bits_text(1.5e6), "1.50 Mbit/s"), (units.count_text(2000), "2k"),
    (units.percent_text(1), "100 %"), (units.percent_text(0.99997), "99.997 %"),
    (units.percent_text(-0.056, signed=True), "−5.60 %"), (units.percent_text(0.0), "0 %"),
    (units.percent_text(0.023, signed=True), "+2.30 %")])
def test_text(shown, expected):
    assert shown.replace("\u00a0", " ") == expected


@pytest.mark.parametrize("axis", [
    units.log_axis("", [3.1, 3.2], str), units.log_axis("", [], str),
    units.log_axis("", [1, 1e12], str), units.linear_axis("", [0, 0], str),
    units.linear_axis("", [-3, 17], str), units.ratio_axis("", [0.99, 1.01]),
    units.ratio_axis("", [0.001, 70, math.inf, None]), units.value_axis("", {64: "64"})])
def test_axes_have_few_ticks_and_all_inside(axis):
    assert 1 <= len(axis.ticks) <= 10
    assert axis.lo < axis.hi and all(axis.lo <= value <= axis.hi for value, _ in axis.ticks)


# --- arrangement ---

def test_colours_follow_the_transport_everywhere(results):
    for name in ("clean", "lossy"):
        for figure in built(results[name]):
            for trace in panels.legend(figure.panels):
                if trace.label.startswith("TCP"):
                    assert trace.colour == "#0b6bcb"
                if trace.label.startswith("UDP"):
                    assert trace.colour == "#d9730d"
    arms = series.arrange(load.load(results["same"])).arms
    assert [arm.label for arm in arms] == ["TCP a", "TCP b"]
    assert len({arm.colour for arm in arms}) == 2


def test_lost_p99_is_shown_beyond_all_numbers(results):
    response = next(f for f in built(results["lossy"]) if f.name == "response")
    triangles = [t for p in response.panels for t in p.traces if t.marker == "triangle"]
    assert triangles and all(t.colour == "#d9730d" for t in triangles)


def test_fragmented_sizes_are_marked_and_nothing_lost_is_said(results):
    by_name = {figure.name: figure for figure in built(results["clean"])}
    shade, = by_name["goodput"].panels[0].shades
    assert 8000 < shade.lo < 65000
    assert "nothing was lost: 0 of 96\u2009000" in by_name["loss"].panels[0].note
    assert "fragmented" in by_name["ontime-1"].panels[-1].title


def test_rates_take_the_x_axis_when_there_is_one_size(small):
    edit(small, "runs.csv", lambda text: text.replace(",1k,1000,2000/s,2000,",
                                                      ",64,64,4000/s,4000,"))
    campaign = series.arrange(load.load(small))
    assert campaign.sweep is series.RATE and len(campaign.groups) == 1


def test_missing_values_leave_a_gap(small):
    edit(small, "quantiles.csv", lambda text: re.sub(
        r"^(made-up,c002-.*,tcp,.*,all,0.5),[^,]*", r"\1,", text, flags=re.MULTILINE))
    response = next(f for f in built(small) if f.name == "response")
    trace = next(t for t in response.panels[0].traces if t.label == "TCP median")
    assert [point is None for point in trace.points] == [False, True]


def test_invalid_runs_are_left_out_and_counted(small):
    edit(small, "runs.csv", lambda text: re.sub(
        r"^(made-up,c001-1-1,.*),1,,$", r"\1,0,sched_lag,", text, flags=re.MULTILINE))
    campaign = series.arrange(load.load(small))
    assert len(campaign.result.runs) == 2 * 6 * 2 - 1
    assert "1 invalid run left out" in figures.caption_text(campaign)


# --- what is wrong with a result ---

@pytest.mark.parametrize("name, change, message", [
    ("campaign.json", lambda t: t.replace('"schema_version": 1', '"schema_version": 2'),
     "campaign.json: schema_version is 2; this program reads 1"),
    ("campaign.json", lambda t: t[:30], "campaign.json:1: column"),
    ("runs.csv", lambda t: t.replace("loss_ratio", "lossy_ratio", 1),
     "runs.csv:1: column loss_ratio is missing"),
    ("runs.csv", lambda t: t.replace(",2000/s,2000,", ",2000/s,many,", 1),
     'runs.csv:2: rate_msgs_per_s: "many" is not a number'),
    ("hist.csv", lambda t: t.replace(",resp,", ",resp,nan", 1), "hist.csv:2: lo_ns: \"nan"),
    ("quantiles.csv", lambda t: t + "1,2\n", "2 fields, but the header has 16"),
    ("runs.csv", lambda t: t.splitlines(keepends=True)[0], "runs.csv: no valid run to chart"),
    ("runs.csv", lambda t: t.replace("poll", 'po"ll"', 1).replace("poll", '"po"ll', 1),
     "runs.csv:")])
def test_errors_name_their_place(small, name, change, message):
    edit(small, name, change)
    done = run("plot", small)
    assert done.returncode == 2
    assert message in done.stderr and done.stderr.count("\n") == 1 and not done.stdout


def test_a_stopped_campaign_is_shown_as_far_as_it_went(small):
    (small / "comparisons.csv").unlink()
    edit(small, "hist.csv", lambda text: text + "made-up,c001")
    edit(small, "campaign.json", lambda text: re.sub(r'"in_words".*', '"in_words": []}', text))
    done = run("plot", small)
    assert done.returncode == 0
    assert "comparisons.csv is missing" in done.stderr
    assert "the last line of hist.csv is unfinished and left out" in done.stderr
    assert not (small / "charts" / "verdicts.png").exists()
    assert run("report", small).returncode == 0
    assert "no comparison" in (small / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments, status, message", [
    (["nowhere"], 2, "nowhere: no such directory"), ([], 2, "usage"), (["--help"], 0, ""),
    (["."], 2, "campaign.json: No such file or directory; is . a result directory?")])
@pytest.mark.parametrize("script", ["plot", "report"])
def test_usage(tmp_path, script, arguments, status, message):
    done = run(script, *arguments, cwd=tmp_path)
    assert (done.returncode, message in done.stderr) == (status, True)


def test_latest_is_that_of_the_current_directory(small, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "latest").symlink_to(small)
    assert run("plot", "latest", cwd=tmp_path).returncode == 0
    assert run("report", "latest", cwd=tmp_path).stdout == "results/latest/report.html\n"
    assert (small / "report.html").exists()


def test_without_gnuplot(small, tmp_path):
    done = run("plot", small, env={"PATH": only(tmp_path, "bash", "dirname", "readlink")})
    assert (done.returncode, "gnuplot is not installed" in done.stderr) == (1, True)


def only(directory, *names):
    """A directory for PATH with nothing but these programs."""
    bin_dir = directory / "bin"
    bin_dir.mkdir()
    for name in names:
        (bin_dir / name).symlink_to(f"/usr/bin/{name}")
    return str(bin_dir)


# --- every chart of every result, in both renderers ---

@pytest.mark.parametrize("name", RESULTS)
def test_gnuplot_draws_every_chart(results, name):
    done = run("plot", results[name])  # Any warning of gnuplot is a failure.
    assert (done.returncode, done.stderr) == (0, "")
    expected = {figure.name for figure in built(results[name])}
    charts = results[name] / "charts"
    assert {path.name for path in charts.iterdir()} == {
        f"{chart}.{kind}" for chart in expected for kind in ("png", "svg", "gp")}
    assert not (charts / "x").exists()
    for chart in expected:
        assert (charts / f"{chart}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert (charts / f"{chart}.png").stat().st_size > 8000
        drawing = ElementTree.parse(charts / f"{chart}.svg").getroot()
        assert len(list(drawing.iter())) > 50


@pytest.mark.parametrize("name", RESULTS)
def test_matplotlib_draws_every_chart(results, name):
    render_mpl = pytest.importorskip("netversus_report.render_mpl")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for figure in built(results[name]):
            for i, panel in enumerate(figure.panels):
                drawing = ElementTree.fromstring(render_mpl.render(panel, f"p{i}"))
                assert drawing.tag.endswith("svg") and len(list(drawing.iter())) > 30


class Page(HTMLParser):
    """Collects what a page would fetch or run, its ids and its headings."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.headings = [], [], [], []
        self._heading = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._heading = tag in ("h1", "h2")
        self.ids += [value for key, value in attrs if key == "id"]
        self.links += [value for key, value in attrs if key in ("src", "href", "xlink:href")]

    def handle_data(self, data):
        if self._heading and data.strip():
            self.headings.append(data.strip())
        self._heading = False


@pytest.mark.parametrize("name", RESULTS)
def test_report_is_one_safe_page(results, name):
    done = run("report", results[name], env={**os.environ, "PYTHONWARNINGS": "error"})
    assert (done.returncode, done.stderr) == (0, "")
    text = (results[name] / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert all(link.startswith("#") for link in page.links)
    assert not {"script", "link", "img", "iframe"} & set(page.tags) and "@import" not in text
    assert len(page.ids) == len(set(page.ids))
    if RESULTS[name].get("arms", "both") != ("udp",):
        assert page.headings[1:4] == ["Verdicts", "Charts", "How it was measured"]
        said = json.loads((results[name] / "campaign.json").read_text())["in_words"][0]
        assert text.index(said) < text.index("Verdicts</h2>")
    assert page.tags.count("figure") == len(built(results[name]))


def test_several_results_stand_side_by_side(results):
    done = run("report", results["clean"], results["lossy"])
    assert done.returncode == 0
    page = Page((results["clean"] / "report.html").read_text(encoding="utf-8"))
    assert "Results side by side" in page.headings
    assert page.headings.count("Verdicts") == 2 and len(page.ids) == len(set(page.ids))


def test_sizes_of_the_fixture_are_the_ticks(results):
    goodput = next(f for f in built(results["clean"]) if f.name == "goodput")
    assert [label for _, label in goodput.panels[0].x.ticks] == list(SIZES)
