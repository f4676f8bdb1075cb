# SPDX-License-Identifier: MIT
"""Heat maps: how much more is on time over the second arm than over the first, path by path, and
deadline by deadline or rate by rate."""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import median

from . import series, units
from .crossing import BLOCKS_MIN
from .panels import INK, MUTED, STRIP, Panel, Tile, Trace, paged

COLUMNS_MAX = 10
_STEPS = ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,))
_LEAST, _MOST = 0.1, 50  # percentage points: the palest and the strongest colour
_GAP = 0.03  # around a tile, of a column or row


def figures(chart, campaign, _sources):
    """A panel a group of cells that differ in the two factors alone."""
    if chart.series[0].source == "curve:delivered":
        title, panels = chart.title, _by_deadline(campaign)
    else:
        title, panels = f"On time, by path and {_second(campaign.cells)[0]}", _by_factor(campaign)
    yield from paged(title, [panel for panel in panels if panel])


def has_plane(campaign):
    """Do paths and another factor vary?"""
    return len(campaign.arms) == 2 and campaign.sweep.column == "path" and \
        _second(campaign.cells) is not None


def _second(cells):
    """(name, value, text) of what varies beside the path, or None."""
    apps = list(dict.fromkeys(map(_app, cells)))
    if len(apps) > 1:
        return "application", lambda cell: apps.index(_app(cell)), _app
    for name, value, text in (("rate", lambda cell: cell.rate, _rate_text),
                              ("message size", lambda cell: cell.size_bytes,
                               lambda cell: cell.size)):
        values = {value(cell) for cell in cells}
        if len(values) > 1 and None not in values:
            return name, value, text
    return None


def _app(cell):
    return dict(cell.factors).get("app", "none")


def _rate_text(cell):
    return series.factor_text("rate", dict(cell.factors)["rate"])


def _by_factor(campaign):
    name, value, text = _second(campaign.cells)
    columns = {value(cell): text(cell) for cell in sorted(campaign.cells, key=value)}
    places = list(columns)
    groups = defaultdict(dict)
    for cell in campaign.cells:
        rows = groups[_others(campaign, cell, name)]
        rows.setdefault(cell.path, {})[places.index(value(cell))] = cell
    axis = _columns_axis(name, columns.values())
    for title, rows in groups.items():
        cells = [next(iter(row.values())) for row in rows.values()]
        tiles = []
        for cell in cells:
            for i, one in rows[cell.path].items():
                runs = _pairs(campaign, one, lambda row: row["ontime_ratio"])
                tiles += _tile(campaign, i, _height(campaign, cell, cells), runs)
        yield _panel(campaign, title, axis, cells, tiles)


def _others(campaign, cell, name):
    """What a panel's cells have in common: all but the path and the second factor."""
    if name == "application":
        return "within the deadline of each application"
    words = [dict(cell.factors).get("workload", ""), cell.size if name == "rate" else
             _rate_text(cell)]
    for column, value in cell.factors:
        varies = len({dict(other.factors).get(column) for other in campaign.cells}) > 1
        if column == "deadline_ms" or varies and column not in ("workload", "rate", "path"):
            words.append(series.factor_text(column, value))
    return " · ".join(words)


def _by_deadline(campaign):
    times, shares = _deadlines(campaign)
    axis = _columns_axis("deadline, ms", [f"{time / 1e6:g}" for time in times])
    for title, cells in campaign.groups.items() if times else ():
        tiles = []
        for cell in cells:
            for i in range(len(times)):
                runs = _pairs(campaign, cell,
                              lambda row, i=i: shares[row["run_id"], row["dir"]][i])
                tiles += _tile(campaign, i, _height(campaign, cell, cells), runs)
        yield _panel(campaign, title, axis, cells, tiles)


def _deadlines(campaign):
    """(times in ns, {(run, dir): shares delivered by then}): from the first at which anything is
    there, to the last at which a median over blocks changes; round, and as close as there is room
    for."""
    for mantissas in _STEPS:
        times = [m * 10.0 ** e for e in range(3, 10) for m in mantissas]
        shares = series.shares_at(campaign, campaign.result.runs, times)
        if len(shares) < len(campaign.result.runs):
            return [], {}
        medians = [[median(column) for column in zip(*(
            shares[row["run_id"], row["dir"]] for row in rows))] for rows in campaign.rows.values()]
        some = [i for i in range(len(times)) if any(row[i] >= 0.05 for row in medians)]
        moving = [i for i in range(1, len(times))
                  if any(row[i] - row[i - 1] > 2e-3 for row in medians)]
        if not some or not moving:
            return [], {}
        span = range(some[0], max(moving[-1], some[0]) + 1)
        if len(span) <= COLUMNS_MAX:
            break
    return [times[i] for i in span], {key: [row[i] for i in span] for key, row in shares.items()}


def _pairs(campaign, cell, value):
    """[(first arm's share, second's)] by block."""
    first, second = [{row["block"]: value(row) for row in
                      campaign.rows.get((cell.cell_id, cell.dir, arm.key), [])}
                     for arm in campaign.arms]
    return [(first[block], second[block]) for block in first if block in second]


def _height(campaign, cell, cells):
    """Row from below, as on the sweep's axis."""
    return sorted(map(campaign.sweep.value, cells)).index(campaign.sweep.value(cell))


def _columns_axis(label, names):
    return units.Axis(label, 0, len(names), tuple((i + 0.5, name) for i, name in enumerate(names)))


def _panel(campaign, title, x, cells, tiles):
    if not tiles:
        return None
    ticks = tuple((_height(campaign, cell, cells) + 0.5, campaign.sweep.text(cell))
                  for cell in cells)
    legend = tuple(Trace(f"{arm.label} more on time", arm.colour, "square", joined=False, rank=i)
                   for i, arm in enumerate(campaign.arms))
    return Panel(title, "", x, units.Axis("", 0, len(cells), ticks), legend, rows=len(cells),
                 tiles=tuple(tiles))


def _tile(campaign, column, row, runs):
    """At most one: the median over blocks of the difference, in percentage points."""
    if not runs:
        return []
    place = {"x": (column + _GAP / 2, column + 1 - _GAP / 2),
             "y": (row + _GAP, row + 1 - _GAP)}
    if median(max(pair) for pair in runs) < 0.005:
        return [Tile(**place, fill=STRIP, text="", ink=MUTED)]
    difference = series.summarise([100 * (second - first) for first, second in runs])
    text = _points_text(difference.y)
    sure = difference.count >= BLOCKS_MIN and (difference.lo > 0 or difference.hi < 0)
    if not sure or text == "0":
        return [Tile(**place, fill="#ffffff", text=text, ink=MUTED)]
    colour = campaign.arms[difference.y > 0].colour
    depth = math.log(max(abs(difference.y), _LEAST) / _LEAST) / math.log(_MOST / _LEAST)
    depth = 0.12 + 0.88 * min(depth, 1)
    fill = _mixed(colour, depth)
    return [Tile(**place, fill=fill, text=text, ink=_ink(fill))]


def _points_text(value):
    shown = f"{value:+.0f}" if abs(value) >= 9.95 else f"{value:+.1f}"
    return "0" if float(shown) == 0 else shown.replace("-", "\u2212")


def _mixed(colour, depth):
    """A colour on white paper."""
    return "#" + "".join(f"{round(255 + (part - 255) * depth):02x}" for part in _parts(colour))


def _ink(fill):
    """The one that stands out more, by the relative luminance of WCAG 2."""
    linear = [((part / 255 + 0.055) / 1.055) ** 2.4 for part in _parts(fill)]
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear))
    return "#ffffff" if luminance < 0.22 else INK


def _parts(colour):
    return [int(colour[i:i + 2], 16) for i in (1, 3, 5)]
