# SPDX-License-Identifier: MIT
"""Charts against the swept factor: lines over a number, or a row for each path that is none."""

from __future__ import annotations

import math
from dataclasses import replace

from . import crossing, nines, series, sweeps, units
from .panels import Panel, Shade, Trace, at, finish, paged

UNITS = {"time": units.time_text, "bits": units.bits_text, "count": units.count_text,
         "ratio": lambda value, trim=True: units.digits_trimmed(value),
         "percent": lambda value, trim=True: units.tick_percent(value)}
_QUANTITIES = {"time": "time", "percent": "share of messages", "count": "number"}  # of a stacked chart's axes


def figures(chart, campaign, sources):
    """A panel a group, several to a figure."""
    groups = list(campaign.groups.items())
    everything = [_traces(chart, campaign, sources, cells) for _, cells in groups]
    y = y_axis(chart, campaign, [t for traces in everything for t in traces])
    panels = [panel_of(chart, campaign, group, traces, y)
              for group, traces in zip(groups, everything) if traces]
    yield from paged(chart.title, panels)


def stacked(chart, campaign, sources):
    """A figure a group: a panel for each of the series, one above the other, each with its unit and
    its scale, which all figures share."""
    several = len(campaign.groups) > 1
    columns = [_column(replace(chart, y=_QUANTITIES[one.unit], unit=one.unit,
                               series=(replace(one, label=""),)), campaign, sources)
               for one in chart.series]
    for number, group in enumerate(campaign.groups, 1):
        panels = [replace(column[group], title=one.label, note=one.note)
                  for one, column in zip(chart.series, columns) if group in column]
        yield f"-{number}" if several else "", f"{chart.title} · {group}", panels


def _column(chart, campaign, sources):
    """{group: its panel}, of those that there are values for."""
    traces = {group: _traces(chart, campaign, sources, cells)
              for group, cells in campaign.groups.items()}
    y = y_axis(chart, campaign, [t for some in traces.values() for t in some])
    return {group: panel_of(chart, campaign, (group, campaign.groups[group]), some, y)
            for group, some in traces.items() if some}


def _traces(chart, campaign, sources, cells):
    traces = []
    for one in chart.series:
        for arm in campaign.arms:
            points = [_point(chart, campaign, sources, one, cell, arm) for cell in cells]
            if not any(points):
                continue
            scale = getattr(campaign.sweep, "scale", None)
            if scale and scale.apart:  # No line leads to a 0 that stands beside a log axis.
                points.insert(sum(scale.values[cell.path] == 0 for cell in cells), None)
            traces.append(Trace(f"{arm.label} {one.label}".strip(), arm.colour, arm.marker,
                                dashed=one.dashed, filled=not one.dashed, points=tuple(points),
                                joined=not campaign.sweep.rows, bars="y"))
    return traces


def _point(chart, campaign, sources, one, cell, arm):
    kind, argument = one.source.split(":")
    if kind == "run":
        found = series.run_column(campaign, cell, arm, argument)
    else:
        found = sources["quantile"].get((cell.cell_id, cell.dir, arm.key, float(argument)))
    if found is None or (chart.scale == "log" and found.y <= 0):
        return None
    values = (found.y, found.lo, found.hi)
    if chart.scale == "nines":
        values = [nines.place(v) for v in values]
    elif chart.unit == "percent":
        values = [100 * v for v in values]
    return (campaign.sweep.value(cell), *values)


def y_axis(chart, campaign, traces):
    """Shared by all panels; with room at the top for what is said there."""
    values = [v for t in traces for p in t.points if p for v in p[1:]]
    if chart.scale == "nines":
        most = max((row["sched_count"] or 1 for row in campaign.result.runs), default=1)
        return nines.axis(_within_text(chart.y, campaign.cells), values, most, campaign.sweep.rows)
    axis = _y_axis_tight(chart, values)
    room = 0.1 * any(cell.fragmented for cell in campaign.cells) + 0.12 * _any_infinite(traces)
    return replace(axis, hi=at(axis, 1 + room))


def _within_text(label, cells):
    """"on time" of which deadline?"""
    deadlines = {dict(cell.factors).get("deadline_ms") for cell in cells}
    only = deadlines.pop()
    return f"{label}, within {only:g}\u00a0ms" if only and not deadlines else label


def _any_infinite(traces):
    return any(p and math.isinf(p[1]) for t in traces for p in t.points)


def _y_axis_tight(chart, values):
    text = UNITS[chart.unit]
    if chart.scale == "log":
        return units.log_axis(chart.y, values, lambda v: text(v, trim=True))

    def tick(value):
        return text(value, trim=True) if value or chart.unit == "percent" else "0"

    # All zero: a line on the floor of a small scale, and a note.
    return units.linear_axis(chart.y, values + [0] if any(values) else [0, 1], tick)


def panel_of(chart, campaign, group, traces, y):
    title, cells = group
    sweep = campaign.sweep
    x = sweep.axis(cells)
    note, vline = "", None
    if chart.zero_note and not any(p[1] for t in traces for p in t.points if p):
        note = f"{chart.zero_note}: {_bound_text(chart, campaign, cells)}"
    infinite = _any_infinite(traces)
    if infinite:
        note = f"▲ {chart.infinite_note}" if chart.infinite_note else _infinite_text(traces)
    if chart.scale == "nines":
        traces = [nines.brought_in(trace, y) for trace in traces]
        note, vline = crossing.told(
            campaign, cells, chart.series[0].source.split(":")[1], traces)
    traces = tuple(_dodge(t, campaign.arms, x, sweep.rows) for t in traces)
    if sweep.rows:
        traces = tuple(_turned(t) for t in traces)
        return finish(Panel(title, note, units.spread(y), x, traces, rows=len(x.ticks)))
    level = 0.87 if infinite else 0.95
    return finish(Panel(title, note, x, y, traces, _fragmented(sweep, cells, x, level), vline))


def _infinite_text(traces):
    half = any(p and math.isinf(p[1]) for t in traces if not t.dashed for p in t.points)
    share = "half of the messages or more" if half else "more than 1 in 100 messages"
    return f"▲ infinite: {share} never arrived"


def _dodge(trace, arms, x, rows):
    """Arms side by side, a hair apart: equal values must not hide each other."""
    place = next(i for i, arm in enumerate(arms) if trace.label.startswith(arm.label))
    step = place - (len(arms) - 1) / 2
    if rows:  # The first on top.
        return _moved(trace, lambda v: v - 0.24 * step)
    if x.log:
        return _moved(trace, lambda v: v * (x.hi / x.lo) ** (0.012 * step))
    return _moved(trace, lambda v: v + 0.012 * step * (x.hi - x.lo))


def _moved(trace, move):
    return replace(trace, points=tuple(p and (move(p[0]), *p[1:]) for p in trace.points))


def _turned(trace):
    """Values along x, and paths along y."""
    return replace(trace, bars="x", points=tuple(p and (p[1], p[0], *p[2:]) for p in trace.points))


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
    if sweep is not sweeps.SIZE or not any(cell.fragmented for cell in cells):
        return ()
    first = min(cell.size_bytes for cell in cells if cell.fragmented)
    below = [cell.size_bytes for cell in cells if cell.size_bytes < first]
    start = math.sqrt(first * max(below)) if below else x.lo
    return (Shade("x", start, x.hi, "over the MTU", level),)
