# SPDX-License-Identifier: MIT
"""Turns the list of charts and a campaign into figures: panels with every axis, tick, point and
word decided, so that two renderers can only draw the same thing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from . import charts, forest, series, units
from .panels import Panel, Shade, Trace, at, finish

PANELS_MAX = 6  # of sweep charts, on one figure

UNITS = {"time": units.time_text, "bits": units.bits_text,
         "percent": lambda value, trim=True: units.tick_percent(value)}


@dataclass(frozen=True)
class Figure:
    name: str  # of files, unique
    title: str
    help: str
    caption: str
    panels: tuple
    row_labels: bool = False  # panels side by side name the same rows


def build(campaign):
    """Every figure of the list that this campaign has data for."""
    sources = {"quantile": series.quantiles(campaign), "curve": series.curves(campaign)}
    figures = []
    for chart in charts.CHARTS:
        for suffix, title, panels in KINDS[chart.kind](chart, campaign, sources):
            if not any(trace.points for panel in panels for trace in panel.traces):
                continue
            figures.append(Figure(
                name=chart.name + suffix, title=title, panels=tuple(panels),
                help=forest.fill_names(chart.help, campaign)
                + _unknown_text(chart, campaign, panels),
                caption=caption_text(campaign, with_bars=chart.kind == "sweep"),
                row_labels=chart.kind == "forest"))
    return figures


def missing(campaign, figures):
    """Titles of charts that there is no data for."""
    drawn = {figure.name.partition("-")[0] for figure in figures}
    return [chart.title for chart in charts.CHARTS if chart.name not in drawn
            and (chart.kind != "forest" or campaign.result.comparisons)]


def _unknown_text(chart, campaign, panels):
    """What a reader would look for in vain, and why it is not there."""
    labels = [trace.label for panel in panels for trace in panel.traces]
    bars = chart.kind != "forest" or forest.has_bars(campaign)
    said = "" if bars else " There are no bars below 6 blocks."
    names = forest.unknown(campaign) if chart.kind == "forest" else [
        one.label for one in chart.series
        if one.label and not any(label.endswith(one.label) for label in labels)]
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


def _sweep_figures(chart, campaign, sources):
    """A panel a group, several to a figure."""
    groups = list(campaign.groups.items())
    everything = [_sweep_traces(chart, campaign, sources, cells) for _, cells in groups]
    y = _sweep_y(chart, campaign, [t for traces in everything for t in traces])
    panels = [_sweep_panel(chart, campaign, group, traces, y)
              for group, traces in zip(groups, everything) if traces]
    pages = [panels[i:i + PANELS_MAX] for i in range(0, len(panels), PANELS_MAX)]
    for number, page in enumerate(pages, 1):
        yield f"-{number}" if len(pages) > 1 else "", chart.title, page


def _sweep_traces(chart, campaign, sources, cells):
    traces = []
    for one in chart.series:
        for arm in campaign.arms:
            points = tuple(_sweep_point(chart, campaign, sources, one, cell, arm)
                           for cell in cells)
            if any(points):
                traces.append(Trace(f"{arm.label} {one.label}".strip(), arm.colour, arm.marker,
                                    dashed=one.dashed, filled=not one.dashed, points=points,
                                    bars="y"))
    return traces


def _sweep_point(chart, campaign, sources, one, cell, arm):
    kind, argument = one.source.split(":")
    if kind == "run":
        found = series.run_column(campaign, cell, arm, argument)
    else:
        found = sources["quantile"].get((cell.cell_id, cell.dir, arm.key, float(argument)))
    if found is None or (chart.scale == "log" and found.y <= 0):
        return None
    factor = 100 if chart.unit == "percent" else 1
    return (campaign.sweep.value(cell), *(factor * v for v in (found.y, found.lo, found.hi)))


def _sweep_y(chart, campaign, traces):
    """Shared by all panels; with room at the top for what is said there."""
    axis = _sweep_y_tight(chart, traces)
    room = 0.1 * any(cell.fragmented for cell in campaign.cells) + 0.12 * _any_infinite(traces)
    return replace(axis, hi=at(axis, 1 + room))


def _any_infinite(traces):
    return any(p and math.isinf(p[1]) for t in traces for p in t.points)


def _sweep_y_tight(chart, traces):
    values = [v for t in traces for p in t.points if p for v in p[1:]]
    text = UNITS[chart.unit]
    if chart.scale == "log":
        return units.log_axis(chart.y, values, lambda v: text(v, trim=True))
    axis = units.linear_axis(chart.y, values + [0], units.tick_percent)
    # All zero: a line on the floor of a small scale, and a note.
    return axis if any(values) else units.linear_axis(chart.y, [0, 1], units.tick_percent)


def _sweep_panel(chart, campaign, group, traces, y):
    title, cells = group
    sweep = campaign.sweep
    mixed = any(sweep.tick(c) != sweep.text(c) for c in cells)
    x = units.value_axis(sweep.label + (", ≈ mean of a mix" if mixed else ""),
                         {sweep.value(c): sweep.tick(c) for c in cells})
    note = ""
    if chart.zero_note and not any(p[1] for t in traces for p in t.points if p):
        note = f"{chart.zero_note}: {_bound_text(chart, campaign, cells)}"
    infinite = _any_infinite(traces)
    if infinite:
        note = "▲ infinite: more than 1 in 100 messages never arrived"
    panel = Panel(title, note, x, y, tuple(_dodge(t, campaign.arms, x) for t in traces))
    level = 0.87 if infinite else 0.95
    return finish(replace(panel, shades=_fragmented(sweep, cells, x, level)))


def _dodge(trace, arms, x):
    """Arms side by side, a hair apart: equal values must not hide each other."""
    place = next(i for i, arm in enumerate(arms) if trace.label.startswith(arm.label))
    shift = (x.hi / x.lo) ** (0.012 * (place - (len(arms) - 1) / 2))
    return replace(trace, points=tuple(p and (p[0] * shift, *p[1:]) for p in trace.points))


def _bound_text(chart, campaign, cells):
    """Zero of n says that the share is below 3/n, at 95 %: the rule of three. What one transport
    delivered says nothing of the other, so the one with fewer messages sets the bound."""
    base = "sent_count" if chart.zero_count == "lost_count" else "rx_unique_count"
    totals = [series.count_sum(campaign, base, cells, arm) for arm in campaign.arms]
    count = sum(series.count_sum(campaign, chart.zero_count, cells, arm) for arm in campaign.arms)
    if count:  # In so few blocks that the median is 0.
        return f"in the median block ({count:.0f} of {sum(totals):,.0f} in all)".replace(
            ",", "\u2009")
    least = min(totals)
    bound = f", so under {units.percent_text(3 / least)}" if least else ""
    each = "" if len(totals) == 1 else " each" if least == max(totals) else " or more each"
    return f"0 of {least:,.0f}".replace(",", "\u2009") + each + bound


def _fragmented(sweep, cells, x, level):
    """The stretch of sizes that IP cuts into fragments: from halfway to the first of them."""
    if sweep is not series.SIZE or not any(cell.fragmented for cell in cells):
        return ()
    first = min(cell.size_bytes for cell in cells if cell.fragmented)
    below = [cell.size_bytes for cell in cells if cell.size_bytes < first]
    start = math.sqrt(first * max(below)) if below else x.lo
    return (Shade("x", start, x.hi, "over the MTU", level),)


KINDS = {"curve": _curve_figures, "sweep": _sweep_figures, "forest": forest.figures}


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
    paths = ["real" if path == "none" else path for path in factors["path"]]
    sizes = list(dict.fromkeys(cell.size for cell in sorted(campaign.cells,
                                                            key=lambda c: c.size_bytes)))
    blocks = len({row["block"] for row in campaign.result.runs})
    start = str(meta.get("start_utc_iso") or meta.get("start_utc") or "")
    parts = [" ⇄ ".join(hosts),
             "loopback" if (meta.get("settings") or {}).get("server") == "" else "",
             f"path {', '.join(paths)}" if any(paths) and paths != ["real"] else "",
             start.replace("T", " ").replace("Z", " UTC"),
             ", ".join(factors["workload"]), ", ".join(sizes),
             f"{', '.join(factors['rate'])} {', '.join(factors['arrival'])}",
             f"{', '.join(factors['flows'])} flow" + ("" if factors["flows"] == ["1"] else "s"),
             ", ".join(factors["engine"]), f"{blocks} block" + ("" if blocks == 1 else "s")]
    if meta.get("seed") is not None:
        parts.append(f"seed {meta['seed']}")
    if with_bars:
        parts.append("bars: 95 % interval of the median over blocks" if blocks >= 6 else
                     "bars: lowest to highest block")
    left_out = campaign.result.invalid_count
    if left_out:
        parts.append(f"{left_out} invalid run{'s' if left_out > 1 else ''} left out")
    return " · ".join(part for part in parts if part)
