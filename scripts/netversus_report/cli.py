# SPDX-License-Identifier: MIT
"""The two commands. Exit status: 0 done, 1 failed, 2 bad usage or a result that cannot be read."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import charts, figures, load, render_gnuplot, series


_RESULT_HELP = "what `netversus run` left; latest is results/latest in the current directory"


def main(arguments):
    command, *rest = arguments or [""]
    if command not in COMMANDS:
        print("usage: netversus_report plot|report ARGUMENTS", file=sys.stderr)
        return 2
    try:
        return COMMANDS[command](rest)
    except load.LoadError as error:
        return _complain(command, error, 2)
    except (render_gnuplot.GnuplotError, OSError) as error:
        return _complain(command, error, 1)


def _complain(command, error, status):
    print(f"{command}: {error}", file=sys.stderr)
    return status


def _parser(command, description):
    return argparse.ArgumentParser(prog=command, description=description)


def _campaign(command, name):
    """Loads and arranges one result directory, saying on stderr what is missing from it."""
    directory = Path("results/latest") if name == "latest" else Path(name)
    if not directory.is_dir():
        raise load.LoadError(f"{directory}: no such directory")
    result = load.load(directory)
    for note in result.notes:
        print(f"{command}: {directory}: {note}", file=sys.stderr)
    return series.arrange(result)


def plot(arguments):
    parser = _parser("plot", "Draws the charts of a result directory with gnuplot: PNG and SVG, "
                     "and the gnuplot programs that made them, in RESULT_DIR/charts.")
    parser.add_argument("directory", metavar="RESULT_DIR", nargs="?", help=_RESULT_HELP)
    parser.add_argument("--only", metavar="CHART,...", default="", help="draw these alone; without "
                        "RESULT_DIR, only tell whether there are such charts")
    options = parser.parse_args(arguments)
    only = _chart_names(options.only)
    if options.directory:
        _draw(options.directory, only)
    elif not only:
        parser.error("name a result directory")
    return 0


def _chart_names(text):
    names = text.split(",") if text else []
    known = [chart.name for chart in charts.CHARTS]
    for name in names:
        if name not in known:
            raise load.LoadError(f"no chart '{name}'; there are {', '.join(known)}")
    return names


def _draw(name, only):
    campaign = _campaign("plot", name)
    directory = campaign.result.directory / "charts"
    directory.mkdir(exist_ok=True)
    built = figures.build(campaign, only)
    for figure in built:
        render_gnuplot.render(figure, directory)
    if only:
        print("\n".join(f"chart {directory / figure.name}.png" for figure in built))
    else:
        print(f"{len(built)} charts in {directory}")
    for title in figures.missing(campaign, built, only):
        print(f"no data for the chart \"{title}\"")


def report(arguments):
    parser = _parser("report", "Writes report.html, one page that needs nothing else, into the "
                     "first RESULT_DIR; several are shown one after the other, and side by side.")
    parser.add_argument("directories", metavar="RESULT_DIR", nargs="+", help=_RESULT_HELP)
    options = parser.parse_args(arguments)
    from . import page  # Not for plot: this one needs more than the standard library.
    campaigns = [_campaign("report", name) for name in options.directories]
    target = campaigns[0].result.directory / "report.html"
    unfinished = target.with_suffix(".html.part")
    unfinished.write_text(page.render(campaigns), encoding="utf-8")
    unfinished.replace(target)
    print(target)
    return 0


COMMANDS = {"plot": plot, "report": report}
