# SPDX-License-Identifier: MIT
# ctest: timeout=300
"""An emulated path: what it says that it did to packets, against what the two ends saw. Counts are
compared exactly; times have bounds that a busy machine keeps, too."""

import math

import pytest

from consistency import check_blocks, check_ledger, check_result, close, key_of, name_of
from faults import assert_line
from support import SANITIZED, Process, Result, campaign, has_ipv6, number, path_obstacle

pytestmark = pytest.mark.skipif(bool(path_obstacle()), reason=f"no paths: {path_obstacle()}")

MS = 10 ** 6
RATE, SIZE, DURATION_MS = 1000, 200, 300
SHORT = ("--transport", "tcp,udp", "--workload", "stream", "--arrival", "constant",
         "--rate", f"{RATE}/s", "--size", SIZE, "--duration", f"{DURATION_MS}ms", "--warmup", "0",
         "--cooldown", "0", "--drain", "150ms", "--settle", "1ms", "--blocks", "1",
         "--no-warmup-round", "--reruns", "0", "--seed", "11", "--messages", "10000",
         "--rcvbuf", "4Mi")
CAUSES = ("drop_loss", "drop_outage", "drop_queue", "drop_overrun")


def emu(row, way, what):
    return int(row[f"emu_{way}_{what}_count"])


def check_account(row):
    """Every packet that came is somewhere, and none was too many for the emulator."""
    where = name_of(row)
    if row["path"] == "none":
        assert {row[column] for column in row if column.startswith("emu_")} == {""}, where
        return
    for way in ("up", "down"):
        came = emu(row, way, "in") + emu(row, way, "dup")
        gone = emu(row, way, "out") + sum(emu(row, way, cause) for cause in CAUSES)
        assert came == gone + emu(row, way, "held"), f"{where}: {way}"
        assert emu(row, way, "drop_overrun") == emu(row, way, "device_drop") == 0, where
        lost = sum(emu(row, way, cause) for cause in CAUSES[:-1])
        assert close(number(row[f"emu_{way}_loss_obs_ratio"]), lost / came if came else None), where


def over(paths, *arguments, cwd, cells=1, spoilt=False, output="out"):
    """A short campaign over these paths; spoilt: what arrives is not what was sent."""
    result = campaign(*SHORT, "--path", paths, *arguments, cwd=cwd, output=output)
    assert len({row["cell_id"] for row in result.runs}) == cells
    for row in result.runs:
        check_account(row)
        check_ledger(row)
    if spoilt:
        check_blocks(result)
    else:
        check_result(result)
    return result


def one(result, transport, **values):
    (row,) = result.where(transport=transport, flow="all", **values)
    return row


def quantile(result, row, metric, p):
    """Of what was delivered."""
    (line,) = [line for line in result.by_key("quantiles")[key_of(row)]
               if (line["metric"], line["population"]) == (metric, "delivered")
               and number(line["p"]) == p]
    return int(line["value_ns"])


def assert_takes(result, row, delay_ns):
    """No message takes less; the quickest one hardly more. Half of them neither, where TCP has no
    window to open first and the machine was not too busy (else the program says so)."""
    quickest = min(int(line["hi_ns"]) for line in result.by_key("hist")[key_of(row)]
                   if line["metric"] == "serv")
    assert delay_ns < quickest < delay_ns + (20 if SANITIZED else 8) * MS, name_of(row)
    if row["transport"] == "udp" and not row["flags"] and not SANITIZED:
        assert quantile(result, row, "serv", 0.5) < delay_ns + 15 * MS, name_of(row)


def missing(result, row):
    return [int(line["seq"]) for line in result.by_key("messages")[key_of(row)]
            if line["status"] in ("lost", "missing")]


def arrivals(result, row):
    """The numbers of the messages, copies left out, in the order in which they arrived."""
    lines = [line for line in result.by_key("messages")[key_of(row)]
             if line["status"] in ("ok", "late")]
    return [int(line["seq"]) for line in sorted(lines, key=lambda x: int(x["arrival_index"]))]


def extents(numbers):
    """How many with a higher number came before it, of each that came late."""
    found, before = {}, []
    for n in numbers:
        late = sum(m > n for m in before)
        before.append(n)
        if late:
            found[n] = late
    return found


def bursts(numbers):
    """Of ascending numbers, those in a row: (first, last)."""
    found = []
    for n in numbers:
        if found and found[-1][1] == n - 1:
            found[-1][1] = n
        else:
            found.append([n, n])
    return found


def assert_binomial(k, n, p):
    """k of n is within the exact interval of 99.9 %."""
    weights = [math.exp(math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) +
                        i * math.log(p) + (n - i) * math.log1p(-p)) for i in range(n + 1)]
    assert sum(weights[:k + 1]) > 0.0005 and sum(weights[k:]) > 0.0005, f"{k} of {n} at {p}"


# ---- loss and delay

LOSSY = "delay=20ms,loss=1%"


def assert_retransmitted(row, what="drop_loss"):
    """TCP sent again what did not get there of its data, and little else. Its counters are read
    when all is sent: what it does later is seen by the path alone, as are its other packets."""
    unseen = max(emu(row, "up", "in") - int(row["tcp_data_segs_out"]), 0)
    dropped = emu(row, "up", what)
    assert dropped > 0
    assert int(row["tcp_bytes_retrans"]) >= SIZE * (dropped - unseen)
    needed = int(row["tcp_retrans_segs"]) - int(row["tcp_dsack_dups"])
    # Word of a needless one may be lost on its way, or not be there yet at the end.
    assert needed <= dropped + emu(row, "down", "drop_loss") + 2


def assert_random_loss(row):
    for way in ("up", "down"):
        if emu(row, way, "in"):
            assert_binomial(emu(row, way, "drop_loss"), emu(row, way, "in"), 0.01)
    assert all(emu(row, way, cause) == 0 for way in ("up", "down") for cause in CAUSES[1:])


def test_loss_of_stream(tmp_path):
    result = over(LOSSY, "--duration", "1100ms", "--drain", "800ms", cwd=tmp_path)
    tcp, udp = one(result, "tcp"), one(result, "udp")
    for row in (tcp, udp):
        assert_random_loss(row)
        assert_takes(result, row, 20 * MS)
        assert row["sched_count"] == row["sent_count"] == "1100"
    # One message is one packet: what came to the path, what it dropped, what it delivered.
    assert emu(udp, "up", "in") == int(udp["sent_count"]) and emu(udp, "down", "in") == 0
    assert 0 < emu(udp, "up", "drop_loss") == int(udp["lost_count"])
    assert emu(udp, "up", "out") == int(udp["rx_unique_count"])
    assert tcp["lost_count"] == "0"
    assert_retransmitted(tcp)
    # Over TCP whoever is lost comes a round trip later, at best; UDP waits for nothing.
    assert int(tcp["resp_max_ns"]) > 60 * MS
    assert quantile(result, tcp, "resp", 0.99) > 50 * MS
    if not udp["flags"] and not SANITIZED:
        assert quantile(result, udp, "resp", 0.99) < 40 * MS


def test_loss_of_requests(tmp_path):
    result = over(LOSSY, "--workload", "rr", "--duration", "700ms", "--drain", "800ms",
                  cwd=tmp_path)
    tcp, udp = one(result, "tcp"), one(result, "udp")
    for row in (tcp, udp):
        assert_random_loss(row)
    # Half of what TCP asks waits behind something lost, here or there.
    assert_takes(result, udp, 40 * MS)
    assert emu(udp, "up", "in") == int(udp["sent_count"]) == 700
    assert emu(udp, "up", "out") == emu(udp, "down", "in")  # each request has its reply
    dropped = emu(udp, "up", "drop_loss") + emu(udp, "down", "drop_loss")
    assert 0 < dropped == int(udp["lost_count"])
    assert tcp["lost_count"] == "0"
    assert_retransmitted(tcp)
    assert int(tcp["resp_max_ns"]) > 80 * MS


def test_listed_losses(tmp_path):
    result = over("up.drop=3+7+10-12;down.drop=1-1000", "--arrival", "constant", "--drain", "3s",
                  cwd=tmp_path, cells=2)  # what TCP sends again may be what is dropped next
    udp = one(result, "udp", path="up.drop=3+7+10-12")
    assert missing(result, udp) == [2, 6, 9, 10, 11]
    assert emu(udp, "up", "drop_loss") == 5
    tcp = one(result, "tcp", path="up.drop=3+7+10-12")
    assert tcp["lost_count"] == "0" and emu(tcp, "up", "drop_loss") == 5
    assert_retransmitted(tcp)
    # Nothing comes back, and UDP sees nothing of that.
    assert one(result, "udp", path="down.drop=1-1000")["lost_count"] == "0"
    deaf = one(result, "tcp", path="down.drop=1-1000")
    assert emu(deaf, "down", "drop_loss") == emu(deaf, "down", "in") > 0
    assert int(deaf["tcp_bytes_retrans"]) > 0


def test_packets(tmp_path):
    """packets.csv has each one: the n-th is the n-th message, and what became of it is the same."""
    result = over("up.delay=3ms,up.loss=10%", "--transport", "udp", "--packets", "1000",
                  cwd=tmp_path)
    udp = one(result, "udp")
    packets = {int(line["packet"]) - 1: line for line in result.file("packets")}
    assert sorted(packets) == list(range(int(udp["sent_count"])))
    assert {line["way"] for line in packets.values()} == {"up"}
    lost = [seq for seq in sorted(packets) if packets[seq]["fate"] == "loss"]
    assert lost == missing(result, udp) and lost
    for line in result.by_key("messages")[key_of(udp)]:
        packet = packets[int(line["seq"])]
        came, due = int(packet["t_in_ns"]), int(packet["t_out_ns"])
        if line["status"] == "lost":
            assert due == came
        else:
            assert packet["fate"] == "delivered" and due - came == 3 * MS
            assert int(line["t_snd_ns"]) <= came and due <= int(line["t_rcv_ns"])
            assert int(packet["length_bytes"]) == int(line["size_bytes"]) + 28


def test_outage(tmp_path):
    """From 100 to 200 ms: whoever is sent then does not arrive then."""
    result = over("up.outage=100ms-200ms", cwd=tmp_path)
    tcp, udp = one(result, "tcp"), one(result, "udp")
    gone = missing(result, udp)
    assert len(gone) == emu(udp, "up", "drop_outage") > 50
    assert max(gone) <= 200  # due at 200 ms
    for row in (tcp, udp):
        for line in result.by_key("messages")[key_of(row)]:
            inside = line["status"] == "ok" and int(line["t_snd_ns"]) >= 100 * MS \
                and int(line["t_rcv_ns"]) <= 200 * MS
            assert not inside, line
    lost = {number(line["t_start_s"]): int(line["lost_count"])
            for line in result.by_key("intervals")[key_of(udp)]}
    assert lost[0.1] > 50 and sum(lost.values()) == len(gone)
    assert tcp["lost_count"] == "0" and emu(tcp, "up", "drop_outage") > 0
    assert int(tcp["resp_max_ns"]) > 90 * MS


def test_weather(tmp_path):
    """Drawn in time for the block: bad for the one arm when it is bad for the other."""
    result = over("up.ge-time=60ms:25ms,down.ge-time=90ms:10ms", "--blocks", "3", cwd=tmp_path)
    seen = []
    for block in ("1", "2", "3"):
        tcp, udp = (one(result, transport, block=block) for transport in ("tcp", "udp"))
        counts = [emu(udp, way, "weather") for way in ("up", "down")]
        assert counts == [emu(tcp, way, "weather") for way in ("up", "down")]
        assert counts[0] > 0
        spells = bursts(missing(result, udp))
        assert counts[0] / 3 <= len(spells) <= counts[0]
        seen.append((*counts, tuple(map(tuple, spells))))
        assert_quiet_in(spells, result, tcp)
    assert len({entry[0] for entry in seen} | {entry[1] for entry in seen}) > 1
    assert len({entry[2] for entry in seen}) == 3


def assert_quiet_in(spells, result, row):
    """Hardly anything arrives while the other run, of a message a ms, lost all it sent."""
    windows = [(first + 15, last) for first, last in spells if last > first + 15]
    came = {int(line["t_rcv_ns"]) / MS for line in result.by_key("messages")[key_of(row)]
            if line["status"] in ("ok", "late")}  # many at a time, when what was lost has come
    inside = sum(first < at < last for at in came for first, last in windows)
    expected = len(came) * sum(last - first for first, last in windows) / DURATION_MS
    assert SANITIZED or inside <= 0.2 * expected, f"{inside} in bad weather, by chance {expected}"


# ---- order, copies, damage

def test_reordering(tmp_path):
    paths = ("reorder=5%,reorder-gap=3", "reorder=5%,reorder-delay=6ms")
    result = over(";".join(paths), cwd=tmp_path, cells=2)
    for path in paths:
        tcp, udp = (one(result, transport, path=path) for transport in ("tcp", "udp"))
        overtaken = extents(arrivals(result, udp))
        assert len(overtaken) == int(udp["reordered_count"]) > 5
        # Three of those that came behind it are in front of it, or more if it met others.
        assert min(overtaken.values()) >= (3 if "gap" in path else 1)
        # Behind those that came last, or before a pause, nobody came to overtake them.
        held = emu(udp, "up", "reordered")
        assert (held - 3 if "gap" in path else held / 3) <= len(overtaken) <= held
        assert udp["lost_count"] == tcp["lost_count"] == "0"
        assert emu(tcp, "up", "reordered") > 5 and int(tcp["tcp_rcv_ooo_pkts"]) > 0
        assert arrivals(result, tcp) == list(range(DURATION_MS))


def test_copies(tmp_path):
    result = over("duplicate=10%", cwd=tmp_path)
    tcp, udp = one(result, "tcp"), one(result, "udp")
    assert_binomial(emu(udp, "up", "dup"), emu(udp, "up", "in"), 0.1)
    assert int(udp["rx_dup_count"]) == emu(udp, "up", "dup")
    copies = [line["seq"] for line in result.by_key("messages")[key_of(udp)]
              if line["status"] == "dup"]
    assert len(copies) == emu(udp, "up", "dup")
    assert udp["lost_count"] == tcp["lost_count"] == "0"
    # Each is told to the sender, in an acknowledgement that may have a copy as well.
    assert emu(tcp, "up", "dup") > 5
    assert int(tcp["tcp_dsack_dups"]) >= 0.7 * emu(tcp, "up", "dup")


def test_damage_is_loss(tmp_path):
    """The receiver's kernel sees a bit that was turned: nobody gets to see the damage."""
    result = over("up.corrupt=5%", "--verify", cwd=tmp_path)
    tcp, udp = one(result, "tcp"), one(result, "udp")
    assert_binomial(emu(udp, "up", "corrupt"), emu(udp, "up", "in"), 0.05)
    assert int(udp["lost_count"]) == emu(udp, "up", "corrupt")
    assert emu(udp, "up", "out") == emu(udp, "up", "in")
    assert tcp["lost_count"] == "0"
    assert_retransmitted(tcp, "corrupt")


def test_mended_damage_is_seen(tmp_path):
    """With a checksum that fits it comes to the program, which looks at every byte."""
    result = over("up.corrupt=5%,mend=yes", "--verify", "--size", "1400", "--transport", "udp",
                  cwd=tmp_path, spoilt=True)
    udp = one(result, "udp")
    turned, seen = emu(udp, "up", "corrupt"), int(udp["rx_corrupt_count"])
    assert_binomial(turned, emu(udp, "up", "in"), 0.05)
    # A bit of the header may make of it what is no message at all.
    assert 0.7 * turned <= seen <= turned
    assert seen <= int(udp["lost_count"]) <= turned


def test_mended_damage_over_tcp(tmp_path):
    """A stream's content is damaged, too; where it is the framing, the run ends and says so."""
    with Process("run", *SHORT, "--path", "up.corrupt=2%,mend=yes", "--verify", "--size", "1400",
                 "--transport", "tcp", "--quiet", "--output", "out", cwd=tmp_path) as client:
        status, _out, err = client.finish()
    if status:
        assert status in (1, 3), err
        assert_line(err, "framing")
        return
    tcp = one(Result(tmp_path / "out"), "tcp")
    check_ledger(tcp)
    check_account(tcp)
    assert 0 < int(tcp["rx_corrupt_count"]) <= emu(tcp, "up", "corrupt")


# ---- rate, size, direction

def test_rate(tmp_path):
    """4 Mbit/s of IP packets; twice as much comes."""
    bits, size, queue = 4 * 10 ** 6, 1000, 50000
    result = over(f"up.rate=4Mbit/s,up.queue={queue}", "--size", size, "--duration", "1s",
                  "--transport", "udp", cwd=tmp_path)
    udp = one(result, "udp")
    packet_ns = 8 * (size + 28) * 10 ** 9 // bits
    # Each packet takes its time on the link, whatever the machine does.
    for place, line in enumerate(result.by_key("messages")[key_of(udp)], 1):
        assert line["status"] == "lost" or int(line["t_rcv_ns"]) >= place * packet_ns
    if not udp["flags"]:
        assert 0.97 < number(udp["goodput_bps"]) / bits * (size + 28) / size < 1.01
    assert 0 < emu(udp, "up", "drop_queue") == int(udp["lost_count"])
    assert queue - 2 * (size + 28) < int(udp["emu_up_queue_max_bytes"]) <= queue
    most_ns = 8 * queue * 10 ** 9 // bits + packet_ns
    assert 0.9 * most_ns < int(udp["emu_up_delay_max_ns"]) <= 1.004 * most_ns
    assert udp["emu_down_queue_max_bytes"] == "0"


def test_tcp_fits_itself_to_the_rate(tmp_path):
    bits = 8 * 10 ** 6
    result = over("delay=5ms,rate=8Mbit/s,queue=40k", "--size", "1k", "--rate", "max",
                  "--transport", "tcp", "--duration", "800ms", cwd=tmp_path)
    tcp = one(result, "tcp")
    assert 0.5 * bits < number(tcp["goodput_bps"]) < bits * 1448 / 1500 * 1.01
    assert int(tcp["emu_up_queue_max_bytes"]) <= 40000
    assert int(tcp["tcp_min_rtt_us"]) >= 10000


def test_directions(tmp_path):
    path = "up.delay=5ms,down.delay=45ms"
    result = over(path, "--direction", "both", cwd=tmp_path)
    for transport in ("tcp", "udp"):
        for way, delay in (("up", 5 * MS), ("down", 45 * MS)):
            row = one(result, transport, dir=way)
            assert_takes(result, row, delay)
            assert row[f"emu_{way}_delay_max_ns"] == str(delay)
    result = over(path, "--workload", "rr", cwd=tmp_path, output="rr")
    for row in result.runs:
        assert_takes(result, row, 50 * MS)


VERSIONS = (4, pytest.param(6, marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6")))


@pytest.mark.parametrize("version", VERSIONS)
def test_small_mtu(version, tmp_path):
    """A message of 1400 bytes is two packets, either of which is all that it takes to lose it."""
    result = over("mtu=1300,up.drop=2+5", "--size", "1400", f"--ipv{version}", cwd=tmp_path)
    tcp, udp = one(result, "tcp"), one(result, "udp")
    assert udp["mtu_bytes"] == "1300" and udp["ip_fragments_per_msg"] == "2"
    assert emu(udp, "up", "in") == 2 * int(udp["sent_count"])
    assert missing(result, udp) == [0, 2]
    assert int(tcp["tcp_mss_bytes"]) == 1300 - (20 if version == 4 else 40) - 20 - 12
    assert emu(tcp, "up", "in") >= 1400 * DURATION_MS / int(tcp["tcp_mss_bytes"])
    assert tcp["lost_count"] == "0" and emu(tcp, "up", "drop_loss") == 2


# ---- what else a run can be

VARIANTS = {
    "ipv6": (("--workload", "stream,rr", "--ipv6"), 2),
    "blocking": (("--workload", "stream,rr", "--engine", "blocking"), 2),
    "batch": (("--workload", "stream,rr", "--engine", "batch", "--arrival", "burst"), 2),
    "uv": (("--workload", "stream,rr", "--engine", "uv"), 2),
    "flows": (("--workload", "stream,rr", "--flows", "4"), 2),
    "blocking flows both": (("--direction", "both", "--flows", "4", "--engine", "blocking"), 1),
    "fragments": (("--workload", "rr", "--size", "9k", "--rate", "200/s"), 1),
    "warm-up": (("--warmup", "100ms", "--cooldown", "50ms"), 1),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variant(name, tmp_path):
    if name == "ipv6" and not has_ipv6():
        pytest.skip("no IPv6")
    arguments, cells = VARIANTS[name]
    result = over("delay=5ms,loss=2%", *arguments, "--duration", "250ms", "--drain", "250ms",
                  cwd=tmp_path, cells=cells)
    for row in result.where(flow="all", transport="udp"):
        dropped = emu(row, "up", "drop_loss") + emu(row, "down", "drop_loss")
        assert dropped > 0, name_of(row)
        if name not in ("blocking flows both", "fragments", "warm-up"):
            assert int(row["lost_count"]) == dropped, name_of(row)
    if name.endswith("both"):
        rows = result.where(flow="all", transport="udp")
        assert {row["dir"]: int(row["lost_count"]) for row in rows} == \
            {way: emu(rows[0], way, "drop_loss") for way in ("up", "down")}
    for row in result.where(flow="all", transport="tcp"):
        assert row["rx_unique_count"] == row["sched_count"], name_of(row)
        expected = {"ipv6": "1428"}.get(name, "1448")
        assert row["tcp_mss_bytes"] == expected, name_of(row)


def test_sweep(tmp_path):
    """Paths are cells; without one it is loopback, of which the emulator knows nothing."""
    result = over("none,empty;delay=5ms", "--workload", "stream,rr", "--duration", "150ms",
                  cwd=tmp_path, cells=6)
    mtus = {"none": "65535", "empty": "1500", "delay=5ms": "1500"}
    for path, mtu in mtus.items():
        rows = result.where(path=path, flow="all")
        assert len(rows) == 4
        assert {row["mtu_bytes"] for row in rows if row["transport"] == "udp"} == {mtu}
        for row in rows:
            trips = 1 if row["workload"] == "stream" else 2
            assert_takes(result, row, 5 * MS * trips if path == "delay=5ms" else 0)
            assert row["lost_count"] == "0"
            if path == "empty" and row["transport"] == "udp":
                assert emu(row, "up", "in") == emu(row, "up", "out") == int(row["sent_count"])


SCENARIO = """
path = far,slow,none,far,loss=50%

[path far]
like = empty
up.delay = 15ms
down.delay = 1ms

[path slow]
like = dsl
up.rate = 1Mbit/s
"""


def test_paths_of_a_scenario(tmp_path):
    """A section makes a path, which can be changed like any other."""
    (tmp_path / "paths.ini").write_text(SCENARIO, encoding="utf-8")
    options = [*SHORT, "--transport", "udp", "--drain", "400ms"]
    result = campaign("paths.ini", *options, cwd=tmp_path)
    check_result(result)
    for row in result.runs:
        check_account(row)
    assert {row["path"] for row in result.runs} == {"none", "far", "far,loss=50%", "slow"}
    for path in ("far", "far,loss=50%"):
        row = one(result, "udp", path=path)
        assert row["emu_up_delay_max_ns"] == str(15 * MS) and row["mtu_bytes"] == "1500"
        assert_takes(result, row, 15 * MS)
        assert int(row["lost_count"]) == emu(row, "up", "drop_loss")
    assert one(result, "udp", path="far")["lost_count"] == "0"
    lossy = one(result, "udp", path="far,loss=50%")
    assert_binomial(emu(lossy, "up", "drop_loss"), emu(lossy, "up", "in"), 0.5)
    slow = one(result, "udp", path="slow")
    assert slow["mtu_bytes"] == "1492"
    # 2.1 Mbit/s come: what is too much waits, for the 300 ms of DSL, or has no room.
    assert int(slow["lost_count"]) == emu(slow, "up", "drop_queue")
    assert 10000 < int(slow["emu_up_queue_max_bytes"]) <= 37500


def test_same_seed_same_fate(tmp_path):
    """The list of what is lost is drawn from the seed of the block, not from the clock."""
    fates = []
    for output, seed in (("first", 7), ("second", 7), ("third", 8)):
        result = over("loss=10%", "--transport", "udp", "--duration", "200ms", "--seed", seed,
                      cwd=tmp_path, output=output)
        fates.append(missing(result, one(result, "udp")))
    assert fates[0] == fates[1] != fates[2] and fates[0]
