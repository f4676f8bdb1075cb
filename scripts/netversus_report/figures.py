# SPDX-License-Identifier: MIT
"""Turns the list of charts and a campaign into figures: panels with every axis, tick, point and
word decided, so that two renderers can only draw the same thing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from . import (callbars, capacity, charts, courses, forest, paths, planes, sequence, series,
               sweep_charts, sweeps, units, variants, waits)
from .panels import Panel, Trace, finish


@dataclass(frozen=True)
class Figure:
    name: str  # of files, unique
    title: str
    help: str
    caption: str
    panels: tuple
    row_labels: bool = False  # panels side by side name the same rows
    stacked: bool = False  # panels one above the other


# Flags of runs that other work on the machine disturbed.
BUSY = {"sched_lag", "path_late", "steal"}

# Which results a chart is about; of others it is not even said to be missing.
NEEDS = {"": lambda campaign: True,
         "path": lambda campaign: campaign.sweep.column == "path",
         "two": lambda campaign: len(campaign.arms) == 2 and campaign.sweep.column == "path",
         "plane": planes.has_plane,
         "cpu": lambda campaign: campaign.sweep is sweeps.SIZE and any(
             row.get("cpu_ns_per_msg") for row in campaign.result.runs),
         "messages": sequence.has_messages,
         "calls": callbars.has_calls,
         "nodelay": variants.has_variants,
         "stream": lambda campaign: any(dict(cell.factors)["workload"] == "stream"
                                        for cell in campaign.cells),
         "search": lambda campaign: bool(campaign.result.trials),
         "times": lambda campaign: any(dict(cell.factors)["rate"] != "search"
                                       for cell in campaign.cells),
         "stamps": waits.has_waits,
         "stall": lambda campaign: campaign.sweep.column == "rcvbuf" and _stalls(campaign),
         "backlog": lambda campaign: campaign.sweep.column == "backlog" and _stalls(campaign),
         "clients": lambda campaign: campaign.sweep.column == "flows" and any(
             dict(cell.factors)["workload"] == "crr" for cell in campaign.cells),
         "outage": lambda campaign: any(courses.outages(campaign, cell.path)
                                        for cell in campaign.cells)}


def _stalls(campaign):
    return any(dict(cell.factors).get("stall", "0") != "0" for cell in campaign.cells)


def build(campaign, only=()):
    """Every figure of the list that this campaign has data for; of those named, if any are."""
    sources = {"quantile": series.quantiles(campaign), "curve": series.curves(campaign)}
    figures = []
    for chart in wanted(campaign, only):
        for suffix, title, panels in KINDS[chart.kind](chart, campaign, sources):
            if not any(panel.tiles or trace.points for panel in panels for trace in panel.traces):
                continue
            figures.append(Figure(
                name=chart.name + suffix, title=title, panels=tuple(panels),
                help=forest.fill_names(chart.help, campaign)
                + _unknown_text(chart, campaign, panels),
                caption=caption_text(
                    campaign, with_bars=chart.kind in ("sweep", "stacked", "variants")),
                row_labels=chart.kind == "forest" or (
                    chart.kind == "sweep" and campaign.sweep.rows),
                stacked=chart.kind in ("course", "waits", "stacked")))
    return figures


def wanted(campaign, only=()):
    named = only or str((campaign.result.campaign.get("settings") or {}).get("plot")).split(",")
    return [chart for chart in charts.CHARTS if NEEDS[chart.needs](campaign)
            and (chart.name in named or not only and not chart.asked)]


def missing(campaign, figures, only=()):
    """Titles of charts that there is no data for."""
    drawn = {figure.name.partition("-")[0] for figure in figures}
    return [chart.title for chart in
            (wanted(campaign) if not only else [c for c in charts.CHARTS if c.name in only])
            if chart.name not in drawn and (chart.kind != "forest" or campaign.result.comparisons)]


def _unknown_text(chart, campaign, panels):
    """What a reader would look for in vain, and why it is not there."""
    labels = [trace.label for panel in panels for trace in panel.traces]
    bars = chart.kind != "forest" or forest.has_bars(campaign)
    said = "" if bars else " There are no bars below 6 blocks."
    names = forest.unknown(campaign) if chart.kind == "forest" else [
        one.label for one in chart.series
        if chart.kind == "sweep" and one.label
        and not any(label.endswith(one.label) for label in labels)]
    if not names:
        return said
    reason = "it takes 1000 messages a run" if all("p99" in name for name in names) else \
        "too few messages in a run, or the two clocks differ"
    return f"{said} Not known, so not shown: {'; '.join(names)} ({reason})."


def _curve_figures(chart, campaign, sources):
    """One figure a group, one panel a cell of it."""
    for i, (group, cells) in enumerate(campaign.groups.items(), 1):
        several = len(campaign.groups) > 1
        panels = [_curve_panel(chart, campaign, sources["curve"], cell) for cell in cells]
        panels = _share_axes(chart, [panel for panel in panels if panel])
        yield f"-{i}" if several else "", f"{chart.title} · {group}", panels


def _curve_panel(chart, campaign, curves, cell):
    missing = chart.series[0].source == "curve:missing"
    traces, notes, deadline = [], [], None
    for arm in campaign.arms:
        curve = curves.get((cell.cell_id, cell.dir, arm.key))
        if curve is None:
            continue
        traces.append(Trace(arm.label, arm.colour, arm.marker, markers=False,
                            points=_curve_points(curve, missing),
                            band=tuple((x, *_shares(lo, hi, missing)) for x, lo, hi in curve.band)))
        deadline, share = series.on_time(campaign, cell, arm)
        if share is not None:
            notes.append(f"{arm.label} {units.percent_text(share)}")
    if not traces:
        return None
    note = f"within {deadline:g} ms: {', '.join(notes)}" if notes else ""
    title = campaign.sweep.text(cell)
    if cell.fragmented:
        title += " · over the MTU, fragmented"
    axis = units.log_axis("", [1, 10], units.time_text)  # Shared ones follow.
    vline = (deadline * 1e6, "deadline", 0.93 if missing else 0.06) if deadline else None
    return Panel(title, note, axis, axis, tuple(traces), vline=vline)


def _shares(lo, hi, missing):
    return (100 * (1 - hi), 100 * (1 - lo)) if missing else (100 * lo, 100 * hi)


def _curve_points(curve, missing):
    points = [(x, 100 * (1 - y if missing else y), None, None) for x, y in curve.points]
    if not missing:
        return tuple(points)
    floor = 50 / curve.scheduled  # Half a message is none, whatever the rounding.
    last = next((i for i, point in enumerate(points) if point[1] < floor), len(points))
    # All delivered: the line falls off the scale, which has no 0, and ends.
    fall = [(points[last][0], floor, None, None), None] if last < len(points) else []
    return tuple(points[:last] + fall)


def _share_axes(chart, panels):
    """Small multiples compare only on the same axes."""
    if not panels:
        return []
    xs = [p[0] for panel in panels for t in panel.traces for p in t.points if p and p[0] > 0]
    x = units.log_axis(chart.x, xs, lambda v: units.time_text(v, trim=True), pad=1.5)
    if chart.scale == "log":
        ys = [p[1] for panel in panels for t in panel.traces for p in t.points if p]
        y = replace(units.log_axis(chart.y, ys + [100], units.tick_percent, pad=1.02), hi=140)
    else:
        y = replace(units.linear_axis(chart.y, [0, 100], units.tick_percent), hi=102)
    return [finish(replace(panel, x=x, y=y, traces=tuple(_to_right(t, x.hi) for t in panel.traces)))
            for panel in panels]


def _to_right(trace, x):
    """A curve stays where it ended: what had not arrived by then never did."""
    if not trace.points or trace.points[-1] is None:
        return trace
    band = trace.band + ((x, *trace.band[-1][1:]),) if trace.band else ()
    return replace(trace, points=trace.points + ((x, *trace.points[-1][1:]),), band=band)


KINDS = {"curve": _curve_figures, "sweep": sweep_charts.figures, "forest": forest.figures,
         "plane": planes.figures, "course": courses.figures, "stacked": sweep_charts.stacked,
         "capacity": capacity.figures, "waits": waits.figures, "variants": variants.figures,
         "sequence": sequence.figures, "calls": callbars.figures}


def caption_text(campaign, with_bars=False):
    """Hosts, path, date and main parameters, for every chart."""
    meta = campaign.result.campaign
    environment = meta.get("environment") or {}
    hosts = [str((environment.get(end) or {}).get("hostname") or "")
             for end in ("client", "server")]
    hosts = [host for host in dict.fromkeys(hosts) if host] or ["unknown host"]
    factors = {column: list(dict.fromkeys(str(dict(cell.factors).get(column, ""))
                                          for cell in campaign.cells))
               for column in ("workload", "rate", "arrival", "flows", "engine", "path")}
    emulated = any(path not in ("", "none") for path in factors["path"])
    sizes = list(dict.fromkeys(cell.size for cell in sorted(campaign.cells,
                                                            key=lambda c: c.size_bytes)))
    rates = [series.factor_text("rate", rate) for rate in factors["rate"]]
    arrivals = [] if factors["rate"] == ["max"] else factors["arrival"]
    blocks = len({row["block"] for row in campaign.result.runs})
    start = str(meta.get("start_utc_iso") or meta.get("start_utc") or "")
    parts = [" ⇄ ".join(hosts),
             f"emulated path {paths.list_text(factors['path'], meta)}" if emulated else
             "loopback" if (meta.get("settings") or {}).get("server") == "" else "",
             start.replace("T", " ").replace("Z", " UTC"),
             ", ".join(factors["workload"]), ", ".join(sizes),
             f"{', '.join(rates)} {', '.join(arrivals)}".strip(),
             f"{', '.join(factors['flows'])} flow" + ("" if factors["flows"] == ["1"] else "s"),
             ", ".join(factors["engine"]), f"{blocks} block" + ("" if blocks == 1 else "s")]
    if meta.get("seed") is not None:
        parts.append(f"seed {meta['seed']}")
    if with_bars:
        parts.append("bars: 95 % interval of the median over blocks" if blocks >= 6 else
                     "bars: lowest to highest block")
    busy = {row["run_id"] for row in campaign.result.runs
            if BUSY & set((row.get("flags") or "").split(";"))}
    if busy:
        runs = len({row["run_id"] for row in campaign.result.runs})
        parts.append(f"in {len(busy)} of {runs} runs the machine was busy")
    left_out = campaign.result.invalid_count
    if left_out:
        parts.append(f"{left_out} invalid run{'s' if left_out > 1 else ''} left out")
    return " · ".join(part for part in parts if part)
