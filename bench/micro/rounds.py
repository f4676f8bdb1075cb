# SPDX-License-Identifier: MIT
"""What the programs beside it share: rounds in random order, one CSV file, a table made from it.

A table is always printed from the rows as they are in the file: `--from FILE` prints it again.
"""

import argparse
import csv
import itertools
import random
import statistics
import sys
from pathlib import Path

from pair import ROOT, fail


def turns(rounds, tools_of, tries=1):
    """Yields (round, case, tool): in each round all cases in random order, and in the turn of a
    case its tools in random order, `tries` times over."""
    for number in range(1, rounds + 1):
        for position, case in enumerate(random.sample(list(tools_of), len(tools_of)), 1):
            print(f"\rround {number} of {rounds}, {position} of {len(tools_of)}  ", end="",
                  file=sys.stderr, flush=True)
            for tool in random.sample(tools_of[case], len(tools_of[case])) * tries:
                yield number, case, tool
    print(file=sys.stderr)


def grouped(rows, *columns):
    """Rows by their values in these columns, in order; numbers are ordered by value."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return dict(sorted(groups.items(), key=lambda item: [
        (0, float(value), "") if value.isdigit() else (1, 0, value) for value in item[0]]))


class Spread:
    """One number for each round: their median, the smallest and the largest. That range is an
    interval of 1 - 2^(1 - rounds) for the median: 99.2 % at 8 rounds."""

    def __init__(self, values):
        self.values = list(values)
        self.median = statistics.median(self.values)

    def __str__(self):
        return f"{self.median:.3f} [{min(self.values):.3f}, {max(self.values):.3f}]"


def of_rounds(rows, column):
    """Round: median of what was measured in it. Empty is unknown."""
    return {number: statistics.median(float(row[column]) for row in found)
            for (number,), found in grouped([row for row in rows if row[column]], "round").items()}


def of_tool(rows, tool, column):
    return of_rounds([row for row in rows if row["tool"] == tool], column)


def ratio(above, below):
    """Spread of the ratios of two of_rounds()."""
    return Spread(above[number] / below[number] for number in below if number in above)


def median(found):
    """Of what of_rounds() gave."""
    return statistics.median(found.values())


class Bench:
    """A program of this folder. It yields rows that it measures, all with the same columns, and
    prints a table of such rows, whose values are text; false: a limit was not kept."""

    about = None  # the docstring of the program
    rounds = 5
    rounds_min = 5
    duration_ms = None  # of each run; None: it has no such option
    limit_help = None  # of --limit; None: it has no such option

    def add_options(self, parser):
        """Options of its own."""

    def measure(self, options):
        raise NotImplementedError

    def report(self, rows, options):
        raise NotImplementedError

    def main(self, arguments):
        options = self._parse(arguments)
        if not options.source:
            write(options.csv, self.measure(options))
        path = options.source or options.csv
        try:
            kept = self.report(read(path), options)
        except (KeyError, ValueError, statistics.StatisticsError) as error:
            fail(f"{path}: a column is missing or wrong: {error}")
        if not options.source:
            print(f"every measurement: {path}")
        return 0 if kept else 1

    def _parse(self, arguments):
        name = Path(sys.argv[0]).name
        parser = argparse.ArgumentParser(prog=name, description=self.about.partition("\n")[0])
        parser.add_argument("--build", default=ROOT / "build" / "release", help="build directory")
        parser.add_argument("--rounds", type=int, default=self.rounds,
                            help=f"at least {self.rounds_min} (default {self.rounds})")
        if self.duration_ms:
            parser.add_argument("--duration-ms", type=int, default=self.duration_ms,
                                help=f"of each run (default {self.duration_ms})")
        parser.add_argument("--csv", type=Path, default=Path(f"{name}.csv"),
                            help=f"where every measurement goes (default {name}.csv)")
        parser.add_argument("--from", dest="source", type=Path, metavar="CSV",
                            help="measure nothing, print the table of an earlier file")
        if self.limit_help:
            parser.add_argument("--limit", type=float, nargs="?", const=0.0, help=self.limit_help)
        self.add_options(parser)
        options = parser.parse_args(arguments)
        if options.rounds < self.rounds_min:
            parser.error(f"--rounds: fewer than {self.rounds_min} tell nothing")
        return options


def numbers(least, most):
    """For argparse: integers with commas between them, within these bounds."""

    def parse(text):
        found = [int(part) if part.isdecimal() else -1 for part in text.split(",")]
        if not all(least <= number <= most for number in found):
            raise argparse.ArgumentTypeError(f"'{text}': integers from {least} to {most}, a comma "
                                             "between them")
        return found

    return parse


def limit_of(options, goal):
    """What a figure is to keep to: the number of --limit, or its own goal; None: nothing."""
    return None if options.limit is None else options.limit or goal


def write(path, rows):
    """Row by row: an interrupted measurement leaves what it has, and one that cannot begin leaves
    the earlier file."""
    rows = iter(rows)
    first = next(rows)
    try:
        out = open(path, "w", newline="", encoding="utf-8")
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    with out:
        writer = csv.DictWriter(out, fieldnames=list(first), lineterminator="\n")
        writer.writeheader()
        for row in itertools.chain([first], rows):
            writer.writerow(row)
            out.flush()


def read(path):
    try:
        with open(path, newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path}: {getattr(error, 'strerror', error)}")
    if not rows:
        fail(f"{path}: no measurement in it")
    return rows
