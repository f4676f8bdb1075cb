# SPDX-License-Identifier: MIT
# ctest: release
"""Charts and report: what is told by them, and how the programs that make them are used."""

import csv
import html
import math
import re
import subprocess

import pytest

from report_results import built, results, run  # noqa: F401
from netversus_report import (figures, load, page, panels, render_gnuplot, series, sweeps, tables,
                              units, words)
from report_fixture import write_csv, write_result
from support import PROGRAM


@pytest.fixture
def small(tmp_path):
    """A result to be broken."""
    return write_result(tmp_path / "small", workloads=("rr",), sizes={"64": 64, "1k": 1000})


def edit(directory, name, change):
    path = directory / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


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
    (units.size_text(64), "64 B"), (units.size_text(1000.0), "1 kB"),
    (units.size_text(1024), "1 KiB"), (units.size_text(1472), "1472 B"),
    (units.size_text(4194304), "4 MiB"), (units.mean_size_text(2990.4), "≈3 kB"),
    (units.sizes_text("64"), "64 B"), (units.sizes_text("1k"), "1 kB"),
    (units.sizes_text("8Ki"), "8 KiB"), (units.sizes_text("64+1k+8k"), "64 B + 1 kB + 8 kB"),
    (units.sizes_text("64:3+1k:1"), "64 B + 1 kB (3:1)"),
    (units.sizes_text("64-1k"), "64 B to 1 kB"), (units.sizes_text("1kk"), "1kk"),
    (units.percent_text(1), "100 %"), (units.percent_text(0.99997), "99.997 %"),
    (units.percent_text(-0.056, signed=True), "−5.60 %"), (units.percent_text(0.0), "0 %"),
    (units.percent_text(0.023, signed=True), "+2.30 %")])
def test_text(shown, expected):
    assert shown.replace("\u00a0", " ") == expected


@pytest.mark.parametrize("axis", [
    units.log_axis("", [29e3, 92e3], str), units.log_axis("", [2e4, 7e6], str),
    units.log_axis("", [1e6, 16e6], str), units.ratio_axis("", [0.6, 1.9]),
    units.ratio_axis("", [0.1, 1.2]), units.ratio_axis("", [0.5, 2.4]),
    units.linear_axis("", [-0.14, 0.14], str)])
def test_axes_have_enough_ticks_to_be_read(axis):
    places = [panels._place(value, axis) for value, _ in axis.ticks]
    assert 3 <= len(places) <= 9
    assert min(b - a for a, b in zip(places, places[1:])) > 0.05


def test_labels_of_measured_values_do_not_touch():
    """A character takes 1/42 of the axis, which goes from 64 / 1.6 to 8192 * 1.6."""
    labels = {64: "64 B", 298: "≈300 B", 3021: "≈3 kB", 4520: "≈4.5 kB", 8192: "8 KiB"}
    axis = units.value_axis("", labels)
    assert [label for _, label in axis.ticks] == ["64 B", "≈300 B", "≈3 kB", "", "8 KiB"]


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
    # 4 sizes, 6 blocks of 2000 messages; one transport says nothing of the other: 3 / 48 000.
    assert by_name["loss"].panels[0].note.replace("\u2009", " ").replace("\u00a0", " ") == \
        "nothing was lost: 0 of 48 000 each, so under 0.01 %"
    assert "fragmented" in by_name["ontime-1"].panels[-1].title


def test_sizes_carry_their_unit_everywhere(results):
    by_name = {figure.name: figure for figure in built(results["short"])}
    shown = ["64 B", "64 B + 1 kB (3:1)", "64 B to 1 kB", "8 KiB"]
    said = [panel.title for panel in by_name["ontime-1"].panels]
    assert [title.replace("\u00a0", " ") for title in said] == shown
    rows = [label.replace("\u00a0", " ") for _, label in by_name["verdicts"].panels[0].y.ticks]
    assert rows[:4] == [f"rr · {size} · 2000/s" for size in shown]
    x = by_name["goodput"].panels[0].x
    assert [label.replace("\u00a0", " ") for _, label in x.ticks] == \
        ["64 B", "≈298 B", "", "8 KiB"]  # 532 is too near
    assert x.label == "message size (log), ≈ mean of a mix"
    caption = figures.caption_text(series.arrange(load.load(results["short"])))
    assert " · ".join(["rr, stream", ", ".join(shown), "2000/s"]) in caption.replace("\u00a0", " ")


def test_buffers_are_told_in_bytes():
    said = [series.factor_text("rcvbuf", value) for value in ("0", "4194304", "3000")]
    assert [text.replace("\u00a0", " ") for text in said] == \
        ["rcvbuf default", "rcvbuf 4 MiB", "rcvbuf 3 kB"]
    assert series.factor_text("path", "none") == "path real"


def test_what_is_not_known_is_not_shown_and_accounted_for(results):
    campaign = series.arrange(load.load(results["short"]))
    by_name = {figure.name: figure for figure in figures.build(campaign)}
    assert "response, p99" not in [panel.title for panel in by_name["verdicts"].panels]
    why = "Not known, so not shown: {} (it takes 1000 messages a run)."
    assert why.format("response, p99") in by_name["verdicts"].help
    assert why.format("p99") in by_name["response"].help
    assert "Not known" not in by_name["ontime-1"].help
    assert "Not known" not in {f.name: f for f in built(results["clean"])}["response"].help
    assert sum(count for _, count, _ in tables.tally(campaign)) == 4 * 8  # 4 metrics, 8 cells
    assert figures.missing(campaign, figures.build(campaign)) == []


def test_a_chart_without_data_is_named(small):
    for name in ("hist.csv", "quantiles.csv"):
        edit(small, name, lambda text: text.partition("\n")[0] + "\n")
    done = run("plot", small)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        f'no data for the chart "{title}"' for title in (
            "On time: delivered within t", "Late or lost: not yet delivered at t",
            "Response time")]
    assert run("report", small).returncode == 0
    assert "No data for the chart “Response time”" in (small / "report.html").read_text("utf-8")


def test_few_blocks_have_no_bars_and_the_infinite_has_none(results):
    verdicts = next(f for f in built(results["few"]) if f.name == "verdicts")
    assert "There are no bars below 6 blocks." in verdicts.help
    verdicts = next(f for f in built(results["lossy"]) if f.name == "verdicts")
    p99 = next(panel for panel in verdicts.panels if panel.title == "response, p99")
    assert all(point[2:] == (None, None) for trace in p99.traces for point in trace.points)


def test_verdicts_are_told_as_the_program_tells_them(results):
    """How many blocks would tell, and whether that is worth saying, is decided in one place."""
    campaign = series.arrange(load.load(results["clean"]))
    rows = campaign.result.comparisons
    assert any(row["verdict"] == "inconclusive" for row in rows)  # 11042 blocks, says the fixture
    assert [v.words for v in tables.verdicts(campaign)] == [row["verdict_words"] for row in rows]


def test_a_result_of_an_earlier_version_has_verdicts(small):
    edit(small, "comparisons.csv", lambda text: text.replace("verdict_words", "of_the_future"))
    campaign = series.arrange(load.load(small))
    assert {v.words for v in tables.verdicts(campaign)} <= {
        "TCP wins", "UDP wins", "tie", "inconclusive"}


def test_captions_tell_the_path_only_when_it_is_emulated(results):
    said = {name: figures.caption_text(series.arrange(load.load(results[name])))
            for name in ("clean", "lossy")}
    assert "lab-a · emulated path wifi · 2026" in said["clean"]
    assert "lab-a · loopback · 2026" in said["lossy"]


def test_long_titles_leave_room_for_the_panels(results, tmp_path):
    long = "64:1001+100001:1002+200002:1003+300003:1004+400004:1005+500005:1006"
    figure = next(f for f in built(write_result(tmp_path / "long", sizes={"64": 64, long: 250000}))
                  if f.name == "verdicts")
    layout = render_gnuplot._Layout(figure)
    assert layout.columns == 2 and layout.plot_width > 250
    assert max(len(label) for _, label in figure.panels[0].y.ticks) == 64


def test_rates_take_the_x_axis_when_there_is_one_size(small):
    edit(small, "runs.csv", lambda text: text.replace(",1k,1000,2000/s,2000,",
                                                      ",64,64,4000/s,4000,"))
    campaign = series.arrange(load.load(small))
    assert campaign.sweep is sweeps.RATE and len(campaign.groups) == 1


def test_flows_take_the_x_axis_when_there_is_one_size_and_rate_of_each(small):
    """Four flows together have four times the rate."""
    edit(small, "runs.csv", lambda text: text.replace(",1k,1000,2000/s,2000,poisson,1,",
                                                      ",64,64,2000/s,8000,poisson,4,"))
    campaign = series.arrange(load.load(small))
    assert campaign.sweep.column == "flows" and len(campaign.groups) == 1
    (cells,) = campaign.groups.values()
    assert [campaign.sweep.value(cell) for cell in cells] == [1, 4]
    assert [label for _, label in campaign.sweep.axis(cells).ticks] == ["1", "4"]


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


def test_runs_on_a_busy_machine_are_told(small):
    edit(small, "runs.csv", lambda text: re.sub(
        r"^(made-up,c00[12]-2-1,.*),1,,$", r"\1,1,sched_lag;path_late,", text, flags=re.MULTILINE))
    campaign = series.arrange(load.load(small))
    assert "in 2 of 24 runs the machine was busy" in figures.caption_text(campaign)


def test_reasons_are_those_of_the_program(small):
    """As factors.csv has them, under the cell's title; results of before have none."""
    assert tables.reasons(series.arrange(load.load(small))) == []
    rows = [{"cell_id": "c001", "dir": direction, "arm": arm, "factor": factor, "why": why}
            for direction in ("rtt", "up") for arm, factor, why in
            (("a", "none", ""), ("b", "path_loss", "UDP loses 2.0 %: 100 % on the path"))]
    rows += [{"cell_id": "c002", "dir": "rtt", "arm": arm, "factor": "none", "why": ""}
             for arm in "ab"]
    write_csv(small / "factors.csv", list(rows[0]), rows)
    reasons = tables.reasons(series.arrange(load.load(small)))
    assert [why for _, why in reasons] == ["UDP loses 2.0 %: 100 % on the path"] * 2 + [
        "nothing stands out"]
    assert run("report", small).returncode == 0
    page_text = (small / "report.html").read_text(encoding="utf-8")
    assert page_text.count("UDP loses 2.0 %: 100 % on the path") == 2


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


def test_sizes_of_the_fixture_are_the_ticks(results):
    goodput = next(f for f in built(results["clean"]) if f.name == "goodput")
    assert [label.replace("\u00a0", " ") for _, label in goodput.panels[0].x.ticks] == \
        ["64 B", "1 kB", "8 kB", "65 kB"]


def test_names_on_the_page_are_explained_by_the_program(small):
    assert run("report", small).returncode == 0
    shown = (small / "report.html").read_text(encoding="utf-8")
    loss = next(row for row in csv.DictReader(subprocess.run(
        [PROGRAM, "list", "topics", "--format", "csv"], capture_output=True, check=True, text=True,
        encoding="utf-8").stdout.splitlines()) if row["topic"] == "loss")
    tips = dict(re.findall(r'<abbr title="([^"]+)">([^<]+)</abbr>', shown))
    assert {"goodput", "on time", "lost", "verdict", "95 % interval"} <= set(tips.values())
    assert any(loss["text"] in html.unescape(tip) for tip, name in tips.items() if name == "lost")
    assert f"<dt>Lost messages</dt><dd>{loss['text']}</dd>" in html.unescape(shown)


def test_a_page_without_the_program_has_no_explanations(small, monkeypatch):
    campaigns = [series.arrange(load.load(small))]
    assert "<abbr" in page.render(campaigns)
    monkeypatch.setattr(words, "load", words.Words)
    shown = page.render(campaigns)
    assert "<h2>Verdicts</h2>" in shown
    assert "<abbr" not in shown and "<dt>" not in shown
