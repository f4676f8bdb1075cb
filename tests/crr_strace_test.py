# SPDX-License-Identifier: MIT
# ctest: serial release
"""calls.csv against what strace sees of the same run."""

import collections
import re
import shutil

import pytest

from crr_test import CALLS, CRR, calls_of, total
from support import campaign

TRACED = "socket,setsockopt,bind,listen,connect,accept4,sendto,sendmsg,recvfrom,close"
NAMES = {"accept4": "accept", "sendto": "send", "recvfrom": "recv"}
LINE = re.compile(r"(?P<call>\w+)\((?P<arguments>.*)\)\s+=\s+(?P<result>-?\d+).*<(?P<s>[\d.]+)>$")


def traced(tmp_path):
    """Calls by thread, each (name, arguments, result, seconds); of close, those of its sockets."""
    threads = {}
    for path in tmp_path.glob("trace.*"):
        found = [LINE.match(line) for line in path.read_text("utf-8", "replace").splitlines()]
        calls, sockets = [], set()
        for m in found:
            if not m or (m["call"] == "close" and m["arguments"] not in sockets):
                continue
            if m["call"] in ("socket", "accept4"):
                sockets.add(m["result"])
            elif m["call"] == "close":
                sockets.remove(m["arguments"])
            calls.append((NAMES.get(m["call"], m["call"]), m["arguments"], int(m["result"]),
                          float(m["s"])))
        threads[path.name] = calls
    return threads


def longest_repetition(calls, pattern):
    """The stretch of a thread's calls that is the pattern over and over, to its end."""
    names = [call[0] for call in calls]
    at = len(names)
    while at >= len(pattern) and names[at - len(pattern):at] == pattern:
        at -= len(pattern)
    return calls[at:]


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_the_system_sees_the_same_calls(transport, tmp_path):
    """Order and number exactly; the time of each within what tracing adds."""
    prefix = ("strace", "-ff", "-T", "-o", str(tmp_path / "trace"), "-e", f"trace={TRACED}")
    result = campaign(*CRR, "--transport", transport, "--engine", "blocking", "--rate", "100/s",
                      cwd=tmp_path, prefix=prefix)
    threads = traced(tmp_path)
    for end in ("client", "server"):
        told = calls_of(result, transport, end)
        once = {"socket", "bind", "listen"} if end == "server" else set()
        once |= {"setsockopt"} if (end, transport) == ("server", "udp") else set()
        each = [NAMES.get(name, name) for name in CALLS[transport][end]]
        options = total(told["setsockopt"]) if "setsockopt" in told else 0
        messages = total(told["accept" if "accept" in told else
                              "recvfrom" if end == "server" else "socket"])
        pattern = []
        for name in each:
            pattern += [name] * (options // messages if name == "setsockopt" else 1)
        stretches = [longest_repetition(of_sockets(calls), pattern)
                     for calls in threads.values()]
        seen = max(stretches, key=len)
        assert len(seen) == len(pattern) * messages, f"{end}: {len(seen)} of {pattern}"
        counts = collections.Counter(name for name, *_ in seen)
        for name, row in told.items():
            if row["kind"] != "call" or name in once:
                continue
            assert counts[NAMES.get(name, name)] == total(row), name
            # Between the two readings of the clock there is the call, and what the tracer takes.
            seconds = sum(s for called, *_, s in seen if called == NAMES.get(name, name))
            assert seconds * 1e9 < int(row["total_ns"]) * 1.02 + total(row) * 1000, name
            assert int(row["total_ns"]) / total(row) - seconds * 1e9 / total(row) < 3e6, name


def of_sockets(calls):
    """Without the closes of what the thread has not opened as a socket: files that are read."""
    kept, is_open = [], set()
    for name, arguments, returned, seconds in calls:
        if name in ("socket", "accept"):
            is_open.add(str(returned))
        if name != "close" or arguments in is_open:
            kept.append((name, arguments, returned, seconds))
        if name == "close":
            is_open.discard(arguments)
    return kept
