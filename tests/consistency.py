# SPDX-License-Identifier: MIT
"""What must hold of every run in every result directory, worked out again from its files.

check_result() is the way in; check_statistics() and check_manifest() are of the campaign as a whole.
Nothing here knows how the program computes anything: the rules are the documented ones."""

import math
from collections import defaultdict
from functools import lru_cache

from support import KEY, nanoseconds, number

PS = (0.5, 0.9, 0.95, 0.99, 0.999, 0.9999)
PATTERN_OVERFLOW = 65  # stands for all values above 64
ADDED_OVER_FLOWS = (
    "sched_count", "sent_count", "unsent_count", "drop_eagain_count", "drop_enobufs_count",
    "err_emsgsize_count", "err_other_count", "rx_unique_count", "rx_dup_count", "rx_corrupt_count",
    "rx_stray_count", "lost_count", "lost_rcvbuf_count", "lost_reply_count", "lost_path_count",
    "late_count", "negative_count", "reordered_count", "goodput_bytes", "late_sends_count")


def name_of(row):
    return "/".join(row[k] for k in KEY)


def close(a, b, tolerance=1e-6):
    """The same number, written with nine digits; None: not known."""
    if a is None or b is None or math.isnan(a) or math.isnan(b):
        known = [x for x in (a, b) if x is not None and not math.isnan(x)]
        return not known
    return a == b or abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-3)


def check_result(result):
    """Every run of a result, and every file about it."""
    assert result.runs, f"no runs in {result.directory}"
    for row in result.runs:
        check_ledger(row)
        check_schedule(row)
        check_rates(row)
        check_transport(row)
        check_cost(row)
        check_deadlines(row, result.by_key("deadlines")[key_of(row)])
        check_distributions(row, result)
        check_intervals(row, result.by_key("intervals")[key_of(row)])
        check_patterns(row, result.by_key("patterns")[key_of(row)])
        if number(row["messages"]):
            check_messages(row, result)
    for name in ("deadlines", "quantiles", "hist", "intervals", "patterns", "messages"):
        known = {key_of(row) for row in result.runs}
        assert set(result.by_key(name)) <= known, f"{name}.csv is about runs that are not there"
    check_flows(result)
    check_blocks(result)


def key_of(row):
    return tuple(row[k] for k in KEY)


def count(row, column):
    value = number(row[column])
    assert isinstance(value, int) and value >= 0, f"{name_of(row)}: {column} is {row[column]!r}"
    return value


# ---- one row of runs.csv ----

def check_ledger(row):
    where = name_of(row)
    sent = count(row, "sent_count")
    refused = sum(count(row, c) for c in ("drop_eagain_count", "drop_enobufs_count",
                                          "err_emsgsize_count", "err_other_count"))
    unique, lost = count(row, "rx_unique_count"), count(row, "lost_count")
    assert count(row, "sched_count") == sent + refused + count(row, "unsent_count"), where
    assert sent == unique + lost, where
    places = ("lost_rcvbuf_count", "lost_reply_count", "lost_path_count")
    vague = row["engine"] == "batch" or row["workload"] == "crr"
    if vague and row["lost_path_count"] == "":  # counted are joined ones as one, or other things
        assert row["lost_rcvbuf_count"] == "" and lost > count(row, "lost_reply_count"), where
    else:
        assert lost == sum(count(row, place) for place in places), where
    assert count(row, "late_count") <= unique, where
    assert count(row, "negative_count") == 0, f"{where}: arrived before it was sent"
    assert row["workload"] == "rr" or count(row, "lost_reply_count") == 0, where
    assert row["clock_mode"] == "shared", where
    assert "ledger" not in row["flags"], where


def flows_in(row):
    return int(row["flows"]) if row["flow"] == "all" else 1


def constant_count(rate, burst, start_ns, end_ns):
    """Messages due in [start, end) when tick j is at floor(j * burst / rate) s, burst each."""
    ticks_before = [-(-t * rate // (burst * 10 ** 9)) for t in (start_ns, end_ns)]
    return burst * (ticks_before[1] - ticks_before[0])


def check_schedule(row):
    """sched_count is what the arrival process asks for, sent or not."""
    where, flows, sched = name_of(row), flows_in(row), count(row, "sched_count")
    rate = row["rate"]
    if rate == "max":
        assert row["rate_msgs_per_s"] == "", where
        return
    start_ns = nanoseconds(row["warmup"])
    length_ns = nanoseconds(row["duration"])
    mean = number(row["rate_msgs_per_s"]) * length_ns / 1e9 * flows / int(row["flows"])
    if row["arrival"] == "poisson":
        assert abs(sched - mean) <= 6 * math.sqrt(mean) + 1, f"{where}: {sched}, mean {mean}"
        return
    burst = int(row["burst"]) if row["arrival"] == "burst" else 1
    assert abs(sched - mean) <= burst * flows, f"{where}: {sched}, mean {mean}"
    if flows == 1 and row["flows"] == "1" and rate.endswith("/s") and rate[:-2].isdigit():
        exact = constant_count(int(rate[:-2]), burst, start_ns, start_ns + length_ns)
        assert sched == exact, f"{where}: {sched} scheduled, not {exact}"


def check_rates(row):
    where, seconds = name_of(row), nanoseconds(row["duration"]) / 1e9
    sent, lost = count(row, "sent_count"), count(row, "lost_count")
    assert close(number(row["goodput_bps"]), 8 * count(row, "goodput_bytes") / seconds), where
    assert close(number(row["loss_ratio"]), lost / sent if sent else None), where
    assert number(row["sent_bps"]) <= number(row["offered_bps"]) * (1 + 1e-8), where
    if row["msg_size"].isdigit():
        size = int(row["msg_size"])
        bits = 8 * size / seconds
        assert number(row["msg_size_bytes"]) == size, where
        assert close(number(row["offered_bps"]), bits * count(row, "sched_count")), where
        assert close(number(row["sent_bps"]), bits * sent), where
    if lost == 0 and sent:
        low, high = number(row["loss_ci_lo_ratio"]), number(row["loss_ci_hi_ratio"])
        assert low == 0 and close(high, min(1, 3 / sent)), where
    elif row["loss_ci_lo_ratio"]:
        assert number(row["loss_ci_lo_ratio"]) <= lost / sent <= number(row["loss_ci_hi_ratio"])


def check_transport(row):
    """What TCP promises, and what is a datagram's nature."""
    where = name_of(row)
    assert count(row, "rx_corrupt_count") == 0 and count(row, "rx_stray_count") == 0, where
    if row["transport"] == "tcp":
        # lost_count may be above 0: what was under way when the time was up.
        streams = () if row["workload"] == "crr" else (  # of single messages, each on its own
            "lost_rcvbuf_count", "reordered_count", "err_other_count")
        for column in ("rx_dup_count", "drop_eagain_count", "drop_enobufs_count",
                       "err_emsgsize_count", *streams):
            assert count(row, column) == 0, f"{where}: {column} is {row[column]} over TCP"
        if row["workload"] != "crr":  # whose sockets are gone before they could be asked
            assert count(row, "tcp_bytes_sent") >= 0, where
    else:
        assert row["tcp_bytes_sent"] == "" and row["tcp_rtt_us"] == "", where
        assert count(row, "split_msgs_count") == 0, f"{where}: a datagram in two pieces"
        # The one has the kernel join them, the other takes up to 20 by one recvmmsg.
        if row["engine"] not in ("batch", "uv"):
            assert count(row, "coalesced_recvs_count") == 0, f"{where}: two datagrams in one call"


def check_cost(row):
    """Processor time over messages; empty where it says nothing."""
    where = name_of(row)
    tx, rx = number(row["tx_cpu_ns"]), number(row["rx_cpu_ns"])
    columns = ("tx_cpu_ns_per_msg", "rx_cpu_ns_per_msg", "cpu_ns_per_msg", "cpu_ns_per_byte")
    if None in (tx, rx) or row["cpu_valid"] == "0" or row["direction"] == "both":
        assert all(row[column] == "" for column in columns), where
        return
    sent, arrived = count(row, "sent_count"), count(row, "rx_unique_count")
    costs = (tx / sent if sent else None, *((value / arrived if arrived else None)
                                            for value in (rx, tx + rx)))
    for column, cost in zip(columns, costs):
        assert close(number(row[column]), cost), f"{where}: {column}"
    if arrived and row["msg_size"].isdigit() and row["workload"] == "stream":
        assert close(number(row["cpu_ns_per_byte"]), costs[2] / int(row["msg_size"])), where


# ---- the other files, against it ----

def check_deadlines(row, lines):
    where, before, last_ms = name_of(row), 0, 0
    unsent = count(row, "sched_count") - count(row, "sent_count")
    assert nanoseconds(row["deadline"]) / 1e6 in [number(x["deadline_ms"]) for x in lines], where
    for line in lines:
        ontime, deadline_ms = count(line, "ontime_count"), number(line["deadline_ms"])
        assert deadline_ms > last_ms and ontime >= before, where
        assert ontime + count(line, "late_count") == count(row, "rx_unique_count"), where
        assert count(line, "lost_count") == count(row, "lost_count"), where
        assert count(line, "not_sent_count") == unsent, where
        assert line["sched_count"] == row["sched_count"], where
        ratio = ontime / count(row, "sched_count") if count(row, "sched_count") else None
        assert close(number(line["ontime_ratio"]), ratio), where
        if deadline_ms == nanoseconds(row["deadline"]) / 1e6:
            assert line["ontime_ratio"] == row["ontime_ratio"], where
        before, last_ms = ontime, deadline_ms


class Histogram:
    """A metric's lines of hist.csv; `largest` is the exact largest value, if it is known."""

    def __init__(self, where, lines, largest):
        self.buckets = [(int(x["lo_ns"]), int(x["hi_ns"]), int(x["count"])) for x in lines]
        self.count = sum(n for _, _, n in self.buckets)
        self.largest = largest
        before = 0
        for low, high, n in self.buckets:
            width = 1 << max(0, low.bit_length() - 9)
            assert n > 0 and low >= before and low % width == 0 and high - low == width, \
                f"{where}: bucket {low}..{high} holds {n}"
            before = high
        if self.buckets and largest is not None:
            assert self.buckets[-1][0] <= largest < self.buckets[-1][1], where

    def edges(self, rank):
        """Lower edge of the bucket of the rank-th smallest value, and the values its upper edge may
        have: never above the largest value there was."""
        for i, (low, high, n) in enumerate(self.buckets):
            rank -= n
            if rank > 0:
                continue
            if i + 1 < len(self.buckets):
                return low, high - 1, high - 1
            if self.largest is not None:
                return low, self.largest, self.largest
            return low, low, high - 1
        raise AssertionError("rank beyond the histogram")


@lru_cache(maxsize=None)
def confidence_ranks(n, p):
    """Ranks of the 95 % interval by order statistics: the smallest lo, hi with
    P(Bin(n, p) <= lo - 1) > 0.025 - so lo - 1 is the last within it - and P(.. <= hi - 1) >= 0.975;
    0 and n + 1 where there is none."""
    total, low, high = 0.0, 0, n + 1
    for k in range(n):
        log = (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) +
               k * math.log(p) + (n - k) * math.log1p(-p))
        total += math.exp(log)
        if total <= 0.025:
            low = k + 1
        if total >= 0.975:
            high = k + 1
            break
    return low, high


def check_quantile(line, where, histogram, n):
    p = number(line["p"])
    where = f"{where} {line['metric']} {line['population']} p {p}"
    assert int(line["n"]) == n and number(line["n_eff"]) == n, where
    reportable = n >= math.log(0.025) / math.log(p) and n * (1 - p) >= 10 - 1e-9
    assert line["reportable"] == str(int(reportable)), where
    if not reportable:
        assert {line[c] for c in ("value_ns", "bucket_lo_ns", "ci_lo_ns", "ci_hi_ns")} == {""}, where
        return
    rank = max(1, math.ceil(p * n - 1e-9))
    if rank > histogram.count:
        assert line["value_ns"] == line["bucket_lo_ns"] == "inf", where
    else:
        low, least, most = histogram.edges(rank)
        assert int(line["bucket_lo_ns"]) == low, where
        assert least <= int(line["value_ns"]) <= most, where
    if n <= 20000:
        check_interval(line, where, histogram, confidence_ranks(n, p))


def check_interval(line, where, histogram, ranks):
    if ranks[0] > histogram.count:
        assert line["ci_lo_ns"] == "inf", where
    else:
        assert int(line["ci_lo_ns"]) == (histogram.edges(ranks[0])[0] if ranks[0] else 0), where
    if ranks[1] > histogram.count:
        assert line["ci_hi_ns"] == "inf", where
    else:
        _, least, most = histogram.edges(ranks[1])
        assert least <= int(line["ci_hi_ns"]) <= most, where


def check_distributions(row, result):
    """quantiles.csv and the quantiles in runs.csv, worked out again from hist.csv."""
    where = name_of(row)
    lines, buckets = defaultdict(list), defaultdict(list)
    for line in result.by_key("quantiles")[key_of(row)]:
        lines[line["metric"], line["population"]].append(line)
    for line in result.by_key("hist")[key_of(row)]:
        buckets[line["metric"]].append(line)
    unique, sched = count(row, "rx_unique_count"), count(row, "sched_count")
    counts = {"resp": unique, "serv": unique, "sched_lag": count(row, "sent_count")}
    for metric, n in counts.items():
        largest = number(row.get(f"{metric}_max_ns", ""))
        histogram = Histogram(f"{where} {metric}", buckets.pop(metric, []), largest)
        assert histogram.count == n, f"{where}: hist.csv holds {histogram.count} {metric} of {n}"
        populations = {"delivered": n} if metric == "sched_lag" else {"delivered": n, "all": sched}
        for population, size in populations.items():
            found = lines[metric, population]
            assert [number(x["p"]) for x in found] == ([*PS] if size else []), where
            for line in found:
                check_quantile(line, where, histogram, size)
                short = f"{metric}_p{round(number(line['p']) * 100)}_ns"
                if population == ("delivered" if metric == "sched_lag" else "all") and \
                        number(line["p"]) in (0.5, 0.99):
                    assert row[short] == line["value_ns"], f"{where}: {short}"
    assert not buckets, f"{where}: hist.csv has {list(buckets)}"


def check_intervals(row, lines):
    where = name_of(row)
    for column, total in (("sched_count", "sched_count"), ("sent_count", "sent_count"),
                          ("rx_unique_count", "rx_unique_count"), ("lost_count", "lost_count"),
                          ("rx_bytes", "goodput_bytes")):
        found = sum(count(line, column) for line in lines)
        assert found == count(row, total), f"{where}: {column} of intervals: {found}"
    for column in ("resp_max_ns", "sched_lag_max_ns"):
        of = "sent_count" if column == "sched_lag_max_ns" else "rx_unique_count"
        seen = count(row, of) > 0
        values = [number(line[column]) for line in lines if seen and line[column]]
        assert max(values, default=None) == number(row[column]), f"{where}: {column}"
    start, end = nanoseconds(row["warmup"]), nanoseconds(row["warmup"]) + nanoseconds(row["duration"])
    length = max(10 ** 8, -(-(end - start) // 600 // 10 ** 6) * 10 ** 6)
    for i, line in enumerate(lines):
        low = start + i * length
        high = min(low + length, end)
        assert close(number(line["t_start_s"]), low / 1e9) and \
            close(number(line["t_end_s"]), high / 1e9), where
        assert close(number(line["goodput_bps"]), 8e9 * count(line, "rx_bytes") / (high - low)), where
    assert len(lines) == -(-(end - start) // length), where


def check_patterns(row, lines):
    where, kinds = name_of(row), defaultdict(dict)
    for line in lines:
        value = count(line, "value")
        assert count(line, "count") > 0 and value <= PATTERN_OVERFLOW, where
        assert value not in kinds[line["kind"]], where
        kinds[line["kind"]][value] = count(line, "count")
    unique = count(row, "rx_unique_count")
    missing = count(row, "sched_count") - unique
    runs = kinds["loss_run"]
    least = sum(value * n for value, n in runs.items())
    assert least == missing or (PATTERN_OVERFLOW in runs and least < missing), where
    assert sum(kinds["recvs_per_msg"].values()) == unique, where
    assert sum(kinds["msgs_per_recv"].values()) == count(row, "rx_recv_calls"), where
    split = sum(n for value, n in kinds["recvs_per_msg"].items() if value > 1)
    assert split == count(row, "split_msgs_count"), where
    coalesced = sum(n for value, n in kinds["msgs_per_recv"].items() if value > 1)
    assert coalesced == count(row, "coalesced_recvs_count"), where
    known = sum(kinds["reorder_extent"].values()) + count(row, "extent_censored_count")
    assert known == count(row, "reordered_count"), where


def check_messages(row, result):
    """Every message, one by one, against the totals; rows over several flows have none."""
    where, lines = name_of(row), result.by_key("messages")[key_of(row)]
    if row["flow"] == "all" and row["flows"] != "1":
        assert not lines, where
        return
    arrived = [x for x in lines if x["status"] in ("ok", "late")]
    absent = [x for x in lines if x["status"] in ("lost", "missing")]
    copies = [x for x in lines if x["status"] == "dup"]
    assert len(arrived) + len(absent) + len(copies) == len(lines), where
    assert len({x["seq"] for x in arrived + absent}) == len(arrived + absent), where
    if len(arrived) + len(copies) == number(row["messages"]):
        return  # the trace was full: what is missing is not known
    assert len(arrived) == count(row, "rx_unique_count"), where
    assert len(absent) == count(row, "sched_count") - count(row, "rx_unique_count"), where
    assert len(copies) == count(row, "rx_dup_count"), where
    start = nanoseconds(row["warmup"])
    end = start + nanoseconds(row["duration"])
    newest, arrival = -1, -1
    buckets = {metric: defaultdict(int) for metric in ("resp", "serv")}
    for line in arrived:
        due, sent, came = (int(line[c]) for c in ("t_int_ns", "t_snd_ns", "t_rcv_ns"))
        assert start <= due < end and due <= sent <= came, f"{where}: message {line['seq']}"
        assert int(line["arrival_index"]) > arrival, where
        arrival = int(line["arrival_index"])
        if row["transport"] == "tcp":
            assert int(line["seq"]) > newest, where
        newest = int(line["seq"])
        for metric, value in (("resp", came - due), ("serv", came - sent)):
            shift = max(0, value.bit_length() - 9)
            buckets[metric][value >> shift << shift] += 1
    for metric, found in buckets.items():
        file = {int(x["lo_ns"]): int(x["count"]) for x in result.by_key("hist")[key_of(row)]
                if x["metric"] == metric}
        assert dict(found) == file, f"{where}: hist.csv and messages.csv differ in {metric}"


# ---- rows against each other ----

def check_flows(result):
    """Counts of all flows are the sums of the flows'."""
    flows = defaultdict(list)
    for row in result.runs:
        flows[row["run_id"], row["dir"]].append(row)
    for rows in flows.values():
        total = rows[-1]
        where = name_of(total)
        assert total["flow"] == "all", where
        expected = [str(i) for i in range(int(total["flows"]))] if total["flows"] != "1" else []
        assert [row["flow"] for row in rows[:-1]] == expected, where
        vague = ("lost_rcvbuf_count", "lost_path_count") if total["workload"] == "crr" else ()
        for column in (c for c in ADDED_OVER_FLOWS if expected and c not in vague):
            found = sum(count(row, column) for row in rows[:-1])
            assert found == count(total, column), f"{where}: {column} of flows: {found}"
        if expected and total["rate"] != "max":  # which has sizes alone, maybe all equal
            hashes = {row["sched_hash"] for row in rows}
            assert len(hashes) == len(rows), f"{where}: two flows with one schedule"


def check_blocks(result):
    """Both runs of a block have one schedule, and no two blocks do; but for rates that were
    searched for, which are an arm's own."""
    searched = {cell["cell_id"] for cell in result.manifest["cells"] if cell["rate"] == "search"}
    rows = [row for row in result.where(flow="all") if row["cell_id"] not in searched]
    pairs = defaultdict(list)
    for row in rows:
        pairs[row["cell_id"], row["block"], row["dir"]].append(row)
    arms = len({row["arm"] for row in rows})
    for where, pair in pairs.items():
        assert sorted(row["arm"] for row in pair) == ["a", "b"][:arms], where
        assert sorted(row["slot"] for row in pair) == ["1", "2"][:arms], where
        assert len({row["sched_hash"] for row in pair}) == 1, f"{where}: other schedules"
        assert len({row["seed"] for row in pair}) == 1, where
        assert len({row["attempt"] for row in pair}) == 1, where
        if pair[0]["rate"] != "max":
            assert len({row["sched_count"] for row in pair}) == 1, where
    if any(row["arrival"] == "poisson" and row["rate"] != "max" for row in rows):
        hashes = {pair[0]["sched_hash"] for pair in pairs.values()
                  if pair[0]["arrival"] == "poisson" and pair[0]["rate"] != "max"}
        poisson = [p for p in pairs.values()
                   if p[0]["arrival"] == "poisson" and p[0]["rate"] != "max"]
        assert len(hashes) == len(poisson), "two blocks with one schedule"
