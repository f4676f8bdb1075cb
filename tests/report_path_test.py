# SPDX-License-Identifier: MIT
# ctest: release
"""Charts of emulated paths: their names and numbers, who is ahead where, planes and outages."""

import csv
import math
import re
import sys
import warnings
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).resolve().parent)]

from netversus_report import (  # noqa: E402
    figures, load, nines, observed, paths, render_gnuplot, series)
from report_fixture import OUTAGE, write_intervals, write_result  # noqa: E402

LOSSES = {f"delay=20ms,loss={text}": share for text, share in
          (("0", 0.0), ("0.1%", 0.001), ("0.003", 0.003), ("1%", 0.01), ("5%", 0.05))}
NAMED = {"wifi": 0.005, "a path with a name of forty characters.": 0.02,
         "lte,down.rate=5Mbit/s\n$p `x` %s": 0.0}
ONE = {"workloads": ("stream",), "sizes": {"64": 64}}

RESULTS = {
    "losses": {**ONE, "paths": LOSSES, "hiccups": 0.005, "repair_ms": 30},
    "rates": {"workloads": ("stream",), "paths": {key: LOSSES[key] for key in list(LOSSES)[2:]},
              "sizes": {"64": 64, "1k": 1000}, "rates": ("50/s", "1000/s")},
    "named": {**ONE, "paths": NAMED, "rates": ("50/s", "1000/s")},
    "apps": {**ONE, "paths": NAMED, "apps": {"voip": "50/s", "a game": "64/s", "bulk": "2000/s"}},
    "apps alone": {**ONE, "path": "none", "apps": {"voip": "50/s", "bulk": "2000/s"}},
    "outage": {**ONE, "paths": {OUTAGE: 0.01}},
    "few": {**ONE, "paths": LOSSES, "blocks": 3},
    "alone": {**ONE, "paths": LOSSES, "arms": ("udp",)},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Written once, and read only."""
    base = tmp_path_factory.mktemp("results")
    made = {name: write_result(base / name, **what) for name, what in RESULTS.items()}
    write_intervals(made["outage"])
    return made


@pytest.fixture(scope="module")
def campaigns(results):
    return {name: series.arrange(load.load(directory)) for name, directory in results.items()}


def plain(text):
    return text.replace("\u00a0", " ")


def figure_of(campaign, name):
    return next(figure for figure in figures.build(campaign) if figure.name == name)


# --- paths as text ---

@pytest.mark.parametrize("texts, expected", [
    (["delay=20ms,loss=0.5%", "delay=20ms,loss=0.02"], ["loss 0.5 %", "loss 2 %"]),
    (["none", "wifi"], ["real", "wifi"]), (["wifi", "wifi,loss=1%"], ["wifi", "loss 1 %"]),
    (["delay=20ms"], ["delay 20 ms"]), (["lte,up.rate=5Mbit/s"], ["lte, up.rate 5 Mbit/s"]),
    (["queue=4bdp", "queue=4bdp,aqm=codel"], ["queue 4 bdp", "aqm codel"]),
    (["outage=2s-2.5s", "outage=1s-2s+3s-4s"],
     ["outage 2 s to 2.5 s", "outage 1 s to 2 s and 3 s to 4 s"]),
    (["a=1,b=2", "b=2,a=1"], ["a 1, b 2", "b 2, a 1"]), (["", "x"], ["", "x"])])
def test_paths_are_named_by_what_tells_them_apart(texts, expected):
    assert [plain(name) for name in paths.names(texts).values()] == expected


@pytest.mark.parametrize("texts, label, values, log", [
    (["loss=0", "delay=0,loss=1%"], None, None, None),
    (list(LOSSES), "packet loss", [0, 0.001, 0.003, 0.01, 0.05], True),
    (["delay=1ms", "delay=5ms"], "delay one way", [1e6, 5e6], False),
    (["delay=1ms", "delay=0.1s"], "delay one way", [1e6, 1e8], True),
    (["wifi", "wifi,loss=2%"], "packet loss", [0, 0.02], False),
    (["down.rate=5Mbit/s", "down.rate=500kbit/s"], "down: rate of the path", [5e6, 5e5], True),
    (["queue=0.25bdp", "queue=1bdp"], "queue", [0.25, 1], False),
    (["queue=1bdp", "queue=64k"], None, None, None), (["rate=1Mbit/s", "loss=0"], None, None, None),
    (["wifi", "lte"], None, None, None), (["loss=1%", "loss=0.01"], None, None, None),
    (["ge=1%:20%", "ge=1%:30%"], None, None, None), (["loss=1%"], None, None, None)])
def test_paths_are_an_axis_when_one_number_varies(texts, label, values, log):
    scale = paths.scale(texts)
    if label is None:
        assert scale is None
        return
    assert (scale.label, list(scale.values.values()), scale.log) == (label, values, log)
    places = [scale.position(value) for value in sorted(scale.values.values())]
    axis = scale.axis()
    assert places == sorted(places) and axis.lo < places[0] and places[-1] < axis.hi
    assert len(axis.ticks) == len(texts) and not axis.log  # Places are on the scale already.


def test_captions_say_once_what_paths_share():
    texts = ["delay=20ms,loss=0", "delay=20ms,loss=1%"]
    assert plain(paths.list_text(texts)) == "delay 20 ms; loss 0 %, 1 %"
    assert plain(paths.list_text(["wifi", "lte"])) == "wifi; lte"
    assert plain(paths.list_text(["delay=1ms,aqm=codel", "delay=1ms,aqm=tail"])) == \
        "delay 1 ms: aqm codel; aqm tail"


def test_named_paths_are_looked_up_where_the_result_has_them():
    meta = {"paths": {"bad day": "delay=20ms,outage=2s-2.5s+3s-3.1s"}}
    text = paths.definition(meta, "bad day,loss=1%")
    assert text == "delay=20ms,outage=2s-2.5s+3s-3.1s,loss=1%"
    assert paths.outages(text) == [(2, 2.5), (3, 3.1)]
    assert paths.definition({}, "bad day") == "bad day"
    meta = {"paths": {"one by one": "delay=20ms,loss=2%", "at once": "delay=20ms,ge=1%:50%"}}
    assert plain(paths.list_text(["one by one", "at once"], meta)) == \
        "delay 20 ms: one by one (loss 2 %); at once (ge 1 %:50 %)"
    assert paths.outages("outage=none") == paths.outages("outage=x-y") == []


# --- on time against the path ---

def test_nines():
    assert [nines.place(share) for share in (0, 0.9, 1)] == [0, pytest.approx(1), math.inf]
    axis = nines.axis("", [nines.place(share) for share in (0.5, 0.95, 1)], 1000)
    assert [plain(text) for _, text in axis.ticks] == ["0 %", "90 %", "99 %", "99.9 %", "100 %"]
    assert axis.ticks[-1][0] == pytest.approx(math.log10(2000)) and axis.lo <= nines.place(0.5)
    assert all(plain(text) != "100 %" for _, text in nines.axis("", [0.3, 0.9], 1000).ticks)


def test_the_crossing_is_marked_and_said(campaigns):
    """UDP loses what the path loses; TCP is late with 0.5 % and no more."""
    panel, = figure_of(campaigns["losses"], "path").panels
    assert re.fullmatch(r"UDP ahead \(95 %\) up to 0\.[13] %, TCP from [15] % on",
                        plain(panel.note))
    x, label, _ = panel.vline
    value = campaigns["losses"].sweep.scale.value_at(x)
    assert plain(label) == f"about {100 * value:.2g} %" and 0.002 < value < 0.009
    tcp, udp = ([p[1] for p in trace.points if p] for trace in panel.traces)
    assert tcp[2] < udp[2] and tcp[3] > udp[3]  # 0.3 %, 1 %
    assert panel.y.label == "on time, within 50\u00a0ms"
    assert [plain(text) for _, text in panel.x.ticks] == ["0 %", "0.1 %", "0.3 %", "1 %", "5 %"]


def test_where_there_is_no_crossing_that_is_said(campaigns):
    panel, _ = figure_of(campaigns["rates"], "path").panels[:2]
    assert "no difference is sure" in panel.note and panel.vline is None
    assert "below 6 blocks" in figure_of(campaigns["few"], "path").panels[0].note


def test_no_line_leads_to_the_zero_beside_a_log_axis(campaigns):
    for trace in figure_of(campaigns["losses"], "loss").panels[0].traces:
        assert [point is None for point in trace.points] == [False, True] + 4 * [False]


def test_paths_without_a_number_are_rows(campaigns):
    figure = figure_of(campaigns["named"], "path")
    assert figure.row_labels and len(figure.panels) == 2
    rows = [label for _, label in figure.panels[0].y.ticks]
    assert rows[0] == "wifi" and [panel.rows for panel in figure.panels] == [3, 3]
    tcp, udp = figure.panels[0].traces
    assert [round(point[1]) for point in tcp.points] == [3, 2, 1] and not tcp.joined
    assert all(a[1] > b[1] for a, b in zip(tcp.points, udp.points))  # TCP above, a hair apart


# --- planes ---

def differences(directory, cell_id):
    """Median over blocks of UDP's on-time ratio less TCP's, in points, from the file itself."""
    with open(directory / "runs.csv", encoding="utf-8", newline="") as file:
        shares = {(row["block"], row["transport"]): float(row["ontime_ratio"])
                  for row in csv.DictReader(file) if row["cell_id"] == cell_id}
    return median(100 * (share - shares[block, "tcp"])
                  for (block, transport), share in shares.items() if transport == "udp")


def test_a_plane_has_a_tile_for_each_path_and_rate(results, campaigns):
    figure = figure_of(campaigns["rates"], "plane")
    assert figure.title == "On time, by path and rate"
    assert [plain(panel.title) for panel in figure.panels] == [
        "stream · 64 B · deadline 50 ms", "stream · 1 kB · deadline 50 ms"]
    panel = figure.panels[0]
    assert [plain(label) for _, label in panel.x.ticks] == ["50/s", "1000/s"]
    assert [plain(label) for _, label in panel.y.ticks] == ["loss 0.3 %", "loss 1 %", "loss 5 %"]
    at = {(int(tile.x[0]), int(tile.y[0])): tile for tile in panel.tiles}
    assert sorted(at) == [(i, j) for i in range(2) for j in range(3)]
    # c001 to c003: 50/s, 64 B.
    for row, cell_id in enumerate(("c001", "c002", "c003")):
        said = at[0, row].text.replace("\u2212", "-")
        assert float(said) == pytest.approx(differences(results["rates"], cell_id), abs=0.051)


def test_a_plane_has_a_column_for_each_application(results, campaigns):
    """In the order of the plan, whatever their rates; a row for each path."""
    figure = figure_of(campaigns["apps"], "plane")
    assert figure.title == "On time, by path and application"
    (panel,) = figure.panels
    assert [name for _, name in panel.x.ticks] == ["voip", "a game", "bulk"]
    assert len(panel.y.ticks) == len(NAMED) and len(panel.tiles) == 3 * len(NAMED)
    for i, cell in enumerate(campaigns["apps"].cells):
        column, row = divmod(i, len(NAMED))
        tile = next(tile for tile in panel.tiles if tile.x[0] // 1 == column
                    and tile.y[0] // 1 == len(NAMED) - 1 - row)
        said = float(tile.text.replace("\u2212", "-"))
        assert said == pytest.approx(differences(results["apps"], cell.cell_id), abs=0.051)


def test_an_application_tells_its_workload(campaigns):
    assert [plain(title) for title in campaigns["apps"].groups] == [
        "voip · 64 B · 50/s", "a game · 64 B · 64/s", "bulk · 64 B · 2000/s"]
    assert plain(campaigns["apps"].cells[0].title) == "voip · 64 B · 50/s · path wifi"


def test_applications_alone_are_rows(campaigns):
    campaign = campaigns["apps alone"]
    assert list(campaign.groups) == ["applications"]
    panel = figure_of(campaign, "response").panels[0]
    assert [name for _, name in panel.y.ticks] == ["voip", "bulk"]
    assert panel.y.ticks[0][0] > panel.y.ticks[1][0]


def test_colours_of_a_plane_are_of_the_one_that_is_ahead(campaigns):
    panel, = figure_of(campaigns["losses"], "deadlines").panels
    columns = [float(label) for _, label in panel.x.ticks]
    assert len(columns) <= 10 and columns == sorted(columns)
    tiles = {(int(tile.x[0]), int(tile.y[0])): tile for tile in panel.tiles}
    last = len(columns) - 1
    # 5 % of loss: TCP repairs it all 30 ms later. No loss: 0.5 % of TCP's are 200 ms late.
    tcp, udp = tiles[last, 4], tiles[columns.index(100), 0]
    assert tcp.text.startswith("\u2212") and udp.text.startswith("+")
    assert blueness(tcp.fill) > 0 > blueness(udp.fill)


def blueness(colour):
    """TCP is blue, UDP orange; paler on a smaller difference."""
    return int(colour[5:7], 16) - int(colour[1:3], 16)


def test_below_six_blocks_nothing_is_coloured(campaigns):
    tiles = figure_of(campaigns["few"], "deadlines").panels[0].tiles
    assert {tile.fill for tile in tiles} <= {"#ffffff", "#eceff3"}


# --- around an outage ---

def test_what_is_missing_around_an_outage(campaigns):
    """200 messages an interval; two bring nothing, and TCP takes two more to send again."""
    figure = figure_of(campaigns["outage"], "course")
    missing, slowest = figure.panels
    assert figure.stacked and [(s.lo, s.hi, s.label) for s in missing.shades] == \
        [(0.5, 0.7, "outage")]
    seen = {trace.label: [point[1] for point in trace.points] for trace in missing.traces}
    assert seen == {"TCP": [0, 0, 0, 0, 0, 200, 400, 600, 800, 0],
                    "UDP": [0, 0, 0, 0, 0, 200, 400, 400, 400, 400]}
    gaps = {trace.label: [point is None for point in trace.points] for trace in slowest.traces}
    assert gaps["UDP"] == [i in (5, 6) for i in range(10)]
    assert slowest.traces[0].points[-1][1] == 4e8


def test_charts_of_paths_are_drawn_of_paths_alone(results, campaigns, tmp_path):
    names = {name: {figure.name for figure in figures.build(campaign)}
             for name, campaign in campaigns.items()}
    assert "course" in names["outage"] and "path" not in names["outage"]
    assert "path" in names["alone"] and "deadlines" not in names["alone"]
    assert "plane" in names["rates"] and "plane" not in names["losses"]
    plain_result = write_result(tmp_path / "plain", path="none", **ONE)
    campaign = series.arrange(load.load(plain_result))
    built = figures.build(campaign)
    assert not {"path", "deadlines", "plane", "course"} & {figure.name for figure in built}
    assert figures.missing(campaign, built) == [] and observed.table(campaign) is None


# --- what was asked for, and observed ---

def test_observed_stands_beside_asked_for(campaigns):
    header, rows = observed.table(campaigns["losses"])
    assert header == ["asked for", "way", "packets lost, TCP", "packets lost, UDP",
                      "delay, median, TCP", "delay, median, UDP", "held back, TCP",
                      "held back, UDP"]
    assert [plain(row[0]) for row in rows] == [
        f"delay 20 ms, loss {share}" for share in ("0 %", "0.1 %", "0.3 %", "1 %", "5 %")]
    assert [plain(value) for value in rows[0][1:]] == \
        ["up", "0 %", "0 %", "20.1 ms", "20.1 ms", "0.40 %", "0.40 %"]


# --- both renderers ---

@pytest.mark.parametrize("name", RESULTS)
def test_gnuplot_draws_them(campaigns, tmp_path, name):
    for figure in figures.build(campaigns[name]):
        if figure.name.partition("-")[0] in ("path", "deadlines", "plane", "course", "response"):
            render_gnuplot.render(figure, tmp_path)  # Any warning of gnuplot is a failure.
            drawing = ElementTree.parse(tmp_path / f"{figure.name}.svg").getroot()
            assert len(list(drawing.iter())) > 50


@pytest.mark.parametrize("name", RESULTS)
def test_matplotlib_draws_them(campaigns, name):
    page = pytest.importorskip("netversus_report.page")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = page.render([campaigns[name]])
    assert text.count("<figure>") == len(figures.build(campaigns[name]))
    assert ("what it did to packets" in text) == (RESULTS[name].get("path") != "none")
