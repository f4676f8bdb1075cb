# SPDX-License-Identifier: MIT
"""From rows to what charts show: cells, arms, medians over blocks with intervals, curves.

Pure, and the standard library alone: both renderers draw the same numbers.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from . import paths, sweeps, units

# The one place for colours: a transport's, then that of the second arm of the same transport.
COLOURS = {"tcp": ("#0b6bcb", "#7fb7ec"), "udp": ("#d9730d", "#f2b277")}
COLOURS_OTHER = ("#4a7a3a", "#9cc48d")
MARKERS = {"tcp": "circle", "udp": "square"}

# Columns that tell cells apart, and how a value is named in a title.
FACTORS = {
    "app": "{}", "workload": "{}", "engine": "{}", "rate": "{}", "arrival": "{}", "flows": "{} flows",
    "direction": "{}", "path": "path {}", "dir": "{}", "reply_size": "reply {}",
    "burst": "burst {}", "window": "window {}", "deadline_ms": "deadline {:g} ms",
    "nodelay": "nodelay {}", "quickack": "quickack {}", "cc": "cc {}", "sndbuf": "sndbuf {}",
    "rcvbuf": "rcvbuf {}", "read_size": "read {}", "udp_policy": "udp {}", "pace": "pace {}", "dscp": "dscp {}",
    "wait": "wait {}", "batch": "batch {}", "threads": "{} threads", "cpus": "cpus {}",
    "diag": "diag {}", "stall": "stall {}", "backlog": "backlog {}", "udp_connect": "connect {}"}
_ALWAYS = ("app", "workload", "rate")  # The workload as long as no application tells it.
_IN_BYTES = ("reply_size", "sndbuf", "rcvbuf")  # 0: what is usual


@dataclass(frozen=True)
class Arm:
    key: tuple  # (transport, arm letter or "")
    label: str
    colour: str
    marker: str


@dataclass(frozen=True)
class Cell:
    cell_id: str
    dir: str
    path: str
    factors: tuple  # ((column, value), …) of all but the size
    size: str  # for people: "64 B", "64 B + 1 kB (3:1)"
    size_bytes: float  # the mean
    rate: float  # messages a second, or None: as fast as it goes
    fragmented: bool
    title: str  # what varies, and what always matters
    group: str  # the same without what the x axis shows


@dataclass
class Campaign:
    """A result, arranged: everything that charts ask for."""

    result: object
    arms: list
    cells: list
    sweep: object  # of sweeps.py
    groups: dict  # group title -> cells, in order of x
    rows: dict = field(default_factory=dict)  # (cell_id, dir, arm key) -> rows of runs.csv


def arrange(result):
    arms = _arms(result.runs)
    first_rows = {}
    for row in sorted(result.runs, key=lambda row: row["cell_id"]):  # Cells ran in a random order.
        first_rows.setdefault((row["cell_id"], row["dir"]), row)
    sweep = sweeps.choose(list(first_rows.values()))
    cells = _cells(result.runs, first_rows, sweep)
    groups = defaultdict(list)
    for cell in cells:
        groups[cell.group].append(cell)
    for members in groups.values():
        members.sort(key=lambda cell: (-sweep.value(cell) if sweep.rows else sweep.value(cell),
                                       cell.cell_id))
    campaign = Campaign(result, arms, cells, sweep, dict(groups))
    campaign.rows = _by_arm(campaign, result.runs)
    return campaign


def _arms(rows):
    letters = defaultdict(set)
    for row in rows:
        letters[row["transport"]].add(row["arm"])
    arms = []
    for transport in sorted(letters):
        several = len(letters[transport]) > 1
        for i, letter in enumerate(sorted(letters[transport]) if several else [""]):
            colours = COLOURS.get(transport, COLOURS_OTHER)
            arms.append(Arm((transport, letter), f"{transport.upper()} {letter}".strip(),
                            colours[i % 2], "square" if i else MARKERS.get(transport, "circle")))
    return arms


def arm_key(campaign, row):
    """Key of the arm that a row belongs to."""
    key = (row["transport"], row["arm"])
    return key if any(arm.key == key for arm in campaign.arms) else (row["transport"], "")


def _cells(rows, first_rows, sweep):
    values = {key: tuple((c, row[c]) for c in FACTORS if row.get(c) not in (None, ""))
              for key, row in first_rows.items()}
    varying = {key: _varying(factors, values.values()) for key, factors in values.items()}
    fragmented = {(row["cell_id"], row["dir"]) for row in rows
                  if row["transport"] != "tcp" and (row.get("ip_fragments_per_msg") or 0) > 1}
    path_names = paths.names([row["path"] for row in first_rows.values()])
    cells, taken = [], set()
    for key, row in first_rows.items():
        words = {column: path_names[value] if column == "path" and "=" in value
                 else factor_text(column, value)
                 for column, value in values[key]
                 if column in _ALWAYS or column in varying[key]
                 and (column != "dir" or row["direction"] == "both")}
        if "app" in words and "workload" not in varying[key]:
            del words["workload"]
        size = units.sizes_text(row["msg_size"])
        group_words = [word for column, word in words.items() if column not in sweep.shown]
        if "size" not in sweep.shown:
            group_words.insert(list(words).index("rate"), size)
        title_words = list(words.values())
        title_words.insert(list(words).index("rate"), size)
        x = row["msg_size"] if sweep is sweeps.SIZE else row[sweep.column]
        if (*group_words, x) in taken:  # They differ in a factor this program does not know of.
            title_words.append(key[0])
            group_words.append(key[0])
        taken.add((*group_words, x))
        cells.append(Cell(*key, row["path"], values[key], size, row["msg_size_bytes"],
                          row["rate_msgs_per_s"], key in fragmented, " · ".join(title_words),
                          " · ".join(group_words) or "applications"))
    return cells


def _varying(factors, everyone):
    """Columns in which others differ: of the same application, whose name tells what it sets; of
    all as to the deadline, without which a share on time says nothing."""
    mine = dict(factors)
    return {column for other in map(dict, everyone) for column, value in mine.items()
            if other.get(column) != value
            and (other.get("app") == mine.get("app") or column == "deadline_ms")}


def factor_text(column, value):
    if column in _IN_BYTES:
        value = "default" if value == "0" else units.sizes_text(value)
    if column == "rate":
        value = units.spaced(value)
    return FACTORS[column].format("real" if (column, value) == ("path", "none") else value)


def _by_arm(campaign, rows):
    found = defaultdict(list)
    for row in rows:
        found[row["cell_id"], row["dir"], arm_key(campaign, row)].append(row)
    return found


@dataclass(frozen=True)
class Summary:
    """Median over blocks with its interval; y may be infinite. None: no value is known."""

    y: float
    lo: float
    hi: float
    count: int


def summarise(values):
    """95 % interval of the median by ranks, from 6 blocks on; the extremes below that."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    rank = median_rank(len(known))
    return Summary(median(known), known[rank - 1], known[-rank], len(known))


def median_rank(count):
    """The largest l with P(Bin(n, 1/2) <= l - 1) <= 2.5 %: the l-th value from either end bounds
    the median at 95 %. 1 where there is none."""
    tail, rank = 0.0, 0
    while rank < count:
        tail += math.comb(count, rank) / 2 ** count
        if tail > 0.025:
            break
        rank += 1
    return max(rank, 1)


def run_column(campaign, cell, arm, column):
    """Summary of a column of runs.csv, or of what is made of some, over blocks."""
    rows = campaign.rows.get((cell.cell_id, cell.dir, arm.key), [])
    return summarise([value_of(row, column) for row in rows])


def value_of(row, column):
    """None when it is not known."""
    try:
        return DERIVED[column](row) if column in DERIVED else row[column]
    except (KeyError, TypeError, ZeroDivisionError):  # A file without it, or with an empty field.
        return None


# What a chart shows that is no column itself.
DERIVED = {
    # Both over the receiver's own window.
    "msgs_per_recv": lambda row: row["goodput_bytes"] / row["msg_size_bytes"] /
    row["rx_recv_calls"],
    "split_ratio": lambda row: row["split_msgs_count"] / row["rx_unique_count"],
    "complete_ns": lambda row: row["resp_max_ns"]
    if row["rx_unique_count"] == row["sched_count"] else math.inf,
}


def paired(campaign, cell, column):
    """Summary over blocks of the second arm's value less the first's, in pairs."""
    first, second = [{row["block"]: row[column] for row in
                      campaign.rows.get((cell.cell_id, cell.dir, arm.key), [])}
                     for arm in campaign.arms]
    return summarise([second[block] - first[block] for block in first if block in second
                      and None not in (first[block], second[block])])


def quantiles(campaign):
    """{(cell_id, dir, arm key, p): Summary} of response times over all scheduled messages, ns."""
    found = defaultdict(list)
    for row in campaign.result.quantiles:
        found[row["cell_id"], row["dir"], arm_key(campaign, row), row["p"]].append(row["value_ns"])
    return {key: summarise(values) for key, values in found.items()}


def count_sum(campaign, column, cells, arm):
    """Sum of a count over all runs of some cells; 0 when unknown."""
    return sum(row[column] or 0 for cell in cells
               for row in campaign.rows.get((cell.cell_id, cell.dir, arm.key), []))


def on_time(campaign, cell, arm):
    """(deadline in ms, share delivered by then or None) at the cell's own deadline."""
    runs = campaign.rows.get((cell.cell_id, cell.dir, arm.key), [])
    deadline = next((row["deadline_ms"] for row in runs), None)
    ids = {row["run_id"] for row in runs}
    rows = [row for row in campaign.result.deadlines
            if row["deadline_ms"] == deadline and row["run_id"] in ids and row["dir"] == cell.dir]
    scheduled = sum(row["sched_count"] or 0 for row in rows)
    delivered = sum(row["ontime_count"] or 0 for row in rows)
    return deadline, delivered / scheduled if scheduled else None


@dataclass(frozen=True)
class Curve:
    """Share of scheduled messages delivered within x, with the extremes of single blocks."""

    points: tuple  # (x in ns, share)
    band: tuple  # (x in ns, lowest share, highest share)
    scheduled: float


def curves(campaign):
    """{(cell_id, dir, arm key): Curve}, all blocks together."""
    bins, scheduled = defaultdict(list), {}
    for row in campaign.result.hist:
        bins[row["run_id"], row["dir"]].append((row["lo_ns"], row["hi_ns"], row["count"]))
    for row in campaign.result.runs:
        scheduled[row["run_id"], row["dir"]] = row["sched_count"]
    found = {}
    for key, rows in campaign.rows.items():
        runs = [(row["run_id"], row["dir"]) for row in rows]
        runs = [run for run in runs if bins.get(run) and scheduled[run]]
        if runs:
            found[key] = _curve([bins[run] for run in runs], [scheduled[run] for run in runs])
    return found


def shares_at(campaign, runs, times):
    """{(run_id, dir): [share of scheduled messages delivered within each time]}, of those runs
    that have a histogram. times: ascending, ns."""
    bins = defaultdict(list)
    for row in campaign.result.hist:
        bins[row["run_id"], row["dir"]].append((row["lo_ns"], row["hi_ns"], row["count"]))
    wanted = {(row["run_id"], row["dir"]): row["sched_count"] for row in runs}
    return {key: _interpolate(_cumulative(bins[key], count), times)
            for key, count in wanted.items() if count and key in bins}


def _curve(blocks, scheduled):
    merged = defaultdict(float)
    for block in blocks:
        for lo, hi, count in block:
            merged[lo, hi] += count
    points = _cumulative([(lo, hi, count) for (lo, hi), count in merged.items()], sum(scheduled))
    singles = [_cumulative(block, total) for block, total in zip(blocks, scheduled)]
    at = [_interpolate(single, [x for x, _ in points]) for single in singles]
    band = tuple((x, min(shares), max(shares))
                 for (x, _), *shares in zip(points, *at)) if len(blocks) > 1 else ()
    return Curve(tuple(points), band, sum(scheduled))


def _cumulative(bins, total):
    """Corners of the distribution: flat between buckets, straight within one."""
    points, delivered = [], 0.0
    for lo, hi, count in sorted(bins):
        if not points or lo > points[-1][0]:
            points.append((lo, delivered / total))
        delivered += count
        points.append((hi, delivered / total))
    return points


def _interpolate(points, xs):
    """Shares at ascending xs, flat beyond both ends."""
    shares, i = [], 0
    for x in xs:
        while i < len(points) and points[i][0] <= x:
            i += 1
        if i == 0 or i == len(points):
            shares.append(points[-1][1] if i else 0.0)
            continue
        (x0, y0), (x1, y1) = points[i - 1], points[i]
        shares.append(y0 + (y1 - y0) * (x - x0) / (x1 - x0))
    return shares
