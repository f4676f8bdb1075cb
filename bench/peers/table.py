# SPDX-License-Identifier: MIT
"""From rows to what is printed: medians over the rounds, and netversus against each peer.

A ratio is netversus' figure by the peer's of the same round. Shown are the median of the ratios and
a distribution-free interval for it, from order statistics (METHOD: a sign test turned round).
"""

import csv
import math
import statistics
from dataclasses import dataclass, field

from cases import KINDS, Case

COVERAGE = 0.95
NOTES_MAX = 2  # of a line of the table
OURS = "netversus"
ENGINES = ("poll", "blocking", "batch")
APART = ("roundtrip",)  # kinds where those that spin are compared with their like alone


class TableError(Exception):
    """The file is none of ours."""


@dataclass(frozen=True)
class Who:
    """A row of the table."""

    tool: str
    version: str
    engine: str
    wait: str

    @property
    def ours(self):
        return self.tool == OURS

    @property
    def way(self):
        return " ".join(part for part in (self.engine, self.wait if self.wait == "spin" else "")
                        if part)

    @property
    def label(self):
        version = "" if self.ours else self.version
        return " ".join(part for part in (self.tool, version, self.way) if part)


@dataclass
class Series:
    """Figures of one tool in one case, each {round: number}."""

    value: dict = field(default_factory=dict)
    p99: dict = field(default_factory=dict)
    mean: dict = field(default_factory=dict)
    loss_ratio: dict = field(default_factory=dict)
    drift_ppm: dict = field(default_factory=dict)
    notes: set = field(default_factory=set)

    @property
    def main(self):
        """(figures, whether they are means for want of a median)"""
        return (self.value, False) if self.value else (self.mean, True)

    def middle(self, name):
        figures = getattr(self, name)
        return statistics.median(figures.values()) if figures else None


@dataclass(frozen=True)
class Ratio:
    median: float
    low: float
    high: float


@dataclass(eq=False)  # a key of dicts
class Group:
    """A case and its tools, {Who: Series}; of some kinds those that spin are a group of their own.
    """

    case: Case
    spin: bool
    tools: dict = field(default_factory=dict)

    @property
    def kind(self):
        return KINDS[self.case.kind]

    @property
    def ours(self):
        return [who for who in self.tools if who.ours]

    @property
    def best_peer(self):
        """By the median over the rounds, of those whose main figure is of the case's own kind."""
        peers = [who for who, series in self.tools.items() if not who.ours and series.value]
        pick = max if self.kind.more_is_better else min
        return pick(peers, key=lambda who: self.tools[who].middle("value"), default=None)

    def ratio(self, ours, peer):
        """Of the rounds that both have; None when there is none."""
        theirs, is_mean = self.tools[peer].main
        mine = self.tools[ours].mean if is_mean else self.tools[ours].value
        both = sorted(mine[number] / theirs[number] for number in mine if theirs.get(number))
        if not both:
            return None
        rank = interval_rank(len(both))
        return Ratio(statistics.median(both), both[rank - 1], both[-rank])


def coverage(count, rank):
    """That the median lies between the rank-th smallest and the rank-th largest of so many."""
    return 1 - 2 * sum(math.comb(count, i) for i in range(rank)) / 2 ** count


def interval_rank(count):
    """The narrowest interval of at least 95 %; with too few for one, all of them."""
    ranks = [rank for rank in range(1, (count + 1) // 2 + 1) if coverage(count, rank) >= COVERAGE]
    return max(ranks, default=1)


def load(path):
    """The rows of a peers.csv."""
    with open(path, newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"case", "round", "tool", "value"} <= set(rows[0]):
        raise TableError(f"{path}: no measurements of bench/peers/run")
    return rows


def case_of(row):
    rate = 0 if row["rate_per_s"] == "max" else int(row["rate_per_s"])
    return Case(row["kind"], row["transport"], int(row["size_bytes"]), int(row["cores"]), rate)


def groups(rows):
    """Rows in order: by kind as in the table of kinds, then by case; netversus' last."""
    found = {}
    for row in rows:
        spin = row["kind"] in APART and row["wait"] == "spin"
        group = found.setdefault((case_of(row), spin), Group(case_of(row), spin))
        who = Who(row["tool"], row["version"], row["engine"], row["wait"])
        series = group.tools.setdefault(who, Series())
        for name in ("value", "p99", "mean", "loss_ratio", "drift_ppm"):
            if row[name]:
                getattr(series, name)[int(row["round"])] = float(row[name])
        if row["note"]:
            series.notes.add(row["note"])
    kinds = list(KINDS)
    for group in found.values():
        group.tools = {who: group.tools[who] for who in sorted(
            group.tools, key=lambda who: (who.ours, who.wait, who.tool, who.ours and
                                          ENGINES.index(who.engine), who.engine, who.version))}
    return sorted(found.values(), key=lambda g: (
        kinds.index(g.case.kind), g.case.transport, g.case.cores, g.spin, g.case.rate, g.case.size))


def number(value, scale=1):
    if value is None:
        return "-"
    value /= scale
    digits = 0 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 4)}f}"


def ratio_text(ratio):
    if ratio is None:
        return "-"
    median, low, high = (f"{value:#.3g}".rstrip(".") for value in
                         (ratio.median, ratio.low, ratio.high))
    return f"{median} [{low}, {high}]"


def second(kind):
    """Heading and text of the column beside the figure."""
    return {"datagrams": ("lost", lambda s: percent(s.middle("loss_ratio"))),
            "roundtrip": ("p99", lambda s: number(s.middle("p99"))),
            "pacing": ("p99, drift", lambda s: " ".join(
                (number(s.middle("p99")), ppm(s.middle("drift_ppm"))))),
            }.get(kind, ("", lambda s: ""))


def percent(ratio):
    return "-" if ratio is None else f"{ratio:.1%}"


def ppm(value):
    return "" if value is None else f"{value:+.0f}ppm"


def figure_text(series, scale):
    figures, is_mean = series.main
    if not figures:
        return "-"
    return number(statistics.median(figures.values()), scale) + (" mean" if is_mean else "")


def table(group):
    """Lines of one case."""
    kind, best = group.kind, group.best_peer
    heading, text = second(group.case.kind)
    better = "more" if kind.more_is_better else "less"
    lines = [f"{group.case.title}{', spinning' if group.spin else ''} "
             f"({kind.shown}, {better} is better)",
             (f"  {'':24}{'median':>11}{heading:>18}" + "".join(
                 f"   {who.way + ' / it':<20}" for who in group.ours)).rstrip()]
    for who, series in group.tools.items():
        mark = "*" if who == best else " "
        line = f"{mark} {who.label:24}{figure_text(series, kind.scale):>11}{text(series):>18}"
        if not who.ours:
            line += "".join(f"   {ratio_text(group.ratio(mine, who)):<20}" for mine in group.ours)
        lines.append(line.rstrip())
        lines += [f"      {note}" for note in notes(series)]
    return lines


def notes(series):
    """The first few; all are in the file."""
    shown = sorted(series.notes)[:NOTES_MAX]
    more = len(series.notes) - len(shown)
    return shown + ([f"and {more} more such notes"] if more else [])


def verdict(group, mine):
    """netversus against the best peer in one word."""
    ratio = group.ratio(mine, group.best_peer)
    if ratio is None:
        return "-"
    ahead = (ratio.low > 1, ratio.high < 1)
    better, worse = ahead if group.kind.more_is_better else ahead[::-1]
    return ratio_text(ratio) + (" better" if better else " WORSE" if worse else " even")


def summary(compared):
    """Lines: netversus beside the best peer of each case that both have."""
    lines = [f"{'netversus / best peer':36}{'best peer':>22}{'median':>9}"]
    for group in compared:
        best = group.best_peer
        name = group.case.name + (" spinning" if group.spin else "")
        value = number(group.tools[best].middle("value"), group.kind.scale)
        lines.append(f"{name:36}{best.label:>22}{value:>9} {group.kind.shown}")
        lines += [f"    {who.way:20}{verdict(group, who)}" for who in group.ours]
    return lines


def explain(rows):
    """Lines: what the figures are."""
    rounds = len({row["round"] for row in rows})
    rank = interval_rank(rounds)
    what = "their range" if rank == 1 else f"number {rank} from either end"
    return [f"Medians over {rounds} rounds. Ratios are netversus / the tool of the line, within a "
            "round: their median", f"and {what}, which is an interval of "
            f"{coverage(rounds, rank):.2%} for it. * is the best peer.",
            "Where a tool tells a mean alone, netversus' mean is held against it."]


def report(rows):
    """The whole text."""
    found = groups(rows)
    parts = [explain(rows), *(table(group) for group in found)]
    compared = [group for group in found if group.best_peer and group.ours]
    if compared:
        parts.append(summary(compared))
    return "\n\n".join("\n".join(part) for part in parts)
