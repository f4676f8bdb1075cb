# SPDX-License-Identifier: MIT
"""Sweeps with Nagle's algorithm on and off in one panel: two lines of TCP, and one of UDP, which
has no such thing."""

from __future__ import annotations

from collections import defaultdict

from . import series, sweep_charts
from .panels import Trace, paged

_WORDS = {"no": "with Nagle", "yes": "with NODELAY"}


def figures(chart, campaign, _sources):
    """A panel a group of cells that are alike in all but nodelay and what the axis shows."""
    groups = defaultdict(list)
    for title, cells in campaign.groups.items():
        kept = [word for word in title.split(" · ") if not word.startswith("nodelay ")]
        groups[" · ".join(kept)] += cells
    everything = [_traces(chart, campaign, cells) for cells in groups.values()]
    y = sweep_charts.y_axis(chart, campaign, [t for traces in everything for t in traces])
    panels = [sweep_charts.panel_of(chart, campaign, group, traces, y)
              for group, traces in zip(groups.items(), everything) if traces]
    yield from paged(chart.title, panels)


def has_variants(campaign):
    return len({dict(cell.factors).get("nodelay") for cell in campaign.cells}) > 1


def _traces(chart, campaign, cells):
    variants = defaultdict(list)
    for cell in cells:
        variants[dict(cell.factors).get("nodelay")].append(cell)
    traces = []
    for arm in campaign.arms:
        colours = series.COLOURS.get(arm.key[0], series.COLOURS_OTHER)
        split = sorted(variants) if arm.key[0] == "tcp" and len(variants) > 1 else [None]
        for i, variant in enumerate(split):
            members = variants[variant] if variant else cells
            points = tuple(point for column in _columns(campaign, members).values()
                           if (point := _point(chart, campaign, column, arm)))
            label = f"{arm.label} {_WORDS.get(variant, '')}".strip()
            if points:
                traces.append(Trace(label, colours[i], arm.marker, filled=i == 0, points=points,
                                    bars="y"))
    return traces


def _columns(campaign, cells):
    """{place on the axis: cells there}, in order."""
    columns = defaultdict(list)
    for cell in sorted(cells, key=campaign.sweep.value):
        columns[campaign.sweep.value(cell)].append(cell)
    return columns


def _point(chart, campaign, cells, arm):
    column = chart.series[0].source.partition(":")[2]
    found = series.summarise([series.value_of(row, column) for cell in cells for row in
                              campaign.rows.get((cell.cell_id, cell.dir, arm.key), [])])
    if found is None or chart.scale == "log" and found.y <= 0:
        return None
    scale = 100 if chart.unit == "percent" else 1
    return (campaign.sweep.value(cells[0]), scale * found.y, scale * found.lo, scale * found.hi)
