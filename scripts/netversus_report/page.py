# SPDX-License-Identifier: MIT
"""The report: one page that needs no network, printable, made from results alone."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import figures, forest, observed, panels, render_mpl, tables

# What the words on the page mean.
DEFINITIONS = (
    ("Response time", "From the moment a message was due to be sent, by the schedule, until its "
     "receiver had it whole (rr: until the sender had the whole answer). A late sender does not "
     "hide its own delay."),
    ("Median, p99", "Over all scheduled messages: a lost message counts as infinitely late. Empty "
     "where the sample is too small to support it."),
    ("On time", "Delivered within the deadline, out of all that were scheduled."),
    ("Goodput", "Payload that the receiver got, each message once, over the receiver's own time."),
    ("Lost", "Sent, and never received before the run ended. Messages that the sender's own kernel "
     "refused are counted apart."),
    ("Reordered", "Arrived after a message that was sent later (RFC 4737), out of those delivered. "
     "TCP restores the order, and pays for it in response time."),
    ("Emulated path", "Loss, delay, a rate with a queue and the like, done to IP packets between "
     "two network namespaces of one host, the same way for both transports. What it did to them "
     "in a run is counted: chance makes it differ from what was asked for."),
    ("Why", "The factor whose evidence, counted in the same runs, explains most of what an arm lost "
     "or waited, and no less than half; none is named where the numbers do not tell."),
    ("Block", "One run of each transport over the same schedule, one right after the other, in "
     "changing order. The block is the unit of repetition."),
    ("Effect and interval", "Hodges–Lehmann estimate over blocks, with the exact 95 % signed-rank "
     "interval. Fewer than six blocks have no interval."),
    ("Verdict", "Wins: the interval lies beyond the margin that matters, and holds after Holm's "
     "correction over the whole campaign. Tie: shown to lie within the margin. Slightly better: "
     "a difference is sure, but it may be too small to matter. Inconclusive: the data cannot "
     "tell, which is not a tie."),
)


def render(campaigns):
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    sections = [_section(campaign, f"r{i}") for i, campaign in enumerate(campaigns)]
    common = tables.side_by_side(campaigns) if len(campaigns) > 1 else None
    return environment.get_template("page.html.j2").render(
        sections=sections, definitions=DEFINITIONS, common=common)


def _section(campaign, name):
    meta = campaign.result.campaign
    environment = meta.get("environment") or {}
    tool = meta.get("tool") or {}
    words = [_unbroken(str(sentence)) for sentence in meta.get("in_words") or []]
    built = figures.build(campaign)
    return {
        "id": name,
        "directory": campaign.result.directory.resolve().name,
        "scenario": str(meta.get("scenario") or "campaign"),
        "caption": figures.caption_text(campaign),
        "words": words or tables.fallback_words(campaign),
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
