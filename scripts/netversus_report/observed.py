# SPDX-License-Identifier: MIT
"""What emulated paths were asked to do, and what they were seen to do: the emu_ columns."""

from __future__ import annotations

from . import paths, series, units

# Column of runs.csv, without emu_up_ or emu_down_; its name for people; how it is shown; always?
MEASURES = (
    ("loss_obs_ratio", "packets lost", units.percent_text, True),
    ("delay_p50_ns", "delay, median", units.time_text, True),
    ("delay_p99_ns", "delay, p99", units.time_text, False),
    ("queue_max_bytes", "queue, at most", units.bytes_text, False),
    ("reordered_ratio", "held back", units.percent_text, False),
    ("dup_ratio", "doubled", units.percent_text, False),
)


def table(campaign):
    """(header, rows), or None on the real network: medians over blocks, a row a cell and way."""
    lines = [(cell, way, _values(campaign, cell, way)) for cell in _cells(campaign)
             for way in ("up", "down")]
    lines = [(cell, way, values) for cell, way, values in lines
             if any(value is not None for measure in values.values() for value in measure)]
    if not lines:
        return None
    shown = [(name, label, text) for name, label, text, always in MEASURES
             if always or any(value for _, _, values in lines for value in values[name])]
    header = ["asked for", "way"] + [f"{label}, {arm.label}" for _, label, _ in shown
                                     for arm in campaign.arms]
    rows = [[_asked(campaign, cell) if way == "up" else "", way]
            + [text(value) for name, _, text in shown for value in values[name]]
            for cell, way, values in lines]
    return header, rows


def _cells(campaign):
    """One of each id: a run over one path may have rows of two directions."""
    return list({cell.cell_id: cell for cell in reversed(campaign.cells)}.values())[::-1]


def _asked(campaign, cell):
    meaning = paths.definition(campaign.result.campaign, cell.path)
    words = paths.text_of(meaning)
    name = paths.parse(cell.path)[0]
    words = f"{name}: {words}" if name and not words.startswith(name) else words
    return f"{words} ({cell.group})" if len(campaign.groups) > 1 and \
        campaign.sweep.column == "path" else words


def _values(campaign, cell, way):
    """{measure: [median of each arm, or None]}"""
    found = {name: [] for name, *_ in MEASURES}
    for arm in campaign.arms:
        rows = campaign.rows.get((cell.cell_id, cell.dir, arm.key), [])
        for name in found:
            summary = series.summarise([_value(row, f"emu_{way}_", name) for row in rows])
            found[name].append(summary.y if summary else None)
    return found


def _value(row, prefix, name):
    if not name.endswith("_ratio") or name == "loss_obs_ratio":
        return row.get(prefix + name)
    count, came = row.get(prefix + name.replace("_ratio", "_count")), row.get(prefix + "in_count")
    return count / came if came and count is not None else None
