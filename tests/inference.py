# SPDX-License-Identifier: MIT
"""comparisons.csv and campaign.json, worked out again from runs.csv."""

import math
from collections import defaultdict

from consistency import close
from support import nanoseconds, number

METRICS = {"resp_p50": "log_ratio", "resp_p99": "log_ratio", "goodput": "log_ratio",
           "ontime_ratio": "diff", "loss_ratio": "diff"}
PRIMARY = ("resp_p50", "resp_p99", "goodput", "ontime_ratio")
LOWER_IS_BETTER = ("resp_p50", "resp_p99", "loss_ratio")
BLOCKS_MIN = 6


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def signed_rank_counts(ranks):
    """How many of the sign patterns give each sum of positive ranks."""
    counts = {0: 1}
    for rank in ranks:
        more = defaultdict(int, counts)
        for total, n in counts.items():
            more[total + rank] += n
        counts = more
    return counts


def interval(differences, confidence):
    """Hodges and Lehmann's, by the exact distribution of the signed ranks."""
    n = len(differences)
    counts = signed_rank_counts(range(1, n + 1))
    total, k = 0, -1
    for value in sorted(counts):
        total += counts[value]
        if total / 2 ** n > (1 - confidence) / 2:
            break
        k = value
    averages = walsh(differences)
    return averages[k], averages[len(averages) - 1 - k]


def walsh(differences):
    return sorted((x + y) / 2 for i, x in enumerate(differences) for y in differences[i:])


def signed_rank_p(differences):
    """Two-sided; zeros are left out, equal magnitudes share their mean rank (kept doubled)."""
    used = [d for d in differences if d]
    ranks = [sum(2 * (abs(o) < abs(d)) + (abs(o) == abs(d)) for o in used) + 1 for d in used]
    counts = signed_rank_counts(ranks)
    positive = sum(rank for rank, d in zip(ranks, used) if d > 0)
    nearer = min(positive, sum(ranks) - positive)
    tail = sum(n for total, n in counts.items() if total <= nearer)
    return min(1.0, 2 * tail / 2 ** len(used))


def value_of(row, metric):
    if metric == "goodput":  # to all its digits
        return 8e9 * int(row["goodput_bytes"]) / nanoseconds(row["duration"])
    if metric == "loss_ratio":
        return int(row["lost_count"]) / int(row["sent_count"]) if row["sent_count"] != "0" else None
    return number(row[metric if metric == "ontime_ratio" else f"{metric}_ns"])


def pairs_of(result, line):
    """(a, b) of the blocks where both are known."""
    values = defaultdict(dict)
    for row in result.where(cell_id=line["cell_id"], dir=line["dir"], flow="all"):
        values[int(row["block"])][row["arm"]] = value_of(row, line["metric"])
    pairs = [(v["a"], v["b"]) for _, v in sorted(values.items()) if None not in v.values()]
    if line["scale"] == "log_ratio":
        pairs = [(a, b) for a, b in pairs if a > 0 and b > 0]
    return pairs


def check_statistics(result):
    """comparisons.csv: one line for each cell, direction and metric, and its numbers."""
    cells = {(row["cell_id"], row["dir"]) for row in result.runs}
    paired = len({row["arm"] for row in result.runs}) == 2
    expected = sorted((*c, m) for c in cells for m in METRICS) if paired else []
    lines = result.comparisons
    assert sorted((x["cell_id"], x["dir"], x["metric"]) for x in lines) == expected
    for line in lines:
        where = f"{line['cell_id']}/{line['dir']}/{line['metric']}"
        assert line["scale"] == METRICS[line["metric"]], where
        check_line(line, where, pairs_of(result, line))
    check_holm(lines)


def log_ratio(a, b):
    """ln(b/a), so that swapping the two changes nothing but the sign, to the last bit."""
    return math.log(b / a) if b >= a else -math.log(a / b)


def check_line(line, where, pairs):
    assert int(line["blocks_count"]) == len(pairs), where
    has_interval = len(pairs) >= BLOCKS_MIN
    if not has_interval:
        assert line["verdict"] == "no interval", where
        for column in ("ci95_lo", "ci95_hi", "ci90_lo", "ci90_hi", "p_signed_rank", "p_holm"):
            assert line[column] == "", f"{where}: {column}"
    if not pairs or any(math.isinf(x) for pair in pairs for x in pair):
        return
    ratio = line["scale"] == "log_ratio"
    d = [log_ratio(a, b) if ratio else b - a for a, b in pairs]
    back = math.expm1 if ratio else float
    assert close(number(line["a_median"]), median([a for a, _ in pairs])), where
    assert close(number(line["b_median"]), median([b for _, b in pairs])), where
    assert close(number(line["effect"]), back(median(walsh(d)))), where
    assert close(number(line["difference"]), median(walsh([b - a for a, b in pairs])), 1e-5), where
    if not has_interval:
        return
    for confidence, name in ((0.95, "ci95"), (0.90, "ci90")):
        low, high = interval(d, confidence)
        assert close(number(line[f"{name}_lo"]), back(low)), where
        assert close(number(line[f"{name}_hi"]), back(high)), where
    assert close(number(line["p_signed_rank"]), signed_rank_p(d)), where
    check_verdict(line, where, d)


def winner_of(line):
    """"a" or "b" when the verdict names a winner, else ""."""
    arms = {f"{line[f'arm_{arm}']} wins": arm for arm in "ab"}
    assert len(arms) == 2, "both arms have one name"
    return arms.get(line["verdict"].lower(), "")


def check_verdict(line, where, d):
    """A win is never claimed without an interval beyond the margin and the adjusted p."""
    margin, verdict = number(line["margin"]), line["verdict"].lower()
    low, high = interval(d, 0.95)
    if line["metric"] in LOWER_IS_BETTER:
        low, high = -high, -low
    winner = winner_of(line)
    if winner:
        assert low > margin if winner == "b" else high < -margin, where
        assert line["metric"] not in PRIMARY or number(line["p_holm"]) <= 0.05, where
    elif verdict == "tie":
        assert not any(d) or max(abs(x) for x in interval(d, 0.90)) < margin, where
    elif verdict == f"{line['arm_b']} slightly better":
        assert low > 0, where
    elif verdict == f"{line['arm_a']} slightly better":
        assert high < 0, where
    else:
        assert verdict in ("inconclusive", "undefined"), f"{where}: {verdict}"


def check_holm(lines):
    """Adjusted over the primary metrics of the whole campaign."""
    family = sorted((x for x in lines if x["metric"] in PRIMARY and x["p_signed_rank"]),
                    key=lambda x: number(x["p_signed_rank"]))
    adjusted = 0.0
    for i, line in enumerate(family):
        adjusted = max(adjusted, min(1.0, (len(family) - i) * number(line["p_signed_rank"])))
        assert close(number(line["p_holm"]), adjusted), f"{line['cell_id']} {line['metric']}"


def check_manifest(result, cells, blocks):
    """campaign.json says what was run, and nothing else was run."""
    manifest = result.manifest
    assert manifest["schema_version"] == 1 and manifest["tool"]["name"] == "netversus"
    assert manifest["complete"] is True and manifest["blocks"] == blocks
    assert manifest["seed"] > 0 and manifest["histogram"]["sub_bucket_bits"] == 8
    assert {row["campaign_id"] for row in result.runs} == {manifest["campaign_id"]}
    assert len(manifest["cells"]) == cells
    assert {c["cell_id"] for c in manifest["cells"]} == {row["cell_id"] for row in result.runs}
    for end in ("client", "server"):
        assert manifest["environment"][end], f"nothing is known about the {end}"
    for cell in manifest["cells"]:
        rows = result.where(cell_id=cell["cell_id"])
        assert {row["block"] for row in rows} == {str(b + 1) for b in range(blocks)}
        assert [t for t in cell["transport"]] == [
            next(row["transport"] for row in rows if row["arm"] == arm)
            for arm in "ab"[:len(cell["transport"])]]
        for option, value in cell.items():
            column = {"size": "msg_size"}.get(option, option.replace("-", "_"))
            if option not in ("transport", "seed", "cell_id"):
                assert {row[column] for row in rows} == {value}, f"{cell['cell_id']} {option}"
    check_rejections(result)


def check_rejections(result):
    """A block that was sent back is written down, and shows in its successor's attempt."""
    rejected = {(r["cell_id"], r["block"], r["attempt"]) for r in result.manifest["rejections"]}
    again = {(row["cell_id"], int(row["block"]), attempt) for row in result.runs
             for attempt in range(1, int(row["attempt"]))}
    assert rejected == again
    for line in result.comparisons:
        n = sum(cell == line["cell_id"] for cell, _, _ in rejected)
        assert int(line["blocks_rejected_count"]) == n, line["cell_id"]
