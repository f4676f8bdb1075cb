# SPDX-License-Identifier: MIT
# ctest: timeout=300
"""A relay that drops, doubles and reorders listed datagrams: the ledger names exactly those."""

import struct

import pytest

from relay import DATA, DOWN, REPLY, REQUEST, UP, Faults, Relay
from support import Result, Serve, run

# Evenly spaced, so that the numbers of the messages are known beforehand: 100 of warm-up,
# 200 that are measured and 50 of cool-down.
WARMUP, MEASURED, COOLDOWN = 100, 200, 50
FIRST, END = WARMUP, WARMUP + MEASURED
TIMES = ["--rate", "1000/s", "--arrival", "constant", "--warmup", f"{WARMUP}ms",
         "--duration", f"{MEASURED}ms", "--cooldown", f"{COOLDOWN}ms", "--drain", "200ms"]
ONCE = ["--blocks", "1", "--reruns", "0", "--no-warmup-round", "--transport", "udp",
        "--messages", "2000"]
# Nothing follows the last measured message: its loss shows in no gap.
NO_COOLDOWN = ["--cooldown", "0"]


def run_through(relay, where, *options):
    """One UDP run through the relay: rows of runs.csv by flow, and rows of messages.csv."""
    done = run("run", "--server", relay.address, *ONCE, *TIMES, *options, "--output", "out",
               cwd=where)
    assert done.stderr == ""
    result = Result(where / "out")
    for row in result.runs:
        check_ledger(row)
    return {row["flow"]: row for row in result.runs}, result.file("messages")


def check_ledger(row):
    count = {name: int(value) for name, value in row.items()
             if name.endswith("_count") and value.isdigit()}
    refused = (count["drop_eagain_count"] + count["drop_enobufs_count"] +
               count["err_emsgsize_count"] + count["err_other_count"])
    assert count["sched_count"] == count["sent_count"] + refused + count["unsent_count"]
    assert count["sent_count"] == count["rx_unique_count"] + count["lost_count"]
    # The relay is the only place where something was lost.
    assert refused == count["unsent_count"] == count["lost_rcvbuf_count"] == 0
    assert count["lost_reply_count"] == 0
    assert count["lost_path_count"] == count["lost_count"]


def named(messages, *statuses):
    return sorted(int(message["seq"]) for message in messages if message["status"] in statuses)


def arrivals(messages):
    """Numbers of the measured messages in the order of their arrival, copies included."""
    came = [message for message in messages if message["arrival_index"]]
    came.sort(key=lambda message: int(message["arrival_index"]))
    return [int(message["seq"]) for message in came]


def reordered(seqs):
    """RFC 4737 §3.3, over unique arrivals: late is who is below the next number expected."""
    late, seen, next_expected = [], set(), 0
    for seq in seqs:
        if seq not in seen and seq < next_expected:
            late.append(seq)
        seen.add(seq)
        next_expected = max(next_expected, seq + 1)
    return late


def longest_extent(seqs):
    """RFC 4737 §4.2: how far back the first that overtook is, over unique arrivals."""
    unique = list(dict.fromkeys(seqs))
    return max((position - next(j for j in range(position) if unique[j] > seq)
                for position, seq in enumerate(unique) if seq in set(reordered(unique))), default=0)


def longest_offset_ns(messages, late):
    """RFC 4737 §4.3: how long after the first that overtook it each of these came."""
    came = {int(message["seq"]): int(message["t_rcv_ns"]) for message in messages}
    return max(came[seq] - min(came[later] for later in came if later > seq) for seq in late)


def longest_run(seqs):
    best = run = 0
    for before, seq in zip([None, *sorted(seqs)], sorted(seqs)):
        run = run + 1 if before is not None and seq == before + 1 else 1
        best = max(best, run)
    return best


@pytest.fixture(name="port", scope="module")
def port_fixture(tmp_path_factory):
    """The control port of a server that all these runs share, good and bad."""
    with Serve(cwd=tmp_path_factory.mktemp("serve")) as server:
        yield int(server.address.rsplit(":", 1)[1])


# workload options, the direction in which the relay errs; up and down stream, and in rr
# the requests or the replies
ROADS = [
    pytest.param(["--workload", "stream", "--direction", "up"], UP, DATA, id="stream-up"),
    pytest.param(["--workload", "stream", "--direction", "down"], DOWN, DATA, id="stream-down"),
    pytest.param(["--workload", "rr"], UP, REQUEST, id="rr-requests"),
    pytest.param(["--workload", "rr"], DOWN, REPLY, id="rr-replies"),
]
ENGINES = pytest.mark.parametrize("engine", ["poll", "blocking", "uv"])


def faulty(port, direction, faults):
    return Relay(port, **{direction: faults})


@ENGINES
@pytest.mark.parametrize("options, direction, kind", ROADS)
def test_lost_messages_are_named(port, tmp_path, options, direction, kind, engine):
    # One alone, a run of three, the first and the last that are measured; and one each of the
    # warm-up and the cool-down, which count in no row.
    drop = {150, 200, 201, 202, FIRST, END - 1}
    with faulty(port, direction, Faults(drop=drop | {10, END + 20})) as relay:
        runs, messages = run_through(relay, tmp_path, *options, "--engine", engine)
    row = runs["all"]
    assert {header.type for header in relay.log[direction]} == {kind}
    assert named(messages, "lost", "missing") == sorted(drop)
    assert named(messages, "ok") == [seq for seq in range(FIRST, END) if seq not in drop]
    assert int(row["sched_count"]) == MEASURED
    assert int(row["lost_count"]) == int(row["lost_path_count"]) == len(drop)
    assert float(row["loss_ratio"]) == pytest.approx(len(drop) / MEASURED)
    assert int(row["loss_burst_max_msgs"]) == 3
    assert float(row["loss_burst_mean_msgs"]) == pytest.approx(6 / 4)
    assert int(row["rx_dup_count"]) == int(row["reordered_count"]) == 0


@ENGINES
@pytest.mark.parametrize("options, direction, kind", ROADS)
def test_lost_tail_is_named(port, tmp_path, options, direction, kind, engine):
    drop = set(range(END - 5, END))
    with faulty(port, direction, Faults(drop=drop)) as relay:
        runs, messages = run_through(relay, tmp_path, *options, *NO_COOLDOWN, "--engine", engine)
    assert {header.type for header in relay.log[direction]} == {kind}
    assert named(messages, "lost", "missing") == sorted(drop)
    assert int(runs["all"]["lost_path_count"]) == 5
    assert int(runs["all"]["loss_burst_max_msgs"]) == 5


@ENGINES
@pytest.mark.parametrize("options, direction, kind", ROADS)
def test_copies_are_named(port, tmp_path, options, direction, kind, engine):
    double = {FIRST, 170, 171, END - 1}
    with faulty(port, direction, Faults(double=double | {10, END + 20})) as relay:
        runs, messages = run_through(relay, tmp_path, *options, "--engine", engine)
    assert {header.type for header in relay.log[direction]} == {kind}
    assert named(messages, "dup") == sorted(double)
    assert named(messages, "ok") == list(range(FIRST, END))
    assert int(runs["all"]["rx_dup_count"]) == len(double)
    assert int(runs["all"]["rx_unique_count"]) == MEASURED
    assert int(runs["all"]["lost_count"]) == int(runs["all"]["reordered_count"]) == 0


@ENGINES
@pytest.mark.parametrize("options, direction, kind", ROADS)
def test_reordered_messages_are_named(port, tmp_path, options, direction, kind, engine):
    # 180 waits for 1 later message, 150 for 7; the one before the last for the last of all.
    hold = {120: 3, 150: 7, 180: 1, END - 2: 1}
    with faulty(port, direction, Faults(hold=hold)) as relay:
        runs, messages = run_through(relay, tmp_path, *options, *NO_COOLDOWN, "--engine", engine)
    row = runs["all"]
    assert {header.type for header in relay.log[direction]} == {kind}
    seqs = arrivals(messages)
    assert reordered(seqs) == sorted(hold)
    assert longest_extent(seqs) == 7
    assert int(row["reordered_count"]) == len(hold)
    assert float(row["reordered_ratio"]) == pytest.approx(len(hold) / MEASURED)
    assert int(row["extent_max_msgs"]) == 7
    assert float(row["extent_mean_msgs"]) == pytest.approx((3 + 7 + 1 + 1) / 4)
    # At least three later ones just before: 120 and 150.
    assert float(row["nreorder3_ratio"]) == pytest.approx(2 / MEASURED)
    assert int(row["late_offset_max_ns"]) == longest_offset_ns(messages, hold)
    assert int(row["lost_count"]) == int(row["rx_dup_count"]) == 0


@pytest.mark.parametrize("options, direction, kind", ROADS)
def test_all_at_once(port, tmp_path, options, direction, kind):
    faults = Faults(drop={100, 130, 131, 298}, double={110, 140, 299}, hold={115: 2, 160: 12})
    with faulty(port, direction, faults) as relay:
        runs, messages = run_through(relay, tmp_path, *options, *NO_COOLDOWN)
    row = runs["all"]
    left = [seq for seq in relay.seqs(direction) if FIRST <= seq < END]
    assert arrivals(messages) == left
    assert named(messages, "lost", "missing") == sorted(faults.drop)
    assert named(messages, "dup") == sorted(faults.double)
    assert reordered(left) == sorted(faults.hold)
    assert int(row["reordered_count"]) == len(faults.hold)
    assert int(row["extent_max_msgs"]) == longest_extent(left) == 12
    assert int(row["loss_burst_max_msgs"]) == longest_run(faults.drop) == 2
    assert int(row["lost_path_count"]) == len(faults.drop)
    assert int(row["rx_dup_count"]) == len(faults.double)
    assert kind in {header.type for header in relay.log[direction]}


def test_both_directions_keep_ledgers_of_their_own(port, tmp_path):
    up, down = Faults(drop={111, 112}, double={150}), Faults(drop={222}, hold={130: 4})
    with Relay(port, up=up, down=down) as relay:
        run("run", "--server", relay.address, *ONCE, *TIMES, "--workload", "stream",
            "--direction", "both", "--output", "out", cwd=tmp_path)
    result = Result(tmp_path / "out")
    for direction, faults in ((UP, up), (DOWN, down)):
        (row,) = result.where(dir=direction)
        check_ledger(row)
        ours = [message for message in result.file("messages") if message["dir"] == direction]
        assert named(ours, "lost", "missing") == sorted(faults.drop)
        assert named(ours, "dup") == sorted(faults.double)
        assert reordered(arrivals(ours)) == sorted(faults.hold)
        assert int(row["lost_path_count"]) == len(faults.drop)


def test_flows_keep_ledgers_of_their_own(port, tmp_path):
    with Relay(port, up=Faults(drop={120}, hold={150: 2}, hellos=1)) as relay:
        runs, messages = run_through(relay, tmp_path, "--workload", "stream", "--flows", "3")
    assert sorted(runs) == ["0", "1", "2", "all"]
    for flow in range(3):
        ours = [message for message in messages if message["flow"] == str(flow)]
        assert named(ours, "lost", "missing") == [120]
        assert reordered(arrivals(ours)) == [150]
        assert int(runs[str(flow)]["lost_path_count"]) == 1
        assert int(runs[str(flow)]["reordered_count"]) == 1
        assert relay.seqs(UP, flow) == [seq for seq in list(range(150)) + [151, 152, 150] +
                                        list(range(153, END + COOLDOWN)) if seq != 120]
    assert int(runs["all"]["lost_path_count"]) == 3
    assert int(runs["all"]["reordered_count"]) == 3


def cut_short(datagram):
    return datagram[:-1]


def flip_last_byte(datagram):
    return datagram[:-1] + bytes([datagram[-1] ^ 1])


def of_another_run(datagram):
    (tag,) = struct.unpack_from("<I", datagram, 12)
    return datagram[:12] + struct.pack("<I", tag ^ 1) + datagram[16:]


def of_another_protocol(datagram):
    return b"\0\0" + datagram[2:]


def headless(datagram):
    return datagram[:39]


# how the relay damages a message, the column that counts it
DAMAGE = [(cut_short, "rx_corrupt_count"), (flip_last_byte, "rx_corrupt_count"),
          (of_another_run, "rx_stray_count"), (of_another_protocol, "rx_stray_count"),
          (headless, "rx_stray_count")]


@pytest.mark.parametrize("damage, column", DAMAGE, ids=[damage.__name__ for damage, _ in DAMAGE])
def test_damaged_messages_are_lost_and_counted(port, tmp_path, damage, column):
    with Relay(port, up=Faults(damage={140: damage, END - 1: damage})) as relay:
        runs, messages = run_through(relay, tmp_path, "--workload", "stream", "--verify")
    assert named(messages, "lost", "missing") == [140, END - 1]
    for name in ("rx_corrupt_count", "rx_stray_count"):
        assert int(runs["all"][name]) == (2 if name == column else 0)


@pytest.mark.parametrize("direction", [UP, DOWN])
@pytest.mark.parametrize("flows", [1, 3])
def test_lost_hellos_are_said_again(port, tmp_path, direction, flows):
    with faulty(port, direction, Faults(hellos=3)) as relay:
        runs, messages = run_through(relay, tmp_path, "--workload", "stream", "--flows", flows)
    assert relay.hellos >= 4 * flows
    assert named(messages, "ok") == sorted(flows * list(range(FIRST, END)))
    assert int(runs["all"]["lost_count"]) == 0


def assert_data_leg_is_named(done, port):
    assert done.stderr.count("\n") == 1
    assert f"control works, no answer on 127.0.0.2:{port + 1}/udp" in done.stderr


def test_no_hello_comes_through(port, tmp_path):
    with Relay(port, up=Faults(hellos=10**9)) as relay:
        done = run("run", "--server", relay.address, *ONCE, *TIMES, "--output", "out", cwd=tmp_path,
                   status=3)
        assert_data_leg_is_named(done, port)
        # The server has let go of it at once, and serves a run whose hellos do arrive.
        relay.faults[UP].hellos = 0
        (tmp_path / "next").mkdir()
        run_through(relay, tmp_path / "next")


def test_no_data_port_for_datagrams(port, tmp_path):
    with Relay(port, udp=False) as relay:
        done = run("run", "--server", relay.address, *ONCE, *TIMES, "--output", "out", cwd=tmp_path,
                   status=3)
        assert_data_leg_is_named(done, port)


def test_stream_transport_passes_through(port, tmp_path):
    with Relay(port) as relay:
        run("run", "--server", relay.address, *TIMES, "--transport", "tcp", "--blocks", "1",
            "--workload", "stream,rr", "--output", "out", cwd=tmp_path)
    for row in Result(tmp_path / "out").runs:
        check_ledger(row)
        assert int(row["rx_unique_count"]) == MEASURED
