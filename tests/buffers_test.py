# SPDX-License-Identifier: MIT
# ctest: timeout=300
"""A receiver that reads nothing for a while (--stall): UDP loses, datagram by datagram, what its
buffer does not hold; TCP stops the sender, who is late instead."""

from types import SimpleNamespace

import pytest

from consistency import check_result
from support import SANITIZED, campaign, number, run

MS = 1000000
RATE = 1000  # a message each millisecond
WARMUP_MS, DURATION_MS, STALL_MS = 100, 700, 400
START_MS = WARMUP_MS + (DURATION_MS - STALL_MS) / 2
END_MS = START_MS + STALL_MS
SLACK_MS = 80 if SANITIZED else 40  # for threads to be woken on a busy machine

# One message a call: what an engine has read more than it was asked for, or the kernel has put
# together, is not in the buffer one by one.
ENGINES = {"poll": (), "blocking": (), "uv": (), "batch": ("--batch", "1"),
           "spin": ("--engine", "poll", "--wait", "spin")}
HELD_MAX = {"uv": 20}  # libuv reads so many datagrams at once, and they wait in our own memory


def stalled(tmp_path, *arguments, engine="poll"):
    """Runs with a stall in the middle, of 256-byte messages."""
    extra = ENGINES[engine]
    choice = () if "--engine" in extra else ("--engine", engine)
    result = campaign(
        *choice, *extra, "--rate", f"{RATE}/s", "--arrival", "constant", "--size", "256", "--warmup",
        f"{WARMUP_MS}ms", "--duration", f"{DURATION_MS}ms", "--cooldown", "0", "--stall",
        f"{STALL_MS}ms", "--messages", "100000", "--blocks", "1", "--no-warmup-round", "--reruns",
        "0", *arguments, cwd=tmp_path)
    check_result(result)
    return result


def messages_of(result, row):
    """What became of each message, in order: due, and came or None, in ms."""
    lines = {int(line["seq"]): line["t_rcv_ns"]
             for line in result.by_key("messages")[row["run_id"], row["flow"], row["dir"]]}
    assert len(lines) == number(row["sched_count"]) == RATE * DURATION_MS / 1000
    return [SimpleNamespace(due=1000 * seq / RATE, came=int(came) / MS if came else None)
            for seq, came in sorted(lines.items())]


def lost_run(messages):
    """(first, end) of the lost ones, which are neighbours."""
    lost = [i for i, message in enumerate(messages) if message.came is None]
    assert lost and lost == list(range(lost[0], lost[-1] + 1)), "one run"
    return lost[0], lost[-1] + 1


def check_overflow(row, messages):
    """How many datagrams the buffer held."""
    first, end = lost_run(messages)
    assert number(row["lost_count"]) == number(row["lost_rcvbuf_count"]) == end - first
    assert row["lost_path_count"] == row["drop_eagain_count"] == row["tx_blocked_ns"] == "0"
    waited = [m for m in messages[:first] if m.came >= END_MS]
    assert waited == messages[first - len(waited):first], "the first ones of the stall"
    assert abs(waited[0].due - START_MS) <= SLACK_MS
    assert all(m.came - END_MS <= SLACK_MS for m in waited), "read when the stall is over"
    assert abs(messages[first].due - (START_MS + 1000 * len(waited) / RATE)) <= SLACK_MS
    assert abs(messages[end].due - END_MS) <= SLACK_MS
    return len(waited)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_does_not_fit_is_lost(engine, tmp_path):
    """The kernel charges each datagram what it takes in memory (its truesize). Some kernels take
    one more as long as the buffer is not over, some do not: held n, it is more than granted/(n+1)
    and at most granted/(n-1), and the same for both sizes."""
    result = stalled(tmp_path, "--transport", "udp", "--workload", "stream", "--rcvbuf", "64k,128k",
                     engine=engine)
    small, large = sorted(result.runs, key=lambda row: number(row["rcvbuf_granted_bytes"]))
    assert (small["rcvbuf_granted_bytes"], large["rcvbuf_granted_bytes"]) == ("128000", "256000")
    assert number(large["lost_count"]) < number(small["lost_count"])
    least, most = [], []
    for row in (small, large):
        held = check_overflow(row, messages_of(result, row))
        granted = number(row["rcvbuf_granted_bytes"])
        least.append(granted / (held + 1))
        most.append(granted / (held - 1 - HELD_MAX.get(engine, 0)))
    assert max(least) < min(most), "as many as there is room for"
    assert min(most) > 256 + 28, "charged for more than message and headers"


def test_joined_datagrams(tmp_path):
    """Engine batch lets the kernel put datagrams together: a buffer holds them so, and drops them
    so, as one. How many were lost is known, but not always where."""
    result = stalled(tmp_path, "--transport", "udp", "--workload", "stream", "--engine", "batch",
                     "--arrival", "burst", "--burst", "10", "--rcvbuf", "64k")
    row, = result.runs
    lost = [message.came is None for message in messages_of(result, row)]
    assert sum(lost) == number(row["lost_count"]) > 0
    assert row["lost_rcvbuf_count"] in ("", row["lost_count"])


@pytest.mark.parametrize("engine", ENGINES)
def test_tcp_stops_its_sender(engine, tmp_path):
    """Nothing is lost, and nothing comes before the stall is over; after it what the buffer held at
    once, the rest as soon as TCP finds its window open again. A large window holds up nobody."""
    result = stalled(tmp_path, "--transport", "tcp", "--workload", "stream", "--rcvbuf", "16k,1Mi",
                     "--sndbuf", "4k", "--drain", "5s", engine=engine)
    small, large = sorted(result.runs, key=lambda row: number(row["rcvbuf_granted_bytes"]))
    for row in (small, large):
        assert row["lost_count"] == row["unsent_count"] == row["drop_eagain_count"] == "0"
        waited = [m for m in messages_of(result, row) if START_MS + 5 <= m.due < END_MS]
        assert all(m.came >= END_MS for m in waited)
        assert sum(m.came <= END_MS + SLACK_MS for m in waited) >= 30
    assert number(small["tx_eagain_calls"]) > 0
    assert number(small["block_lag_max_ns"]) / MS > STALL_MS / 2
    assert number(small["tx_blocked_ns"]) / MS > number(small["block_lag_max_ns"]) / MS - SLACK_MS
    assert number(large["block_lag_max_ns"]) / MS < SLACK_MS


def test_the_receiver_closes_its_window(tmp_path):
    """The send buffer takes all that is due meanwhile: it is not what holds the sender up."""
    row, = stalled(tmp_path, "--transport", "tcp", "--workload", "stream", "--rcvbuf", "16k",
                   "--sndbuf", "100k", "--drain", "5s").runs
    assert number(row["tcp_zero_window_count"]) > 0 and number(row["tcp_rwnd_limited_us"]) > 0
    assert number(row["tx_blocked_ns"]) == 0


@pytest.mark.parametrize("workload, direction", (("rr", "up"), ("stream", "down"),
                                                 ("stream", "both")))
def test_which_end_stalls(workload, direction, tmp_path):
    """The one that receives, both with both; in rr the server, so that requests are lost."""
    result = stalled(tmp_path, "--transport", "udp", "--workload", workload, "--direction",
                     direction, "--rcvbuf", "64k")
    assert {row["dir"] for row in result.runs} == {
        ("rr", "up"): {"rtt"}, ("stream", "down"): {"down"},
        ("stream", "both"): {"up", "down"}}[workload, direction]
    held = [check_overflow(row, messages_of(result, row)) for row in result.runs]
    assert max(held) - min(held) <= 2


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("transport", ("tcp", "udp"))
def test_a_buffer_that_covers_the_stall(transport, engine, tmp_path):
    """Everything comes at its end: response times are a straight line, from the length of the stall
    down to 0, which sends that waited for the receiver would have hidden."""
    result = stalled(tmp_path, "--transport", transport, "--workload", "stream", "--rcvbuf", "1Mi",
                     engine=engine)
    row, = result.runs
    assert row["lost_count"] == row["tx_eagain_calls"] == row["tx_blocked_ns"] == "0"
    assert abs(number(row["resp_max_ns"]) / MS - STALL_MS) <= SLACK_MS
    ramp = [m for m in messages_of(result, row) if START_MS + 5 <= m.due < END_MS]
    assert len(ramp) == (STALL_MS - 5) * RATE / 1000
    assert all(0 <= m.came - END_MS <= SLACK_MS for m in ramp)


def test_a_stall_fits_into_the_measured_phase(tmp_path):
    done = run("run", "--duration", "1s", "--stall", "1001ms", cwd=tmp_path, status=2)
    assert done.stderr == ("netversus run: stall: 1001ms is longer than the measured phase "
                           "(duration 1s)\n")
    assert "stall" in run("run", "--stall", "long", cwd=tmp_path, status=2).stderr
