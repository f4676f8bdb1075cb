# SPDX-License-Identifier: MIT
"""Figures as gnuplot programs, and their PNG and SVG pictures.

A program holds its own data and can be edited and run again: gnuplot NAME.gp
"""

from __future__ import annotations

import math
import os
import subprocess
from pathlib import Path

from .panels import BAND_OPACITY, GRID, INK, MUTED, STRIP, legend

_WIDTH, _WIDTH_SINGLE = 1180, 760  # px of the SVG; the PNG has _DENSITY times as many
_DENSITY = 1.7
_TOP, _CAPTION = 62, 20  # title and legend, without the lines of help; above the caption
_LINE, _SPARE = 15, 8  # and what a legend of several rows is higher than they
_NAMES_ROW = 4  # of a legend that are always in one row
_NAME_WIDTH, _CHARACTER = 88, 7  # of one in the legend: its sample, and each character
_PANEL_HEIGHT, _ROW_HEIGHT = 300, 26
_PLOT_WIDTH_MIN = 250  # of a panel's plotting area: the label of an axis must fit
_RIGHT, _ABOVE, _BELOW = 22, 54, 56  # around the plotting area of a panel
_TYPES = {"circle": (7, 6), "square": (5, 4), "triangle": (9, 8), "diamond": (13, 12)}

_SETUP = """\
set encoding utf8
set termoption noenhanced
set multiplot
unset key
set border 3 linecolor rgb '{ink}' linewidth 0.8
set tics nomirror scale 0.5 textcolor rgb '{muted}'
set style fill transparent solid {opacity} noborder
set bars 0.6
"""


class GnuplotError(Exception):
    """One line for the user."""


def render(figure, directory):
    """Writes NAME.gp, NAME.png and NAME.svg."""
    base = Path(directory) / figure.name
    program = program_of(figure)
    base.with_suffix(".gp").write_text(program, encoding="utf-8")
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(["gnuplot", "-d", base.with_suffix(".gp").name], cwd=directory,
                              env=environment, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        raise GnuplotError("gnuplot is not installed "
                           "(Debian: apt-get install gnuplot-nox)") from None
    except subprocess.TimeoutExpired:
        raise GnuplotError(f"gnuplot did not finish {figure.name}.gp in 120 s") from None
    complaint = " ".join(done.stderr.split())
    if done.returncode or complaint:
        raise GnuplotError(f"gnuplot on {figure.name}.gp: {complaint or 'it failed'}")


def program_of(figure):
    layout = _Layout(figure)
    data, body = [], []
    for i, panel in enumerate(figure.panels):
        body.append(_panel(panel, layout, i, data))
    drawing = _SETUP.format(ink=INK, muted=MUTED, opacity=BAND_OPACITY) + \
        _frame(figure, layout) + "".join(body) + "unset multiplot\n"
    size = f"{layout.width},{layout.height}"
    dense = f"{layout.width * _DENSITY:.0f},{layout.height * _DENSITY:.0f}"
    return "\n".join([
        f"# Draws {figure.name}.png and .svg here: gnuplot {figure.name}.gp",
        *data,
        "if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {",
        f"    set terminal pngcairo size {dense} font 'DejaVu Sans,9' "
        f"fontscale {_DENSITY} linewidth {_DENSITY} pointscale {_DENSITY} background rgb 'white'",
        "} else {",
        f"    set terminal png size {size} background rgb 'white'",
        "}",
        f"set output {_quote(figure.name + '.png')}", drawing, "reset",
        f"set terminal svg size {size} dynamic font 'DejaVu Sans,Helvetica,sans-serif,12' "
        "background rgb 'white'",
        f"set output {_quote(figure.name + '.svg')}", drawing, "set output", ""])


def _quote(text):
    """Single quotes: gnuplot replaces nothing in them but '' itself."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return "'" + plain.replace("'", "''") + "'"


class _Layout:
    """Where panels go, in px from the top left; gnuplot counts from the bottom in shares."""

    def __init__(self, figure):
        count = len(figure.panels)
        self.width = _WIDTH if count > 1 and not figure.stacked else _WIDTH_SINGLE
        rows = max(panel.rows for panel in figure.panels)
        self.plot_height = max(60, rows * _ROW_HEIGHT) if rows else _PANEL_HEIGHT - _ABOVE - _BELOW
        labels = [len(label) for panel in figure.panels for _, label in panel.y.ticks]
        self.left = 36 if figure.row_labels else 46 + 7.3 * max(labels)
        self.left_first = 16 + 7.3 * max(labels) if figure.row_labels else self.left
        self.rows_once = figure.row_labels
        self.columns = 1 if figure.stacked else 2 if count in (2, 4) else min(3, count)
        if self._plot_width() < _PLOT_WIDTH_MIN:
            self.columns = min(2, count)
        self.plot_width = self._plot_width()
        self.row_height = self.plot_height + _ABOVE + _BELOW
        self.caption_lines = _wrap(figure.caption, " · ", self.width // 7)
        self.help_lines = _wrap(figure.help, " ", self.width // 7.4)
        self.legend_px = _LINE * (_legend_rows(figure, self.width) - 1)
        self.top = _TOP + _LINE * len(self.help_lines) + self.legend_px + _SPARE * bool(self.legend_px)
        self.caption = self.top + math.ceil(count / self.columns) * self.row_height + _CAPTION
        self.height = round(self.caption + _LINE * (max(3, len(self.caption_lines)) - 1) + 8)

    def _plot_width(self):
        margins = self.left_first + self.left * (self.columns - 1) + _RIGHT * self.columns
        return (self.width - margins) / self.columns

    def margins(self, i):
        row, column = divmod(i, self.columns)
        left = self.left_first + column * (self.plot_width + self.left + _RIGHT)
        top = self.top + row * self.row_height + _ABOVE
        return (left / self.width, (left + self.plot_width) / self.width,
                self.up(top + self.plot_height), self.up(top))

    def up(self, y):
        return 1 - y / self.height


def _legend_rows(figure, width):
    """As gnuplot lays them out: in columns, all as wide as the longest name."""
    names = [trace.label for trace in legend(figure.panels)]
    if len(names) <= _NAMES_ROW:
        return 1
    columns = width // (_NAME_WIDTH + _CHARACTER * max(map(len, names)))
    return math.ceil(len(names) / max(columns, 1))


def _wrap(text, separator, width):
    """At separators; within a part that is too long for a line, at spaces."""
    lines = [""]
    for part in text.split(separator):
        joint = separator
        for piece in part.split(" ") if len(part) > width else [part]:
            joined = f"{lines[-1]}{joint}{piece}" if lines[-1] else piece
            if len(joined) > width and lines[-1]:
                lines.append(piece)
            else:
                lines[-1] = joined
            joint = " "
    return lines


def _frame(figure, layout):
    """Title, help, legend and caption."""
    x = 16 / layout.width
    said = [(figure.title, 26, 15, INK)]
    said += [(line, 50 + _LINE * i, 10, MUTED) for i, line in enumerate(layout.help_lines)]
    said += [(line, layout.caption + _LINE * i, 9, MUTED)
             for i, line in enumerate(layout.caption_lines)]
    lines = [f"set label {i} {_quote(line)} at screen {x:.4f},{layout.up(y):.4f} "
             f"font ',{size}' textcolor rgb '{colour}' front"
             for i, (line, y, size, colour) in enumerate(said, 1)]
    entries = []
    for trace in legend(figure.panels):
        style = _points_style(trace) if trace.markers else ""
        kind = "points" if not trace.joined else "linespoints" if trace.markers else "lines"
        entries.append(f"keyentry with {kind} {_line_style(trace)} {style} "
                       f"title {_quote(trace.label + '   ')}")
    lines += [
        f"set lmargin at screen {x:.4f}", f"set rmargin at screen {1 - x:.4f}",
        f"set tmargin at screen {layout.up(layout.top - 20 - layout.legend_px):.4f}",
        f"set bmargin at screen {layout.up(layout.top + 6):.4f}",
        "unset border", "unset tics", "set xrange [0:1]", "set yrange [0:1]",
        "set key at graph 0,0.5 left center horizontal Left reverse samplen 3.6 width 1 "
        f"textcolor rgb '{INK}'",
        "plot " + ", ".join(entries + ["2 notitle"]),
        "unset key", "unset label", f"set border 3 linecolor rgb '{INK}' linewidth 0.8", ""]
    return "\n".join(lines)


def _panel(panel, layout, i, data):
    left, right, bottom, top = layout.margins(i)
    hide_rows = layout.rows_once and i % layout.columns
    lines = [f"set lmargin at screen {left:.4f}", f"set rmargin at screen {right:.4f}",
             f"set bmargin at screen {bottom:.4f}", f"set tmargin at screen {top:.4f}",
             "unset object", "unset arrow", "unset label",
             _axis("x", panel.x), _axis("y", panel.y, hide_rows)]
    lines += [_label(panel.title, 30, INK, "',10.5'"), _label(panel.note, 11, MUTED, "',9'")]
    for number, shade in enumerate(panel.shades, 1):
        lines.append(_shade(number, shade))
    if panel.vline:
        x, label, height = panel.vline
        lines.append(f"set arrow from {x:.9g},graph 0 to {x:.9g},graph 1 nohead "
                     f"linecolor rgb '{MUTED}' linewidth 0.8 dashtype 3 back")
        lines.append(f"set label {_quote(label)} at {x:.9g},graph {height} right offset -0.5,0 "
                     f"font ',9' textcolor rgb '{MUTED}'")
    if panel.tiles:
        lines.append("unset grid\nset tics scale 0")
    for number, tile in enumerate(panel.tiles, len(panel.shades) + 1):
        lines.append(_tile(number, tile))
    plots = []
    for number, trace in enumerate(panel.traces):
        plots += _trace(trace, f"$p{i + 1}_{number + 1}", data)
    plots = plots or ["NaN notitle"]
    return "\n".join(lines + ["plot " + ", \\\n    ".join(plots), ""])


def _label(text, up_px, colour, font):
    return (f"set label {_quote(text)} at graph 0,graph 1 offset 0,character {up_px / 16:.2f} left "
            f"font {font} textcolor rgb '{colour}'") if text else ""


def _axis(name, axis, hidden=False):
    # A % in a tick's label would be taken for a number format.
    ticks = ", ".join(f"{_quote('' if hidden else label.replace('%', '%%'))} {value:.9g}"
                      for value, label in axis.ticks)
    log = f"set logscale {name}" if axis.log else f"unset logscale {name}"
    return (f"{log}\nset {name}range [{axis.lo:.9g}:{axis.hi:.9g}]\n"
            f"set {name}tics nomirror scale 0.5 ({ticks})\n"
            f"set {name}label {_quote(axis.label)} textcolor rgb '{MUTED}' font ',9.5'\n"
            f"set grid {name}tics linetype 1 linecolor rgb '{GRID}' linewidth 0.6 back")


def _shade(number, shade):
    ends = (f"{shade.lo:.9g},graph 0", f"{shade.hi:.9g},graph 1") if shade.axis == "x" else \
        (f"graph 0,{shade.lo:.9g}", f"graph 1,{shade.hi:.9g}")
    box = (f"set object {number} rectangle from {ends[0]} to {ends[1]} "
           f"fillcolor rgb '{STRIP}' fillstyle solid 1 noborder behind")
    label = (f"\nset label {_quote(shade.label)} at {shade.hi:.9g},graph {shade.level} right "
             f"offset -0.5,0 font ',9' textcolor rgb '{MUTED}'") if shade.label else ""
    return box + label


def _tile(number, tile):
    (left, right), (low, high) = tile.x, tile.y
    return (f"set object {number} rectangle from {left:.9g},{low:.9g} to {right:.9g},{high:.9g} "
            f"fillcolor rgb '{tile.fill}' fillstyle solid 1 noborder\n"
            f"set label {_quote(tile.text)} at {(left + right) / 2:.9g},{(low + high) / 2:.9g} "
            f"center font ',9' textcolor rgb '{tile.ink}' front")


def _line_style(trace):
    return f"linecolor rgb '{trace.colour}' linewidth 1.8 dashtype {'2' if trace.dashed else '1'}"


def _points_style(trace):
    return f"pointtype {_TYPES[trace.marker][0 if trace.filled else 1]} pointsize 0.8"


def _trace(trace, name, data):
    plots = []
    if not any(trace.points):
        return plots
    if trace.band:
        data.append(_block(name + "b", trace.band))
        plots.append(f"{name}b using 1:2:3 with filledcurves linecolor rgb '{trace.colour}' "
                     "notitle")
    data.append(_block(name, trace.points))
    bars = [point for point in trace.points if point and None not in point]
    if trace.bars and bars:
        data.append(_block(name + "e", bars))
        plots.append(f"{name}e using 1:2:3:4 with {trace.bars}errorbars "
                     f"linecolor rgb '{trace.colour}' linewidth 1.2 pointtype 0 notitle")
    style = _line_style(trace)
    if trace.joined:
        plots.append(f"{name} using 1:2 with lines {style} notitle")
    if trace.markers:
        plots.append(f"{name} using 1:2 with points linecolor rgb '{trace.colour}' linewidth 1.4 "
                     f"{_points_style(trace)} notitle")
    return plots


def _block(name, points):
    """An empty line breaks the line: data that is missing leaves a gap."""
    rows = ["" if point is None else
            " ".join("NaN" if value is None else f"{value:.9g}" for value in point)
            for point in points]
    return "\n".join([f"{name} << EOD", *rows, "EOD"])
