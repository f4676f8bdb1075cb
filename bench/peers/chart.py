# SPDX-License-Identifier: MIT
"""The picture of a peers.csv: a panel for each kind of case, in the look of the report."""

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))
import table  # noqa: E402
from cases import CORES, KINDS  # noqa: E402
from netversus_report import units  # noqa: E402
from netversus_report.panels import GRID, INK, MUTED  # noqa: E402
from netversus_report.render_mpl import SETTINGS, set_axis  # noqa: E402

WIDTH, PANEL_HEIGHT, HEAD_HEIGHT, CAPTION_HEIGHT = 12, 3.5, 1.35, 0.8  # inches
OURS = {"poll": ("#0b6bcb", "o"), "blocking": ("#063a70", "s"), "batch": ("#49a0f0", "D"),
        "poll spin": ("#d9730d", "o")}
PEERS = {"iperf3": ("#8c6bb1", "v"), "iperf": ("#8f9aa6", "^"), "sockperf": ("#4a7a3a", "<"),
         "nuttcp": ("#b9975b", ">"), "qperf": ("#c08a8a", "P"), "netperf": ("#5c6875", "X")}
OTHER = ("#1d2733", "*")
TALL = 2.5  # a p99 beyond so many times the highest bar is marked at the edge
LEGEND_COLUMNS = 4


@dataclass(frozen=True)
class Look:
    colour: str
    marker: str
    width: float
    order: int
    line: str  # of a tool's second way of doing the same
    size: float  # of markers


def look(who):
    colour, marker = (OURS if who.ours else PEERS).get(who.way if who.ours else who.tool, OTHER)
    return Look(colour, marker, 2.2 if who.ours else 1.1, 4 if who.ours else 3,
                ":" if who.way and not who.ours else "-", 6 if who.ours else 4.5)


def spread(figures, scale):
    """Median, and how far down and up the rounds go."""
    values = [value / scale for value in figures.values()]
    middle = statistics.median(values)
    return middle, middle - min(values), max(values) - middle


def by_size(axes, groups):
    """Lines over the message size; the bars span the rounds."""
    kind = groups[0].kind
    everyone = {who: None for group in groups for who in group.tools}
    shown = []
    for who in everyone:
        points = [(group.case.size, *spread(group.tools[who].value, kind.scale))
                  for group in groups if who in group.tools and group.tools[who].value]
        if not points:
            continue
        sizes, middles, down, up = zip(*points)
        style = look(who)
        axes.errorbar(sizes, middles, yerr=(down, up), color=style.colour, marker=style.marker,
                      linewidth=style.width, markersize=style.size, capsize=2, elinewidth=0.9,
                      zorder=style.order, alpha=1 if who.ours else 0.85)
        shown += middles
    set_axis(axes.xaxis, axes.set_xscale, axes.set_xlim, units.value_axis(
        "bytes of a message (log)",
        {group.case.size: units.size_text(group.case.size) for group in groups}))
    set_axis(axes.yaxis, axes.set_yscale, axes.set_ylim, units.log_axis(
        f"{kind.shown} (log)", shown, units.digits_trimmed))


def bar_places(groups):
    """{(group, who): x}, and {x: label} of the middle of each case; cases lie side by side."""
    places, labels, left = {}, {}, 0.0
    for case in dict.fromkeys(group.case for group in groups):
        members = [(group, who) for group in groups if group.case == case for who in group.tools
                   if group.tools[who].main[0]]
        places |= {member: left + i for i, member in enumerate(members)}
        labels[left + (len(members) - 1) / 2] = f"{case.transport.upper()} {case.size} B"
        left += len(members) + 1.5
    return places, labels


def bars(axes, groups):
    """A bar for each tool's median and a mark for its p99; a pale bar is a mean."""
    kind, heights = groups[0].kind, {}
    places, labels = bar_places(groups)
    for (group, who), x in places.items():
        figures, is_mean = group.tools[who].main
        middle, down, up = spread(figures, kind.scale)
        style = look(who)
        heights[group, who] = middle
        axes.bar(x, middle, 0.86, color=style.colour, alpha=0.35 if is_mean else 1,
                 linewidth=0, zorder=2)
        axes.errorbar(x, middle, yerr=((down,), (up,)), fmt="none", ecolor=INK, elinewidth=0.8,
                      capsize=1.5, zorder=3)
    high = max(heights.values())
    tails = {member: member[0].tools[member[1]].middle("p99") for member in places}
    top = 1.1 * max([high, *(p99 for p99 in tails.values() if p99 and p99 <= TALL * high)])
    for member, p99 in tails.items():
        if p99:
            axes.plot(places[member], min(p99, 0.975 * top), linestyle="none",
                      color=look(member[1]).colour, marker="o" if p99 <= top else "^",
                      markerfacecolor="white", markersize=4.5, markeredgewidth=1.2, zorder=5)
    set_axis(axes.yaxis, axes.set_yscale, axes.set_ylim,
             units.linear_axis(kind.shown.replace("us", "µs"), [], units.digits_trimmed, 0, top))
    axes.set_xlim(-1, max(places.values()) + 1)
    axes.set_xticks(list(labels), list(labels.values()))
    axes.tick_params(axis="x", length=0)


def dots(axes, groups):
    """Filled: the median lateness, hollow: p99, one column for each tool and rate."""
    places, left, labels, shown = {}, 0.0, {}, []
    for group in groups:
        members = [(group, who) for who in group.tools if group.tools[who].value]
        places |= {member: left + i for i, member in enumerate(members)}
        labels[left + (len(members) - 1) / 2] = f"{units.count_text(group.case.rate)} a second"
        left += len(members) + 1.5
    for (group, who), x in places.items():
        style, series = look(who), group.tools[who]
        ends = series.middle("value"), series.middle("p99")
        axes.plot((x, x), ends, color=style.colour, linewidth=style.width, linestyle=style.line,
                  zorder=style.order)
        for value, fill in zip(ends, (style.colour, "white")):
            axes.plot(x, value, color=style.colour, marker=style.marker, markerfacecolor=fill,
                      markersize=style.size, linestyle="none", zorder=style.order + 1)
        shown += ends
    set_axis(axes.yaxis, axes.set_yscale, axes.set_ylim, units.log_axis(
        "after the schedule (log)", [value * 1000 for value in shown],
        lambda ns: units.time_text(ns, trim=True)))
    for line in axes.get_lines():
        line.set_ydata([value * 1000 for value in line.get_ydata()])
    axes.set_xlim(-1, left - 1.5)
    axes.set_xticks(list(labels), list(labels.values()))
    axes.tick_params(axis="x", length=0)


def plan(groups):
    """(title, note, drawing, groups) of each panel that has anything."""
    def of(kind, **case):
        return [group for group in groups if group.case.kind == kind and all(
            getattr(group.case, name) == value for name, value in case.items()) and any(
                series.main[0] for series in group.tools.values())]

    panels = [("TCP: bytes that arrived", "one write a message; batch: many a write; Nagle on",
               by_size, of("throughput")),
              ("UDP: messages that arrived", "offered without limit; batch: the kernel cuts and "
               "joins them", by_size, of("datagrams"))]
    trips = [(cores, spin, f"{CORES[cores]}{', spinning' if spin else ''}")
             for cores in CORES for spin in (False, True)]
    panels += [(f"Round trips, both ends on {where}", "bar: p50 (pale: mean), hollow: p99, "
                "triangle: p99 is higher", bars,
                [group for group in of("roundtrip", cores=cores) if group.spin == spin])
               for cores, spin, where in trips]
    panels += [("Keeping to a schedule: UDP sends, 64 B", "filled: p50, hollow: p99, seen from "
                "outside", dots, of("pacing")),
               (KINDS["connect"].what.capitalize(), "", bars, of("connect"))]
    return [panel for panel in panels if panel[3]]


def head(figure, height, groups):
    """Title and legend."""
    figure.text(0.02, 1 - 0.3 / height, "netversus beside other tools", fontsize=13,
                fontweight="bold", color=INK)
    everyone = {who.label: who for group in groups for who in group.tools}
    ordered = sorted(everyone.values(), key=lambda who: not who.ours)
    handles = [Line2D([], [], color=style.colour, marker=style.marker, linewidth=style.width,
                      linestyle=style.line, markersize=style.size, label=who.label)
               for who, style in ((who, look(who)) for who in ordered)]
    box = figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.01, 1 - 0.4 / height),
                        frameon=False, ncols=LEGEND_COLUMNS, fontsize=8.5, labelcolor=INK,
                        handlelength=2.4, labelspacing=0.5, columnspacing=2.5)
    for text, who in zip(box.get_texts(), ordered):
        text.set_fontweight("bold" if who.ours else "normal")


def caption(rows):
    first = rows[0]
    rounds = len({row["round"] for row in rows})
    return [f"{first['machine']}; {first['started_utc']}",
            f"loopback, {rounds} rounds of {first['duration_s']} s, in random order; medians, bars "
            f"span the rounds; congestion control {first['congestion_control']}",
            "Figures of one machine: compare within a panel alone."]


def compose(rows):
    """The whole figure."""
    groups = table.groups(rows)
    panels = plan(groups)
    height = HEAD_HEIGHT + (len(panels) + 1) // 2 * PANEL_HEIGHT + CAPTION_HEIGHT
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    head(figure, height, groups)
    for index, (title, note, draw_into, members) in enumerate(panels):
        row, column = divmod(index, 2)
        left, tall = (0.075, 0.575)[column], PANEL_HEIGHT - 1.2
        top = 1 - (HEAD_HEIGHT + row * PANEL_HEIGHT + 0.62) / height
        axes = figure.add_axes([left, top - tall / height, 0.405, tall / height])
        axes.grid(True, axis="y", color=GRID, linewidth=0.6, zorder=0)
        draw_into(axes, members)
        figure.text(left, top + 0.36 / height, title, fontsize=10.5, fontweight="bold", color=INK)
        figure.text(left, top + 0.14 / height, note, fontsize=8, color=MUTED)
    for number, text in enumerate(caption(rows)):
        figure.text(0.02, (0.6 - 0.2 * number) / height, text, fontsize=8, color=MUTED)
    return figure


def draw(rows, path):
    """Writes PNG and SVG beside the CSV file; returns their paths."""
    made = [Path(path).with_suffix(suffix) for suffix in (".png", ".svg")]
    with matplotlib.rc_context(SETTINGS):
        figure = compose(rows)
        figure.savefig(made[0], dpi=150)
        figure.savefig(made[1], metadata={"Date": None})
    return made
