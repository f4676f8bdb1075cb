# SPDX-License-Identifier: MIT
"""Panels as SVG, by matplotlib: one picture a panel, so that a page can lay them out to its width.

The state of matplotlib is not touched: no pyplot, no backend, settings that hold inside render.
"""

from __future__ import annotations

import io
import re
from html import escape

import matplotlib
from matplotlib.figure import Figure

from .panels import BAND_OPACITY, GRID, INK, MUTED, STRIP

_WIDTH, _HEIGHT = 4.6, 3.1  # inches
_ROW_HEIGHT, _LABEL_WIDTH = 0.26, 0.068  # of a forest's row, and of a character of its label
_MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D"}
SETTINGS = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 9,
    "svg.fonttype": "none", "svg.hashsalt": "netversus", "axes.edgecolor": INK,
    "axes.labelcolor": MUTED, "axes.linewidth": 0.8, "axes.labelsize": 8.5, "xtick.color": MUTED,
    "ytick.color": MUTED, "xtick.labelsize": 8.5, "ytick.labelsize": 8.5, "xtick.major.size": 3,
    "ytick.major.size": 3, "lines.solid_capstyle": "round", "axes.spines.top": False,
    "axes.spines.right": False, "text.parse_math": False}


def render(panel, name):
    """SVG text to be put into a page as it is. name: unique on the page, letters and digits."""
    with matplotlib.rc_context(SETTINGS):
        out = io.StringIO()
        _draw(panel).savefig(out, format="svg", metadata={"Date": None, "Creator": None,
                                                          "Format": None, "Type": None})
    return _inline(out.getvalue(), name, panel.title)


def _draw(panel):
    labels = max((len(label) for _, label in panel.y.ticks), default=0)
    left = 0.2 + _LABEL_WIDTH * labels if panel.rows else 0.86
    height = 1.2 + _ROW_HEIGHT * panel.rows if panel.rows else _HEIGHT
    width = max(_WIDTH, left + 2.6)
    figure = Figure(figsize=(width, height), facecolor="none")
    axes = figure.add_axes([left / width, 0.56 / height, (width - left - 0.26) / width,
                            (height - 1.04) / height], facecolor="none")
    set_axis(axes.xaxis, axes.set_xscale, axes.set_xlim, panel.x)
    set_axis(axes.yaxis, axes.set_yscale, axes.set_ylim, panel.y)
    figure.text((left if not panel.rows else 0.08) / width, 1 - 0.16 / height, panel.title,
                fontsize=10, fontweight="bold", color=INK, va="center")
    figure.text((left if not panel.rows else 0.08) / width, 1 - 0.36 / height, panel.note,
                fontsize=8, color=MUTED, va="center")
    for shade in panel.shades:
        _draw_shade(axes, shade)
    if panel.vline:
        x, label, level = panel.vline
        axes.axvline(x, color=MUTED, linewidth=0.8, linestyle=":", zorder=1)
        axes.text(x, level, label + " ", transform=axes.get_xaxis_transform(), ha="right",
                  va="center", fontsize=7.5, color=MUTED)
    for tile in panel.tiles:
        _draw_tile(axes, tile)
    if panel.tiles:
        axes.grid(False)
        axes.tick_params(length=0)
    for order, trace in enumerate(panel.traces):
        _draw_trace(axes, trace, 3 + order)
    return figure


def set_axis(axis, set_scale, set_limits, wanted):
    if wanted.log:
        set_scale("log", nonpositive="mask")
    set_limits(wanted.lo, wanted.hi)
    axis.set_ticks([value for value, _ in wanted.ticks])
    axis.set_ticklabels([label for _, label in wanted.ticks])
    axis.set_ticks([], minor=True)
    axis.set_label_text(wanted.label)
    axis.grid(True, color=GRID, linewidth=0.6, zorder=0)


def _draw_shade(axes, shade):
    span = axes.axvspan if shade.axis == "x" else axes.axhspan
    span(shade.lo, shade.hi, facecolor=STRIP, edgecolor="none", zorder=-1)
    if shade.label:
        axes.text(shade.hi, shade.level, shade.label + " ", transform=axes.get_xaxis_transform(),
                  ha="right", va="center", fontsize=7.5, color=MUTED)


def _draw_tile(axes, tile):
    (left, right), (low, high) = tile.x, tile.y
    axes.fill_between((left, right), low, high, facecolor=tile.fill, linewidth=0, zorder=1)
    axes.text((left + right) / 2, (low + high) / 2, tile.text, ha="center", va="center",
              fontsize=7.5, color=tile.ink, zorder=2)


def _draw_trace(axes, trace, order):
    if trace.band:
        x, lo, hi = zip(*(edge or (float("nan"),) * 3 for edge in trace.band))
        axes.fill_between(x, lo, hi, facecolor=trace.colour, alpha=BAND_OPACITY, linewidth=0,
                          zorder=order)
    if not any(trace.points):
        return
    nothing = (float("nan"),) * 4
    xs, ys, *_ = zip(*(point or nothing for point in trace.points))
    bars = [point for point in trace.points if point and None not in point]
    if trace.bars and bars:
        _draw_bars(axes, trace, bars, order)
    axes.plot(xs, ys, color=trace.colour, zorder=order + 0.5, linewidth=1.6,
              linestyle="none" if not trace.joined else (0, (4, 2.5)) if trace.dashed else "-",
              marker=_MARKERS[trace.marker] if trace.markers else None, markersize=4.6,
              markerfacecolor=trace.colour if trace.filled else "white", markeredgewidth=1.2,
              clip_on=not trace.markers)


def _draw_bars(axes, trace, points, order):
    """The ends as distances: finite, for they were brought to the edges of the axes."""
    xs, ys, lows, highs = zip(*points)
    middles = xs if trace.bars == "x" else ys
    ends = [[max(m - low, 0) for m, low in zip(middles, lows)],
            [max(high - m, 0) for m, high in zip(middles, highs)]]
    axes.errorbar(xs, ys, fmt="none", ecolor=trace.colour, elinewidth=1.2, capsize=2, capthick=1,
                  zorder=order, **{"xerr" if trace.bars == "x" else "yerr": ends})


def _inline(svg, name, title):
    """For use inside HTML: no prolog, no metadata, ids of its own, a size that adapts."""
    svg = re.sub(r"^.*?(?=<svg)", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[A-Za-z]\w*_\d+"', "<g", svg)
    svg = re.sub(r'(id="|"#|url\(#)', rf"\g<1>{name}-", svg)
    view = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    svg = re.sub(r"^<svg[^>]*>", f'<svg xmlns="http://www.w3.org/2000/svg" '
                 f'xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
                 f'aria-label="{escape(title)}" {view.group(0)} '
                 f'style="max-width:{float(view.group(1)) * 4 / 3 * 1.15:.0f}px">', svg)
    return svg.strip()
