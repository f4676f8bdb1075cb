# SPDX-License-Identifier: MIT
"""How late sends are against a schedule, from the times at which they left."""

import array
import statistics

from tools import Figure, ReadError

SKIP_NS = 700_000_000  # of the start: warm-up of the tools
EDGE = 10  # the drift is taken between the first and the last tenth
ENOUGH = 0.9


def stamps(output):
    """What `departures` wrote after its first line."""
    times = array.array("Q")
    times.frombytes(output[output.index(b"\n") + 1:])
    return list(times)


def window(times, span_ns):
    """Those that are looked at, of a span after the start."""
    first = times[0] + SKIP_NS if times else 0
    return [time for time in times if first <= time < first + span_ns]


def lateness(times, interval_ns):
    """Of each send, ns after the schedule t0 + k * interval that starts as early as all allow.
    t0 is not known from outside, so that a delay that all sends share does not show."""
    offsets = [time - number * interval_ns for number, time in enumerate(times)]
    least = min(offsets)
    return [offset - least for offset in offsets]


def drift_ppm(times, interval_ns):
    """By how much the mean interval is longer than asked for. From medians of both ends, so that a
    burst there does not count."""
    late = lateness(times, interval_ns)
    edge = max(1, len(late) // EDGE)
    change = statistics.median(late[-edge:]) - statistics.median(late[:edge])
    return 1e6 * change / (interval_ns * max(1, len(late) - edge))


def quantile(ordered, share):
    """The smallest value that this share of all are not above."""
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def figure(output, rate, seconds):
    """The Figure of a pacing case, from the output of `departures`."""
    interval_ns = 1e9 / rate
    times = window(stamps(output), seconds * 1e9)
    if len(times) < 2:
        raise ReadError("no datagram of this size was seen to leave")
    late = sorted(lateness(times, interval_ns))
    share = len(times) / (rate * seconds)
    note = "" if share >= ENOUGH else f"sent {share:.0%} of what the rate asks for"
    return Figure(quantile(late, 0.5) / 1000, quantile(late, 0.99) / 1000,
                  statistics.fmean(late) / 1000, drift_ppm=drift_ppm(times, interval_ns), note=note)
