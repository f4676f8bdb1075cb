# SPDX-License-Identifier: MIT
"""What a message costs in socket calls: the calls of each end one after the other, as long as they
took. Needs calls.csv, which workload crr leaves."""

from __future__ import annotations

from collections import defaultdict

from . import load, series, units
from .panels import INK, Panel, Tile, Trace, paged

# Those of a connection stand out; what does the same for both transports has one colour. No call,
# but a wait for one: paler.
_NAMES = (("socket", "#9fb3c8", ("socket",)),
          ("setsockopt", "#d5dde6", ("setsockopt",)),
          ("connect", "#c1121f", ("connect",)),
          ("connecting", "#eba9ae", ("connecting",)),
          ("accept", "#e8743b", ("accept",)),
          ("send, sendto", "#f2c14e", ("send", "sendto")),
          ("waiting", "#d6c6e3", ("waiting",)),
          ("recv, recvfrom", "#7a5195", ("recv", "recvfrom")),
          ("close", "#4a5563", ("close",)))
_FILLS = {call: fill for _, fill, calls in _NAMES for call in calls}
_DARK = ("#c1121f", "#7a5195", "#4a5563")  # words on these are white
_ONCE = ("socket", "bind", "listen")  # of the server, whatever the number of messages
_CHARACTERS = 56  # along the narrowest panel
_BAR = 0.36  # half of a bar's height, of a row


def figures(chart, campaign, _sources):
    """A panel a cell, on one axis of time; a bar an arm and end."""
    bars = _bars(campaign)
    cells = [cell for cell in campaign.cells if any(key[:2] == (cell.cell_id, cell.dir)
                                                    for key in bars)]
    longest = max((sum(took for _, took in bar) for bar in bars.values()), default=0)
    x = units.linear_axis(chart.x, [0, 1.15 * longest],
                          lambda ns: units.time_text(ns, trim=True) if ns else "0", lo=0)
    yield from paged(chart.title, [_panel(campaign, cell, bars, x) for cell in cells])


def has_calls(campaign):
    return any(dict(cell.factors)["workload"] == "crr" for cell in campaign.cells)


def _bars(campaign):
    """{(cell, dir, arm key, end): [(call, ns a message)]} in the order of the calls, all blocks
    together."""
    kept = {row["run_id"] for row in campaign.result.runs}
    totals, sockets = defaultdict(lambda: defaultdict(float)), defaultdict(float)
    for row in load.calls(campaign.result.directory):
        once = row["end"] == "server" and row["call"] in _ONCE
        if row["run_id"] not in kept or row["kind"] == "span" or once:
            continue
        arm = (row["cell_id"], row["dir"], series.arm_key(campaign, row))
        totals[(*arm, row["end"])][row["place"], row["call"]] += row["total_ns"]
        if row["call"] == "socket":
            sockets[arm] += row["call_count"]
    return {key: [(call, total / sockets[key[:3]]) for (_, call), total in sorted(calls.items())]
            for key, calls in totals.items() if sockets[key[:3]]}


def _panel(campaign, cell, bars, x):
    """Both clients above both servers."""
    lines = [(f"{arm.label} {end}", bars[cell.cell_id, cell.dir, arm.key, end])
             for end in ("client", "server") for arm in campaign.arms
             if (cell.cell_id, cell.dir, arm.key, end) in bars][::-1]
    y = units.Axis("", 0, len(lines), tuple((i + 0.5, name) for i, (name, _) in enumerate(lines)))
    tiles = tuple(tile for i, (_, bar) in enumerate(lines) for tile in _tiles(bar, i + 0.5, x))
    drawn = {tile.fill for tile in tiles}
    legend = tuple(Trace(name, fill, "square", joined=False, rank=i)
                   for i, (name, fill, _) in enumerate(_NAMES) if fill in drawn)
    return Panel(cell.title, "", x, y, legend, rows=len(lines), tiles=tiles)


def _tiles(bar, middle, x):
    """The parts of a bar, named where there is room, and its length behind it."""
    end, y = 0, (middle - _BAR, middle + _BAR)
    character = (x.hi - x.lo) / _CHARACTERS
    for call, took in bar:
        fill = _FILLS[call]
        name = call if took >= (len(call) + 0.5) * character else ""
        yield Tile((end, end + took), y, fill, name, "#ffffff" if fill in _DARK else INK)
        end += took
    text = units.time_text(end)
    yield Tile((end, end + (len(text) + 2) * character), y, "#ffffff", text, INK)
