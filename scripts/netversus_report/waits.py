# SPDX-License-Identifier: MIT
"""Who waits: the messages around the longest wait, one by one, and where the time of each went."""

from __future__ import annotations

from dataclasses import replace

from . import series, units
from .panels import INK, Panel, Tile, Trace, finish

# From stamp to stamp: what it is called, and its colour. A message that was sent again is told by
# those that wait for it.
_PARTS = (("in the sender", "#7a5195", ("t_snd_ns", "t_txk_ns")),
          ("on the path", "#9fb3c8", ("t_txk_ns", "t_rxk_ns")),
          ("behind a hole", "#f2a900", ("t_rxk_ns", "t_rdy_ns")),
          ("not yet read", "#b8b8b8", ("t_rdy_ns", "t_rcv_ns")))
_LOST = ("lost", "#c1121f")
_BLOCKED_NS = 50e3
_AROUND = 0.6  # of the wait, on both sides


def has_waits(campaign):
    return bool(campaign.result.messages)


def figures(chart, campaign, _sources):
    """A figure a cell; a panel an arm, one above the other on the same axes."""
    cells = [cell for cell in campaign.cells if _rows(campaign, cell)]
    for number, cell in enumerate(cells, 1):
        by_arm = _rows(campaign, cell)
        panels = [_panel(chart, arm, by_arm[arm.key]) for arm in campaign.arms if arm.key in by_arm]
        yield (f"-{number}" if len(cells) > 1 else "", f"{chart.title} · {cell.title}",
               _share_axes(chart, panels))


def _rows(campaign, cell):
    """{arm key: rows of one run, by number}: that run of the arm in which some waited longest."""
    runs = {}
    for row in campaign.result.messages:
        if (row["cell_id"], row["dir"]) == (cell.cell_id, cell.dir):
            runs.setdefault((series.arm_key(campaign, row), row["run_id"]), []).append(row)
    best = {}
    for (key, _), rows in runs.items():
        rows.sort(key=lambda row: row["seq"])
        if key not in best or _longest(rows)[1] > _longest(best[key])[1]:
            best[key] = rows
    return best


def _wait(row):
    known = row["t_rxk_ns"] is not None and row["t_rdy_ns"] is not None
    return row["t_rdy_ns"] - row["t_rxk_ns"] if known else 0


def _longest(rows):
    """(time, length) in ns of the longest wait, from the send of who is waited for; where nobody
    waits, the first that is lost, or the middle."""
    longest = max(rows, key=_wait)
    if _wait(longest) <= _BLOCKED_NS:
        lost = [i for i, row in enumerate(rows) if row["t_snd_ns"] is None]
        return _send_time(rows, lost[0] if lost else len(rows) // 2), 0
    heads = _sent_again(rows)
    head = next((row for row in heads if row["t_rdy_ns"] == longest["t_rdy_ns"]), longest)
    return head["t_snd_ns"], longest["t_rdy_ns"] - head["t_snd_ns"]


def _sent_again(rows):
    """Who others wait for: handed over at once, and the next one only then."""
    return [row for row, after in zip(rows, rows[1:])
            if _wait(row) <= _BLOCKED_NS < _wait(after) and row["t_rdy_ns"] == after["t_rdy_ns"]]


def _panel(chart, arm, rows):
    start, length = _longest(rows)
    again = {row["seq"] for row in _sent_again(rows)}
    tiles, width = [], 0.8 * _gap(rows)
    for row in rows:
        tiles += _bar(row, start, width, row["seq"] in again)
    lost = tuple(((_send_time(rows, i) - start) / 1e6, float("inf"), None, None)
                 for i, row in enumerate(rows) if row["t_snd_ns"] is None)
    waiting = sum(_wait(row) > _BLOCKED_NS for row in rows)
    note = f"{len(again)} sent again, {waiting} waited behind" if again else \
        f"{len(lost)} lost, none waited behind" if lost else "nothing lost"
    axis = units.linear_axis("", [0, 1], str)  # Shared ones follow.
    traces = (*_legend(), Trace(*_LOST, "triangle", joined=False, filled=False, rank=9,
                                points=lost))
    panel = Panel(f"{arm.label}: {note}", "time from the send to the arrival, message by message",
                  axis, axis, traces, tiles=tuple(tiles))
    return panel, length / 1e6


def _legend():
    """The colours of the tiles; no point of it is drawn."""
    looks = [(label, colour) for label, colour, _ in _PARTS] + [_LOST]
    return tuple(Trace(label, colour, "square", joined=False, rank=i)
                 for i, (label, colour) in enumerate(looks))


def _gap(rows):
    """Between two sends, ns."""
    sends = [row["t_snd_ns"] for row in rows if row["t_snd_ns"] is not None]
    return (sends[-1] - sends[0]) / max(len(sends) - 1, 1) if sends else 1


def _send_time(rows, i):
    """Of one that is missing, from the nearest that is not."""
    for step in range(len(rows)):
        for j in (i - step, i + step):
            if 0 <= j < len(rows) and rows[j]["t_snd_ns"] is not None:
                return rows[j]["t_snd_ns"] + (rows[i]["seq"] - rows[j]["seq"]) * _gap(rows)
    return 0


def _bar(row, start, width, again):
    """A message: its parts upon each other. Without a stamp of the sender's its first two are one."""
    if row["t_snd_ns"] is None or row["t_rdy_ns"] is None or row["status"] == "dup":
        return
    since = row["t_snd_ns"] - start
    x = (since / 1e6, (since + width) / 1e6)
    for label, colour, (begin, end) in _PARTS:
        stamp = row["t_snd_ns"] if row[begin] is None else row[begin]
        if row[end] is None:
            continue
        low, high = ((t - row["t_snd_ns"]) / 1e6 for t in (stamp, row[end]))
        if high - low > 0:
            fill = _LOST[1] if again and label == "on the path" else colour
            yield Tile(x, (low, high), fill, "", INK)


def _share_axes(chart, panels):
    """As much time before and after as is seen of the longest wait."""
    if not panels:
        return []
    length = max(length for _, length in panels) or 60
    lo, hi = -_AROUND * length, (1 + _AROUND) * length
    shown = [[tile for tile in panel.tiles if lo <= tile.x[0] and tile.x[1] <= hi]
             for panel, _ in panels]
    tops = [tile.y[1] for tiles in shown for tile in tiles]

    def text(value):
        return f"{value:g}\u00a0ms".replace("-", "\u2212")

    x = units.linear_axis(chart.x, [], text, lo=lo, hi=hi)
    y = units.linear_axis(chart.y, [0, *tops], text, lo=0)
    y = replace(y, hi=y.hi * 1.08)
    inside = [replace(panel, x=x, y=y, tiles=tuple(tiles), traces=tuple(
        replace(trace, points=tuple(p for p in trace.points if lo <= p[0] <= hi))
        for trace in panel.traces)) for (panel, _), tiles in zip(panels, shown)]
    return [finish(panel) for panel in inside]
