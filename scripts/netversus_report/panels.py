# SPDX-License-Identifier: MIT
"""What renderers draw. Everything is in data units of axes that are fixed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .units import Axis

# For both renderers.
INK, MUTED, GRID, STRIP = "#1d2733", "#5c6875", "#dfe4ea", "#eceff3"
BAND_OPACITY = 0.18
PANELS_MAX = 6  # on one figure


@dataclass(frozen=True)
class Trace:
    """points: (x, y, lo, hi), or None where the line has a gap; lo and hi are the ends of a bar
    along y or x and may be None."""

    label: str
    colour: str
    marker: str  # "circle", "square", "triangle" or "diamond"
    dashed: bool = False
    filled: bool = True
    markers: bool = True
    joined: bool = True
    in_legend: bool = True
    rank: int = 0  # place in the legend
    bars: str = ""  # "", "x" or "y"
    points: tuple = ()
    band: tuple = ()  # (x, lo, hi), or None where it has a gap


@dataclass(frozen=True)
class Shade:
    """A grey strip across the panel, from lo to hi of one axis."""

    axis: str
    lo: float
    hi: float
    label: str = ""
    level: float = 0.95  # height of the label from 0 to 1


@dataclass(frozen=True)
class Tile:
    """A rectangle with words in its middle."""

    x: tuple  # from, to
    y: tuple
    fill: str
    text: str
    ink: str


@dataclass(frozen=True)
class Panel:
    title: str
    note: str  # a second, quieter line; may be empty
    x: Axis
    y: Axis
    traces: tuple
    shades: tuple = ()
    vline: tuple = None  # (x, label, height of the label from 0 to 1)
    rows: int = 0  # of a chart with a row for each thing, else 0
    tiles: tuple = ()


def legend(panels):
    """One trace for each distinct look, by rank."""
    entries = {}
    for panel in panels:
        for trace in panel.traces:
            if trace.in_legend:
                entries.setdefault(trace.label, trace)
    return sorted(entries.values(), key=lambda trace: trace.rank)


def paged(title, panels):
    """(suffix of the file's name, title, panels) of each figure."""
    pages = [panels[i:i + PANELS_MAX] for i in range(0, len(panels), PANELS_MAX)]
    for number, page in enumerate(pages, 1):
        yield f"-{number}" if len(pages) > 1 else "", title, page


def finish(panel):
    """Brings what is infinite or outside to the edge of the axes, and drops what no eye can see."""
    traces = []
    for trace in panel.traces:
        traces.extend(_split_infinite(trace, panel))
    vline = panel.vline if panel.vline and panel.x.lo < panel.vline[0] < panel.x.hi else None
    return replace(panel, vline=vline, traces=tuple(_settle(t, panel) for t in traces))


def _split_infinite(trace, panel):
    """Infinite values become open triangles at the edge that no line leads to."""
    flat = trace.bars == "x"
    edge = at(panel.x if flat else panel.y, 0.97)
    infinite = [bool(p) and math.isinf(p[0 if flat else 1]) for p in trace.points]
    if not any(infinite):
        return [trace]
    beyond = tuple((edge, p[1], None, None) if flat else (p[0], edge, None, None)
                   for p, is_beyond in zip(trace.points, infinite) if is_beyond)
    kept = tuple(None if is_beyond else p for p, is_beyond in zip(trace.points, infinite))
    triangles = replace(trace, marker="triangle", joined=False, in_legend=False, filled=False,
                        bars="", points=beyond)
    return [replace(trace, points=kept), triangles]


def _settle(trace, panel):
    across, along = (panel.x, panel.y) if trace.bars == "x" else (panel.y, panel.x)
    points = [point and (point[0], point[1], *_clamp(point[2:], across)) for point in trace.points]
    if len(points) > 100:
        points = _thin(points, along, across)
    band = [b and (b[0], *_clamp(b[1:], across)) for b in trace.band
            if b is None or along.lo <= b[0] <= along.hi]
    if len(band) > 100 and None not in band:
        band = [p for p in _thin([(x, lo, None, hi) for x, lo, hi in band], along, across)]
        band = [(x, lo, hi) for x, lo, _, hi in band]
    return replace(trace, points=tuple(points), band=tuple(band))


def _clamp(values, axis):
    return tuple(None if v is None else min(max(v, axis.lo), axis.hi) for v in values)


def _thin(points, along, across):
    """Keeps a point when it, or the one after it, is visibly elsewhere than the last one kept."""
    kept = []
    for i, point in enumerate(points):
        following = points[i + 1] if i + 1 < len(points) else None
        if not (kept and kept[-1] and point and following) \
                or _apart(kept[-1], point, along, across) \
                or _apart(kept[-1], following, along, across):
            kept.append(point)
    return kept


def _apart(a, b, along, across):
    return abs(_place(a[0], along) - _place(b[0], along)) > 0.003 \
        or abs(_place(a[1], across) - _place(b[1], across)) > 0.003


def at(axis, place):
    """The value at a place from 0 to 1 along an axis."""
    if axis.log:
        return axis.lo * (axis.hi / axis.lo) ** place
    return axis.lo + (axis.hi - axis.lo) * place


def _place(value, axis):
    """0 to 1 along an axis."""
    if axis.log:
        return math.log(max(value, axis.lo / 10) / axis.lo) / math.log(axis.hi / axis.lo)
    return (value - axis.lo) / (axis.hi - axis.lo)
