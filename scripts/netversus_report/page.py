# SPDX-License-Identifier: MIT
"""The report: one page that needs no network, printable, made from results alone."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import charts, figures, forest, observed, panels, render_mpl, tables, words

# Topics of the program that the page's words belong to, in the order in which they are met.
DEFINED = ("response", "percentile", "on-time", "goodput", "loss", "reordering", "path", "key",
           "effect", "verdict", "why")


def render(campaigns):
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    sections = [_section(campaign, f"r{i}") for i, campaign in enumerate(campaigns)]
    common = tables.side_by_side(campaigns) if len(campaigns) > 1 else None
    known = words.load()
    return environment.get_template("page.html.j2").render(
        sections=sections, definitions=_definitions(known), common=common, tip=_tips(known).get)


def _definitions(known):
    return [(title[:1].upper() + title[1:], text) for title, text in
            (known.topics[name] for name in DEFINED if name in known.topics)]


def _tips(known):
    """{what stands at the head of a row or column: what it means}"""
    tips = {metric.label: known.column_at_length(name) for name, metric in charts.METRICS.items()}
    tips |= {label: known.column_at_length(name) for name, (label, _) in tables.MEDIANS.items()}
    tips |= {label: known.column(f"emu_up_{name}") for name, label, *_ in observed.MEASURES}
    tips |= {name: known.topic("percentile") for name in ("p50", "p90", "p95", "p99", "p99.9")}
    tips |= {name: known.column(column, "comparisons.csv") for name, column in
             (("effect", "effect"), ("95 % interval", "ci95_lo"), ("verdict", "verdict"))}
    return {name: tip for name, tip in tips.items() if tip}


def _section(campaign, name):
    meta = campaign.result.campaign
    environment = meta.get("environment") or {}
    tool = meta.get("tool") or {}
    sentences = [_unbroken(str(sentence)) for sentence in meta.get("in_words") or []]
    built = figures.build(campaign)
    return {
        "id": name,
        "directory": campaign.result.directory.resolve().name,
        "scenario": str(meta.get("scenario") or "campaign"),
        "caption": figures.caption_text(campaign),
        "words": sentences or tables.fallback_words(campaign),
        "arms": forest.arm_names(campaign),
        "colours": {side: _colour(campaign, i)
                    for i, side in enumerate("ab")},
        "tally": tables.tally(campaign),
        "verdicts": tables.verdicts(campaign),
        "reasons": tables.reasons(campaign),
        "figures": [_figure(figure, f"{name}f{i}")
                    for i, figure in enumerate(built)],
        "medians": tables.medians(campaign),
        "paths": observed.table(campaign),
        "argv": " ".join(str(word) for word in meta.get("argv") or []),
        "tool": " ".join(str(tool[key]) for key in ("version", "revision") if tool.get(key)),
        "settings": tables.flatten(meta.get("settings") or {}),
        "environment": [(end, tables.flatten(environment[end]))
                        for end in ("client", "server") if environment.get(end)],
        "notes": campaign.result.notes + [
            f"No data for the chart “{title}”." for title in figures.missing(campaign, built)],
    }


def _unbroken(sentence):
    """A number stays on one line: 72 579."""
    return re.sub(r"(?<=\d) (?=\d{3}(?!\d))", "\u00a0", sentence)


def _colour(campaign, i):
    labels = {arm.label: arm.colour for arm in campaign.arms}
    return labels.get(forest.arm_names(campaign)[i], panels.MUTED)


def _figure(figure, name):
    return {
        "title": figure.title, "help": figure.help, "caption": figure.caption,
        "legend": panels.legend(figure.panels), "stacked": figure.stacked,
        "pictures": [Markup(render_mpl.render(panel, f"{name}p{i}"))
                     for i, panel in enumerate(figure.panels)],
    }
