# SPDX-License-Identifier: MIT
# ctest: timing release timeout=400
"""The labs of bench/course: plans of under two minutes, sheets in two languages with the same
commands, charts that are drawn, and the effects that the sheets promise, by shorter runs."""

import json
import re
import signal
import warnings
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import pytest

from docs_test import ROOT, commands_in, read
from faults import adopt_orphans, leave_nothing_behind, wait_for
from report_results import built
from report_test import only
from support import Process, campaign, nanoseconds, number, path_obstacle, run

__all__ = ["adopt_orphans", "leave_nothing_behind"]  # fixtures

COURSE = ROOT / "bench" / "course"
LABS = sorted(path.stem for path in COURSE.glob("*.ini"))
SECTIONS = {"md": ["Aim", "Run", "What to look at", "Questions"],
            "es.md": ["Objetivo", "Ejecutar", "Qué mirar", "Preguntas"]}
LIMIT_S = 120
BETWEEN_RUNS_S = 0.1  # connecting, reports of both ends, files
WARMUP_RUN_S = 0.1  # measured phase of a run of the warm-up round, at most
MS = 10 ** 6

SHORT = ("--blocks", "1", "--warmup", "100ms", "--cooldown", "10ms", "--settle", "1ms", "--reruns",
         "0", "--no-warmup-round", "--seed", "11")


def sheet(lab, language):
    return read(f"bench/course/{lab}.{language}")


def runs_in(lab):
    """Arguments of each `netversus run` of the sheet."""
    return [words[2:] for words in commands_in(sheet(lab, "md"))
            if Path(words[0]).name == "netversus" and words[1] == "run"]


def needs_path(arguments):
    names = arguments + [read(word) for word in arguments if word.endswith(".ini")]
    return any(re.search(r"^(--)?path\b", text, re.MULTILINE) for text in names)


def skip_without_path(arguments):
    if needs_path(arguments) and path_obstacle():
        pytest.skip(f"no paths: {path_obstacle()}")


# ---- plans and sheets

def plan(arguments, directory):
    """What the program makes of them, as it writes it down before the first run."""
    arguments = [str(ROOT / word) if word.endswith(".ini") else word for word in arguments]
    written = directory / "out" / "campaign.json"
    with Process("run", *arguments, "--quiet", "--output", "out", cwd=directory) as started:
        wait_for(lambda: written.exists() or started.child.poll() is not None)
        found = json.loads(written.read_text(encoding="utf-8")) if written.exists() else None
        started.signal(signal.SIGINT)
        status, _, error = started.finish()
    assert found, f"{arguments}: exit {status}, {error}"
    return found


def seconds_of(plan):
    """At most, unless noise gates send blocks back."""
    def seconds(cell, *names):
        return sum(nanoseconds(cell[name]) for name in names) / 1e9
    settings, total = plan["settings"], 0
    for cell in plan["cells"]:
        around = seconds(cell, "warmup", "cooldown", "drain") + BETWEEN_RUNS_S
        around += nanoseconds(settings["settle"]) / 1e9
        measured = seconds(cell, "duration")
        total += len(cell["transport"]) * int(plan["blocks"]) * (measured + around)
        if settings["warmup-round"] == "yes":
            total += len(cell["transport"]) * (min(measured, WARMUP_RUN_S) + around)
    return total


@pytest.mark.parametrize("lab", LABS)
def test_every_command_of_a_sheet_is_one_of_under_two_minutes(lab, tmp_path):
    commands = runs_in(lab)
    assert commands[0] == [f"bench/course/{lab}.ini"]
    for i, arguments in enumerate(commands):
        skip_without_path(arguments)
        directory = tmp_path / str(i)
        directory.mkdir()
        found = plan(arguments, directory)
        assert found["settings"]["plot"], "a lab ends with a chart"
        assert 5 < seconds_of(found) < LIMIT_S, f"{arguments}: {seconds_of(found):.0f} s"


def test_a_plan_counts_all_runs():
    """2 cells of 2 transports, 3 blocks: 12 runs of 1.3 s, and 4 to warm up of 0.4 s."""
    cell = {"transport": ["tcp", "udp"], "duration": "1s", "warmup": "0", "cooldown": "0",
            "drain": "180ms"}
    found = {"cells": [cell, cell], "blocks": 3,
             "settings": {"settle": "20ms", "warmup-round": "yes"}}
    assert seconds_of(found) == pytest.approx(12 * 1.3 + 4 * 0.4)


@pytest.mark.parametrize("lab", LABS)
def test_sheets_have_the_same_parts_in_both_languages(lab):
    texts = {language: sheet(lab, language) for language in SECTIONS}
    for language, sections in SECTIONS.items():
        assert re.findall(r"^## (.*)$", texts[language], re.MULTILINE) == sections
        assert len(texts[language].splitlines()) < 45
    english, spanish = ([words for words in commands_in(text)] for text in texts.values())
    assert english == spanish and english
    named = [set(re.findall(r"`([^`\s]+)`", text)) for text in texts.values()]
    assert named[0] == named[1], "columns, files and calls"


@pytest.mark.parametrize("lab", LABS)
def test_sheets_name_what_there_is(lab):
    for words in commands_in(sheet(lab, "md")):
        assert Path(words[0]).name == "netversus" and words[1] in ("run", "explain", "plot", "calls")
        if words[1] == "explain":
            run(*words[1:], cwd=ROOT)
    plotted = re.search(r"^plot = (.*)$", read(f"bench/course/{lab}.ini"), re.MULTILINE).group(1)
    drawn = set(re.findall(r"`(\w+?)(?:-\d)?\.png`", sheet(lab, "md")))
    assert drawn == set(plotted.split(","))
    for column in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", sheet(lab, "md")):
        assert column in read("results/README.md"), column


def test_the_index_leads_to_every_sheet():
    index = read("bench/course/README.md")
    for lab in LABS:
        for name in (f"{lab}.ini", f"{lab}.md", f"{lab}.es.md"):
            assert f"]({name})" in index, name


# ---- charts and effects, by runs shorter than the labs

SHORTER = {
    "boundaries": ("--rate", "100/s,100k/s", "--engine", "poll,blocking", "--duration", "300ms"),
    "nagle": ("--rate", "20/s,100/s", "--duration", "500ms", "--messages", "1000"),
    "count-vs-size": ("--app", "15625 × 64 B,16 × 62.5 kB", "--warmup", "500ms"),
    "rtt-sweep": ("--size", "64,64k", "--duration", "200ms"),
    "throughput-sweep": ("--size", "64,16k", "--duration", "200ms"),
    "order-and-loss": ("--path", "3 % lost,5 % overtaken", "--duration", "1500ms"),
    "connect": ("--duration", "300ms"),
    "buffers": ("--rcvbuf", "16k,256k", "--sndbuf", "4k", "--stall", "100ms", "--duration",
                "200ms"),
    "who-waits": ("--path", "delay=20ms,up.drop=300", "--duration", "800ms"),
    "clients": ("--flows", "1,16"),
    "backlog": ("--backlog", "8,64"),
}


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """The shorter run of a lab, made once."""
    made = {}

    def result_of(lab):
        if lab not in made:
            skip_without_path([f"bench/course/{lab}.ini"])
            made[lab] = campaign(COURSE / f"{lab}.ini", *SHORT, *SHORTER[lab],
                                 cwd=tmp_path_factory.mktemp(lab))
        return made[lab]
    return result_of


@pytest.mark.parametrize("lab", SHORTER)
def test_a_lab_draws_its_charts(short, lab):
    result = short(lab)
    wanted = result.manifest["settings"]["plot"].split(",")
    assert result.stderr == ""
    said = re.findall(r"^chart out/charts/(\w+)\.png$", result.stdout, re.MULTILINE)
    assert sorted(said) == sorted(wanted), result.stdout
    for name in wanted:
        charts = result.directory / "charts"
        assert (charts / f"{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert len(list(ElementTree.parse(charts / f"{name}.svg").getroot().iter())) > 50


@pytest.mark.parametrize("lab", SHORTER)
def test_the_report_has_them_too(short, lab):
    render_mpl = pytest.importorskip("netversus_report.render_mpl")
    result = short(lab)
    figures = {figure.name: figure for figure in built(result.directory)}
    for name in result.manifest["settings"]["plot"].split(","):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for i, panel in enumerate(figures[name].panels):
                drawing = ElementTree.fromstring(render_mpl.render(panel, f"p{i}"))
                assert len(list(drawing.iter())) > 30


def counts(result, row, kind):
    """{value: count} of a run's pattern."""
    key = (row["run_id"], row["flow"], row["dir"])
    return {int(line["value"]): int(line["count"]) for line in result.by_key("patterns")[key]
            if line["kind"] == kind}


def test_a_datagram_is_a_call_and_a_stream_is_not(short):
    result = short("boundaries")
    for row in result.where(transport="udp"):
        assert set(counts(result, row, "msgs_per_recv")) == {1}, row["run_id"]
        assert set(counts(result, row, "recvs_per_msg")) == {1}, row["run_id"]
        assert row["split_msgs_count"] == row["coalesced_recvs_count"] == "0"
        assert row["tx_partial_writes"] == "0"
    fast = result.where(transport="tcp", rate="100000/s")
    assert {(row["engine"], row["nodelay"]) for row in fast} == {
        (engine, nodelay) for engine in ("poll", "blocking") for nodelay in ("no", "yes")}
    for row in fast:
        calls = counts(result, row, "msgs_per_recv")
        assert max(calls) > 1 and int(row["coalesced_recvs_count"]) > 0, row["run_id"]
        if row["nodelay"] == "no":
            assert int(row["split_msgs_count"]) > 0, row["run_id"]
            assert int(row["rx_unique_count"]) > 5 * sum(calls.values()), row["run_id"]


def test_the_chart_of_boundaries_says_so(short):
    figures = {figure.name: figure for figure in built(short("boundaries").directory)}
    for panel in figures["boundaries"].panels:
        lines = {trace.label: [point[1] for point in trace.points] for trace in panel.traces}
        assert set(lines) == {"TCP with Nagle", "TCP with NODELAY", "UDP"}
        assert lines["UDP"] == pytest.approx([1, 1])
        assert lines["TCP with Nagle"][1] > 5
        assert all(value > 1 for value in (lines["TCP with Nagle"][1], lines["TCP with NODELAY"][1]))


def test_a_send_call_may_take_a_part(tmp_path):
    result = campaign(COURSE / "boundaries.ini", *SHORT, "--rate", "max", "--size", "60k",
                      "--read-size", "0", "--duration", "300ms", "--stall", "100ms", cwd=tmp_path)
    for row in result.runs:
        partial = int(row["tx_partial_writes"])
        assert partial == 0 if row["transport"] == "udp" else partial > 0, row["run_id"]


def test_a_short_read_cuts_a_datagram(tmp_path):
    result = campaign(COURSE / "boundaries.ini", *SHORT, "--rate", "100/s", "--size", "200",
                      "--read-size", "100", "--duration", "300ms", cwd=tmp_path)
    for row in result.runs:
        truncated = int(row["rx_truncated_calls"])
        if row["transport"] == "tcp":
            assert truncated == 0 and row["split_msgs_count"] == row["rx_unique_count"] != "0"
        else:
            assert truncated >= int(row["sent_count"]) > 0 and row["rx_unique_count"] == "0"


def test_the_wait_of_40_ms(short):
    result = short("nagle")
    usual = {}
    for row in result.runs:
        times = [int(line["t_rcv_ns"]) - int(line["t_int_ns"]) for line in
                 result.by_key("messages")[row["run_id"], "all", row["dir"]]
                 if line["status"] == "ok"]
        assert len(times) >= 8
        usual[row["transport"], row["rate"], row["nodelay"]] = median(times)
        if (row["transport"], row["rate"], row["nodelay"]) == ("tcp", "100/s", "no"):
            assert 30 * MS < number(row["resp_max_ns"])
    assert 10 * MS < usual.pop(("tcp", "100/s", "no")) < 45 * MS
    assert len(usual) == 7 and max(usual.values()) < 10 * MS, usual


def test_a_megabyte_is_one_burst(short):
    result = short("count-vs-size")
    times = {}
    for row in result.where(transport="tcp"):
        many, size = int(row["sched_count"]), int(row["msg_size_bytes"])
        assert many * size == 10 ** 6 and row["rx_unique_count"] == row["sched_count"]
        times[many] = number(row["resp_max_ns"])
    assert times[15625] > 5 * times[16]


def test_who_keeps_the_order_and_brings_everything(short):
    result = short("order-and-loss")
    rows = {(row["transport"], row["path"]): row for row in result.runs}
    assert len(rows) == 4
    for (transport, path), row in rows.items():
        lost, reordered = int(row["lost_count"]), int(row["reordered_count"])
        assert (lost > 0) == ((transport, path) == ("udp", "3 % lost")), row["run_id"]
        assert (reordered > 0) == ((transport, path) == ("udp", "5 % overtaken")), row["run_id"]
        assert sum(counts(result, row, "reorder_extent").values()) == reordered
        runs = counts(result, row, "loss_run")
        assert sum(length * count for length, count in runs.items()) == lost


def test_the_sequence_shows_it(short):
    figures = {figure.name: figure for figure in built(short("order-and-loss").directory)}
    panels = {panel.title: panel for panel in figures["sequence"].panels}
    assert list(panels) == ["TCP · 3 % lost", "TCP · 5 % overtaken", "UDP · 3 % lost",
                            "UDP · 5 % overtaken"]
    for title, panel in panels.items():
        came = [trace for trace in panel.traces if trace.label in ("TCP", "UDP")]
        numbers = [point[1] for point in came[0].points if point]
        assert (numbers == sorted(numbers)) == (title != "UDP · 5 % overtaken"), title
        lost = [point for trace in came[1:] for point in trace.points]
        assert bool(lost) == (title == "UDP · 3 % lost") and len(numbers) + len(lost) == 60


def test_a_connection_is_what_tcp_pays_for(short):
    """The bars are what calls.csv says, a message; only those of TCP connect and accept."""
    result = short("connect")
    (figure,) = [figure for figure in built(result.directory) if figure.name == "calls"]
    (panel,) = figure.panels
    assert [name for _, name in panel.y.ticks] == ["UDP server", "TCP server", "UDP client",
                                                   "TCP client"]
    rows = [row for row in result.file("calls") if row["kind"] == "call"]
    for place, name in panel.y.ticks:
        transport, end = name.lower().split()
        mine = {row["call"]: row for row in rows if (row["transport"], row["end"]) == (
            transport, end)}
        once = {"socket", "bind", "listen"} if end == "server" else set()
        messages = [int(row["call_count"]) for row in rows
                    if (row["transport"], row["end"], row["call"]) == (
                        transport, "client", "socket")]
        expected = sum(int(row["total_ns"]) for call, row in mine.items() if call not in once)
        parts = [tile for tile in panel.tiles if tile.y[0] < place < tile.y[1]]
        assert parts[-1].x[0] == pytest.approx(expected / sum(messages))
        assert ("connect" in mine) == (name == "TCP client")
        assert ("accept" in mine) == (name == "TCP server")


def drawn(result, name):
    """The panels of a chart: {title: {arm: values along the axis}}."""
    (figure,) = [figure for figure in built(result.directory) if figure.name == name]
    return {panel.title: {trace.label: [point[1] for point in trace.points]
                          for trace in panel.traces} for panel in figure.panels}


def test_a_listening_socket_is_free_again_after_accept(short):
    """One listen, an accept a connection, and many of these open at once."""
    result = short("clients")
    rows = {(row["transport"], row["flows"]): row for row in result.runs if row["flow"] == "all"}
    assert len(rows) == 4
    for (transport, _), row in rows.items():
        calls = {(line["end"], line["call"]): int(line["call_count"])
                 for line in result.file("calls")
                 if (line["run_id"], line["flow"]) == (row["run_id"], "all")}
        assert calls["client", "socket"] >= int(row["rx_unique_count"]) > 100, row["run_id"]
        if transport == "udp":
            assert row["server_sockets_max_count"] == "1"
            assert not {call for _, call in calls} & {"listen", "accept"}, row["run_id"]
            continue
        assert calls["server", "listen"] == 1, row["run_id"]
        assert calls["server", "accept"] == calls["client", "connect"] == calls["client", "socket"]
    open_at_once = {flows: int(rows["tcp", flows]["server_sockets_max_count"]) - 1
                    for flows in ("1", "16")}
    assert 1 <= open_at_once["1"] < open_at_once["16"] and open_at_once["16"] > 4, open_at_once
    for transport in ("tcp", "udp"):
        rates = [number(rows[transport, flows]["msg_rate_per_s"]) for flows in ("1", "16")]
        assert rates[1] > 0.7 * rates[0], "two processors, and whoever else is there"
    chart = drawn(result, "clients")["sockets of the server at once, at most"]
    assert chart == {"TCP": [open_at_once["1"] + 1, open_at_once["16"] + 1], "UDP": [1, 1]}


def test_a_queue_that_is_too_short_costs_a_second(short):
    """8 clients, 20 connections a second each, 300 ms: 48 come; Linux holds one more than the
    backlog. A dropped one comes again after a second, and may be dropped again."""
    result = short("backlog")
    rows = {(row["transport"], row["backlog"]): row for row in result.runs if row["flow"] == "all"}
    assert 48 - 9 - 8 <= int(rows["tcp", "8"]["listen_overflow_count"]) <= 2 * 48
    assert rows["tcp", "64"]["listen_overflow_count"] == "0"
    for (transport, backlog), row in rows.items():
        slowest_ns = number(row["resp_max_ns"])
        assert (slowest_ns >= 900 * MS) == ((transport, backlog) == ("tcp", "8")), row["run_id"]
        assert slowest_ns > 250 * MS and row["lost_count"] == "0", row["run_id"]
        assert transport == "tcp" or row["listen_overflow_count"] == ""
    chart = drawn(result, "backlog")
    assert set(chart["connections that found the queue full"]) == {"TCP"}
    for transport, values in chart["slowest response"].items():
        assert values == [number(rows[transport.lower(), backlog]["resp_max_ns"])
                          for backlog in ("8", "64")]


# ---- --plot

QUICK = ("--workload", "stream", "--duration", "50ms", "--drain", "100ms", *SHORT)


def test_all_charts_are_drawn_at_the_end(tmp_path):
    result = campaign(*QUICK, "--plot", "all", cwd=tmp_path)
    assert re.search(r"^\d+ charts in out/charts$", result.stdout, re.MULTILINE)
    assert (result.directory / "charts" / "goodput.svg").exists()


def test_a_chart_without_data_is_told_and_the_others_are_drawn(tmp_path):
    result = campaign(*QUICK, "--plot", "capacity,goodput", cwd=tmp_path)
    assert 'no data for the chart "What arrives' in result.stdout
    assert [path.name for path in (result.directory / "charts").glob("*.png")] == ["goodput.png"]


def test_data_stay_alone_on_standard_output(tmp_path):
    result = campaign(*QUICK, "--plot", "goodput", "--format", "json", cwd=tmp_path)
    assert json.loads(result.stdout)["settings"]["plot"] == "goodput"
    assert result.stderr == "chart out/charts/goodput.png\n"


@pytest.mark.parametrize("programs, reason", [
    (("bash", "env", "dirname", "readlink", "python3"), "gnuplot is not installed"),
    ((), "bash")])
def test_a_run_succeeds_where_charts_cannot_be_drawn(programs, reason, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", only(tmp_path, *programs))
    result = campaign(*QUICK, "--plot", "goodput", cwd=tmp_path)
    assert result.stderr.count("\n") == 1 and reason in result.stderr
    assert len(result.runs) == 2
    assert not list(result.directory.glob("charts/*.png"))


def test_a_named_chart_alone(tmp_path, short):
    directory = short("boundaries").directory
    done = run("plot", directory, "--only", "pieces", cwd=tmp_path)
    assert done.stdout == f"chart {directory}/charts/pieces.png\n"
