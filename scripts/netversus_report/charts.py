# SPDX-License-Identifier: MIT
"""The list of charts. A new chart is one entry; both renderers and the report walk the list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    # "run:COLUMN", "quantile:P", "interval:COLUMN", "trial:COLUMN", "curve:delivered" or "…:missing"
    source: str
    label: str = ""  # what is said after the arm's name; of a course, the panel's title
    dashed: bool = False
    unit: str = ""  # of a course
    note: str = ""


@dataclass(frozen=True)
class Chart:
    name: str  # of files
    kind: str  # a key of figures.KINDS
    title: str
    x: str  # axis labels; "" is the swept factor's own
    y: str
    unit: str  # of y: a key of figures.UNITS
    scale: str  # of y: "linear", "log" or "nines"
    series: tuple = ()
    help: str = ""  # one sentence: how to read it
    zero_note: str = ""  # said instead of silence when every value is 0
    zero_count: str = ""  # and the column of runs.csv that is then 0
    infinite_note: str = ""  # what an infinite value means, if not that messages never arrived
    needs: str = ""  # a key of figures.NEEDS: what a result must have for this to be a chart of it
    asked: bool = False  # drawn only where it is named: by --only, or by the campaign's --plot


CHARTS = (
    Chart("verdicts", "forest", "What differs, and is it sure?",
          x="change", y="", unit="", scale="log",
          help="Each dot is UDP measured against TCP in one cell, the bar its 95 % interval over "
               "blocks; a bar that stays clear of the grey strip is a difference that matters."),
    Chart("path", "sweep", "On time, against the path",
          x="", y="on time", unit="percent", scale="nines", needs="path",
          series=(Series("run:ontime_ratio"),),
          help="Higher is better: messages delivered within the deadline, of all that were "
               "scheduled. Each step of the scale leaves a tenth as many late or lost."),
    Chart("deadlines", "plane", "On time, by path and deadline",
          x="", y="", unit="percent", scale="linear", needs="two",
          series=(Series("curve:delivered"),),
          help="Percentage points by which UDP has more messages on time than TCP, had the "
               "deadline been that of the column. Coloured where the 95 % interval over blocks, "
               "of that tile by itself, leaves out 0. Grey: nothing arrives so soon."),
    Chart("plane", "plane", "On time, by path and rate, size or application",
          x="", y="", unit="percent", scale="linear", needs="plane",
          series=(Series("run:ontime_ratio"),),
          help="Percentage points by which UDP has more messages on time than TCP, within the "
               "deadline. Coloured where the 95 % interval over blocks, of that tile by itself, "
               "leaves out 0. Grey: nothing arrives so soon."),
    Chart("course", "course", "Around an outage",
          x="time since the run began", y="", unit="", scale="", needs="outage",
          series=(Series("interval:missing", "due, and not there yet", unit="count",
                         note="messages, besides those that the delay of the path explains"),
                  Series("interval:resp_max_ns", "slowest of what arrived", unit="time",
                         note="since its intended send, by time of arrival; a gap: nothing came")),
          help="Nothing passes during the grey strip. What is sent again arrives after it, late, "
               "and holds up what follows; what is not sent again is gone. The pale strips span "
               "the blocks."),
    Chart("ontime", "curve", "On time: delivered within t",
          x="time t since the intended send (log)", y="share of scheduled messages",
          unit="percent", scale="linear", needs="times", series=(Series("curve:delivered"),),
          help="The higher and further left a curve, the better; where it levels off below 100 %, "
               "the rest was lost. The pale strip spans the single blocks."),
    Chart("late", "curve", "Late or lost: not yet delivered at t",
          x="time t since the intended send (log)", y="share not delivered (log)",
          unit="percent", scale="log", needs="times", series=(Series("curve:missing"),),
          help="The same messages seen from the other end: this shows the slowest few. A curve "
               "that runs level to the right is loss; one that falls away delivered everything."),
    Chart("response", "sweep", "Response time",
          x="", y="response time (log)", unit="time", scale="log", needs="times",
          series=(Series("quantile:0.5", "median"), Series("quantile:0.99", "p99", dashed=True)),
          help="Lower is better: from its intended send, half of all scheduled messages arrive "
               "within the median, 99 of 100 within p99; lost ones count as infinitely late."),
    Chart("capacity", "capacity", "What arrives, of what is offered",
          x="offered (log)", y="goodput (log)", unit="bits", scale="log", needs="search",
          series=(Series("trial:goodput_bps"),),
          help="Each point is a trial of one rate; on the broken line all arrives. The dotted line "
               "is the capacity: the highest rate within the loss target. TCP sets its own rate: "
               "the level line is what it carries."),
    Chart("overload", "capacity", "What is missing, of what is offered",
          x="offered (log)", y="share that did not arrive (log)", unit="percent", scale="log",
          needs="search", series=(Series("trial:missing_ratio"),),
          help="The same trials: messages lost, refused or never sent, out of those scheduled. "
               "Above the loss target a trial fails, and below it when a backlog grows."),
    Chart("messages", "sweep", "Messages a second, at capacity",
          x="", y="messages delivered a second (log)", unit="count", scale="log", needs="search",
          series=(Series("run:msg_rate_per_s"),),
          help="Higher is better: what the receiver got in the blocks, of UDP at the rate that was "
               "found and of TCP as fast as it goes."),
    Chart("goodput", "sweep", "Goodput: what the receiver got",
          x="", y="payload delivered (log)", unit="bits", scale="log",
          series=(Series("run:goodput_bps"),),
          help="Higher is better; at a fixed rate both can only be as high as what was offered, "
               "and a gap between the two is what one of them failed to deliver."),
    Chart("cpu", "sweep", "Processor time a message takes",
          x="", y="both threads' time, per message (log)", unit="time", scale="log", needs="cpu",
          series=(Series("run:cpu_ns_per_msg"),),
          help="Lower is better: time of the sender's and the receiver's thread together, over the "
               "messages that arrived (answers, in rr), calls into the kernel included."),
    Chart("loss", "sweep", "Lost messages",
          x="", y="share of sent messages", unit="percent", scale="linear",
          series=(Series("run:loss_ratio"),),
          help="Lower is better: messages that were sent and never arrived, out of those sent.",
          zero_note="nothing was lost", zero_count="lost_count"),
    Chart("reordering", "sweep", "Reordered messages",
          x="", y="share of delivered messages", unit="percent", scale="linear",
          series=(Series("run:reordered_ratio"),),
          help="Lower is better: messages that arrived after one sent later (RFC 4737).",
          zero_note="nothing was reordered", zero_count="reordered_count"),
    Chart("waits", "waits", "Who waits",
          x="time of the send, since that of the lost one", y="latency", unit="", scale="",
          needs="stamps",
          help="A bar is a message, as high as it took from its send to its arrival, by kernel "
               "time stamps: those around the one that others waited for longest."),
    Chart("buffers", "stacked", "A receiver that stalls",
          x="", y="", unit="", scale="linear", needs="stall",
          series=(Series("run:loss_ratio", "lost", unit="percent",
                         note="of the messages sent: what the buffer did not hold"),
                  Series("run:block_lag_max_ns", "longest wait of the sender", unit="time",
                         note="from when a message was due to when the socket took it")),
          help="UDP loses what its receive buffer does not hold, TCP stops the sender: lower is "
               "better of both. Where a line reaches 0, the buffer covers the stall. Linux grants "
               "twice the bytes asked for, and charges a small message several times its size."),
    Chart("nagle", "variants", "The wait of 40 ms: Nagle's algorithm meets late acknowledgements",
          x="", y="slowest response", unit="time", scale="linear", needs="nodelay", asked=True,
          series=(Series("run:resp_max_ns"),),
          help="With Nagle's algorithm a small message waits for the acknowledgement of the one "
               "before, and the receiver keeps that back for up to 40 ms. Messages that are further "
               "apart than this, up to 25 a second, do not meet it."),
    Chart("boundaries", "variants", "Messages that one receive call brings",
          x="", y="messages per receive call (log)", unit="ratio", scale="log", needs="stream",
          asked=True, series=(Series("run:msgs_per_recv"),),
          help="UDP: one call, one message, at any rate. TCP is a stream of bytes: a call brings "
               "whatever has gathered by then."),
    Chart("pieces", "variants", "Messages that came in pieces",
          x="", y="share of messages", unit="percent", scale="linear", needs="stream", asked=True,
          series=(Series("run:split_ratio"),), zero_note="none did",
          zero_count="split_msgs_count",
          help="Messages whose bytes it took more than one receive call to get. Of UDP there are "
               "none: a datagram comes in one call, and what that has no room for is gone."),
    Chart("completion", "sweep", "Until all of it has arrived",
          x="", y="time until the last message is there (log)", unit="time", scale="log",
          needs="times", asked=True, series=(Series("run:complete_ns"),),
          infinite_note="never: something was lost",
          help="Sooner is better: from the moment that all messages are due to the arrival of the "
               "last one."),
    Chart("sequence", "sequence", "Message by message: order and loss",
          x="time of arrival", y="number of the message", unit="", scale="", needs="messages",
          asked=True,
          help="The line joins messages as they arrived. UDP hands over what comes: the line goes "
               "down to one that was overtaken, and a loss leaves a hole. TCP only climbs: what "
               "waits for a late message comes all at once, straight up. Shown is the part of one "
               "run in which most happens."),
    Chart("calls", "calls", "What a connection costs: the socket calls of one message",
          x="time in calls, a message", y="", unit="time", scale="linear", needs="calls", asked=True,
          help="Each message has a socket of its own. From left to right the calls that this takes "
               "at either end, as long as they took on average, warm-up and waits within a call "
               "included; paler is a wait between two calls. UDP needs no connect and no accept, "
               "and its server closes nothing: one socket serves everybody."),
    Chart("clients", "stacked", "Many clients at one listening socket",
          x="", y="", unit="", scale="linear", needs="clients",
          series=(Series("run:msg_rate_per_s", "answers a second", unit="count",
                         note="TCP: each on a connection of its own, which accept returned"),
                  Series("run:server_sockets_max_count", "sockets of the server at once, at most",
                         unit="count",
                         note="TCP: one listens, accept makes the others; UDP: one serves all")),
          help="Each client asks again when it is answered, and each time it is another connection. "
               "Sockets above the second were made by accept while earlier connections were open: "
               "the one that listens was free again. Of UDP there is one, however many ask."),
    Chart("backlog", "stacked", "A server that does not accept for a while",
          x="", y="", unit="", scale="linear", needs="backlog",
          series=(Series("run:listen_overflow_count", "connections that found the queue full",
                         unit="count", note="UDP has no such queue: datagrams wait in its buffer"),
                  Series("run:resp_max_ns", "slowest response", unit="time",
                         note="what the queue had no room for is sent again after a second")),
          help="Connections wait in the listening socket's queue, as many as the backlog says. "
               "Where it holds all that come, the slowest waits as long as the server does; where "
               "it does not, a second. Datagrams wait in the receive buffer of the one socket."),
)


@dataclass(frozen=True)
class Metric:
    name: str  # in comparisons.csv, without its unit
    label: str
    unit: str
    lower_is_better: bool
    better: str  # in words, of the one that is better


METRICS = {metric.name: metric for metric in (
    Metric("resp_p50", "response, median", "time", True, "sooner"),
    Metric("resp_p99", "response, p99", "time", True, "sooner"),
    Metric("goodput", "goodput", "bits", False, "more"),
    Metric("ontime_ratio", "on time", "percent", False, "more"),
    Metric("loss_ratio", "lost", "percent", True, "less"),
)}


def metric_of(name):
    """comparisons.csv may add the unit to a metric's name."""
    for suffix in ("_ns", "_bps"):
        name = name[:-len(suffix)] if name.endswith(suffix) else name
    return METRICS.get(name) or Metric(name, name.replace("_", " "), "", True, "less")
