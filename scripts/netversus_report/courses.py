# SPDX-License-Identifier: MIT
"""The course of runs over an outage: what arrived, and how late, interval by interval."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from statistics import median

from . import paths, series, units
from .panels import Panel, Shade, Trace, finish

_TEXTS = {"count": units.count_text, "time": units.time_text}


def figures(chart, campaign, _sources):
    """A figure a cell, its panels one above the other on one axis of time."""
    intervals = _by_arm(campaign)
    cells = [cell for cell in campaign.cells if outages(campaign, cell.path)
             and any(key[:2] == (cell.cell_id, cell.dir) for key in intervals)]
    for number, cell in enumerate(cells, 1):
        panels = [_panel(chart, campaign, cell, one, intervals) for one in chart.series]
        yield (f"-{number}" if len(cells) > 1 else "", f"{chart.title} · {cell.title}",
               [panel for panel in panels if panel])


def outages(campaign, path):
    return paths.outages(paths.definition(campaign.result.campaign, path))


def _by_arm(campaign):
    found = defaultdict(list)
    for row in campaign.result.intervals:
        found[row["cell_id"], row["dir"], series.arm_key(campaign, row)].append(row)
    return found


def _panel(chart, campaign, cell, one, intervals):
    values = _missing if one.source == "interval:missing" else _slowest
    traces = [_trace(arm, values(cell, intervals.get((cell.cell_id, cell.dir, arm.key), [])))
              for arm in campaign.arms]
    traces = [trace for trace in traces if any(trace.points)]
    if not traces:
        return None
    times = [p[0] for t in traces for p in t.points if p]
    edges = [v for t in traces for p in t.band if p for v in p[1:]]

    def text(value):
        return _TEXTS[one.unit](value, trim=True) if value else "0"

    x = units.linear_axis(chart.x, times, lambda v: f"{v:g}\u00a0s", lo=math.floor(min(times)),
                          hi=math.ceil(max(times)), count=8)
    y = units.log_axis("response time (log)", edges, text) if one.unit == "time" else \
        units.linear_axis("messages", edges + [0], text)
    y = replace(y, hi=y.hi * (1.4 if y.log else 1.1))
    shades = tuple(Shade("x", start, end, "outage" if i == 0 else "", 0.95)
                   for i, (start, end) in enumerate(outages(campaign, cell.path)))
    return finish(Panel(one.label, one.note, x, y, tuple(traces), shades))


def _slowest(_cell, rows):
    """{time: [value of each run]}"""
    slots = defaultdict(list)
    for row in rows:
        slots[(row["t_start_s"] + row["t_end_s"]) / 2].append(row["resp_max_ns"])
    return slots


def _missing(cell, rows):
    """What was due until the end of an interval, less what had arrived then: bytes over the size of
    a message. The receiver's intervals are later by the smallest delay."""
    slots, behind = defaultdict(list), defaultdict(float)
    if dict(cell.factors).get("reply_size", "0") != "0":
        return slots
    for row in sorted(rows, key=lambda row: row["t_start_s"]):
        run = row["run_id"]
        behind[run] += row["sched_count"] - row["rx_bytes"] / cell.size_bytes
        slots[row["t_end_s"]].append(behind[run])
    return slots


def _trace(arm, slots):
    """Medians over blocks; the band spans the blocks. A gap where half of them have no value."""
    points, band = [], []
    for time, values in sorted(slots.items()):
        known = [value for value in values if value is not None]
        enough = 2 * len(known) > len(values)
        points.append((time, median(known), None, None) if enough else None)
        band.append((time, min(known), max(known)) if enough else None)
    return Trace(arm.label, arm.colour, arm.marker, markers=False, points=tuple(points),
                 band=tuple(band))
