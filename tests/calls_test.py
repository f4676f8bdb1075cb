# SPDX-License-Identifier: MIT
"""netversus calls: what it says it called is what the kernel was asked, by strace's account; each
failure shows the errno that the kernel gives; bad usage; output that nobody reads."""

import csv
import errno
import io
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from faults import adopt_orphans, fails, leave_nothing_behind
from support import PROGRAM, has_ipv6, run

__all__ = ["adopt_orphans", "leave_nothing_behind"]  # fixtures

COLUMNS = ["end", "call", "arguments", "result", "errno", "took_ns"]
TCP_SERVER = "socket bind getsockname listen accept recv send accept close recv close close"
TCP_CLIENT = "socket connect getsockname send recv socket connect close close"
UDP_SERVER = "socket bind getsockname recvfrom sendto close"

# options, the calls of the server, and of the client
EXCHANGES = [
    ("--transport tcp", TCP_SERVER, TCP_CLIENT),
    ("--transport tcp --read-write", TCP_SERVER.replace("recv", "read").replace("send", "write"),
     TCP_CLIENT.replace("recv", "read").replace("send", "write")),
    ("--transport udp", UDP_SERVER, "socket sendto getsockname recvfrom close"),
    ("--transport udp --udp-connect", UDP_SERVER,
     "socket connect getsockname sendto recvfrom close"),
    ("--transport udp --udp-connect --read-write", UDP_SERVER,
     "socket connect getsockname write read close"),
]

# failure, transport, the call that shows it, its errno
FAILURES = [
    ("socket", "tcp", "socket", "EPROTONOSUPPORT"),
    ("socket", "udp", "socket", "EPROTONOSUPPORT"),
    ("socket-family", "tcp", "socket", "EAFNOSUPPORT"),
    ("socket-family", "udp", "socket", "EAFNOSUPPORT"),
    ("bind", "tcp", "bind", "EADDRINUSE"),
    ("bind", "udp", "bind", "EADDRINUSE"),
    ("listen", "tcp", "listen", "EINVAL"),
    ("listen", "udp", "listen", "EOPNOTSUPP"),
    ("accept", "tcp", "accept", "EINVAL"),
    ("accept", "udp", "accept", "EOPNOTSUPP"),
    ("connect", "tcp", "connect", "ECONNREFUSED"),
    ("connect", "udp", "recvfrom", "ECONNREFUSED"),
    ("connect-unreachable", "tcp", "connect", "ENETUNREACH"),
    ("connect-unreachable", "udp", "connect", "ENETUNREACH"),
    ("send", "tcp", "send", "EPIPE"),
    ("send", "udp", "sendto", "EMSGSIZE"),
    ("send-unaddressed", "udp", "sendto", "EDESTADDRREQ"),
    ("recv", "tcp", "recv", "EAGAIN"),
    ("recv", "udp", "recvfrom", "EAGAIN"),
    ("recv-timeout", "tcp", "recv", "EAGAIN"),
    ("recv-timeout", "udp", "recvfrom", "EAGAIN"),
    ("recv-reset", "tcp", "recv", "ECONNRESET"),
    ("recv-refused", "udp", "recvfrom", "ECONNREFUSED"),
    ("close", "tcp", "close", "EBADF"),
    ("close", "udp", "close", "EBADF"),
]
FAILURE_NAMES = [f"{row[0]}-{row[1]}" for row in FAILURES]
SYSTEM_CALLS = {"send": "sendto", "recv": "recvfrom"}  # what the C library makes of them


def rows_of(text):
    reader = csv.DictReader(io.StringIO(text))
    rows = list(reader)
    assert reader.fieldnames == COLUMNS
    return rows


def calls_of(rows, end):
    return " ".join(row["call"] for row in rows if row["end"] == end)


def fail_of(name, transport):
    return ["calls", "--fail", name, "--transport", transport]


# ---- what was called

@pytest.mark.parametrize("options, server, client", EXCHANGES, ids=[row[0] for row in EXCHANGES])
def test_order_of_calls(tmp_path, options, server, client):
    rows = rows_of(run("calls", *options.split(), "--format", "csv", cwd=tmp_path).stdout)
    assert calls_of(rows, "server") == server
    assert calls_of(rows, "client") == client
    assert {row["errno"] for row in rows} == {""}
    assert all(int(row["result"]) >= 0 and int(row["took_ns"]) > 0 for row in rows)


def test_accept_makes_new_sockets_and_the_listening_one_goes_on(tmp_path):
    rows = rows_of(run("calls", "--format", "csv", cwd=tmp_path).stdout)
    listening = rows[0]["result"]
    accepts = [row for row in rows if row["call"] == "accept"]
    assert [row["arguments"].split(", ")[0] for row in accepts] == [listening] * 2
    assert len({listening, *(row["result"] for row in accepts)}) == 3
    # The first client's own IP:port, as its end and the server's say it.
    own = next(row for row in rows if (row["end"], row["call"]) == ("client", "getsockname"))
    assert accepts[0]["arguments"].split(", ")[1] == own["arguments"].split(", ")[1]
    recvs = [int(row["result"]) for row in rows if (row["end"], row["call"]) == ("server", "recv")]
    sent = next(row for row in rows if (row["end"], row["call"]) == ("client", "send"))
    assert recvs == [int(sent["result"]), 0]


def test_waiting_calls_really_wait(tmp_path):
    rows = rows_of(run("calls", "--format", "csv", cwd=tmp_path).stdout)
    waits = {row["call"] for row in rows if int(row["took_ns"]) >= 1_000_000}
    assert {"accept", "recv"} <= waits


def test_json_holds_the_same_as_csv(tmp_path):
    objects = json.loads(run("calls", "--transport", "udp", "--format", "json", cwd=tmp_path).stdout)
    assert all(list(row) == COLUMNS for row in objects)
    assert calls_of(objects, "server") == UDP_SERVER
    assert all(row["errno"] is None and row["took_ns"] > 0 for row in objects)
    refused = json.loads(run(*fail_of("connect", "tcp"), "--format", "json", cwd=tmp_path).stdout)
    assert [(row["result"], row["errno"]) for row in refused if row["call"] == "connect"] == \
        [(-1, "ECONNREFUSED")]


# ---- strace's account

def strace_obstacle():
    if not shutil.which("strace"):
        return "strace is not installed"
    done = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True,
                          timeout=20)
    return done.stderr.strip() if done.returncode else ""


OBSTACLE = strace_obstacle()
needs_strace = pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE or "strace works")


def traced(tmp_path, *arguments, extra=(), status=0):
    """Rows of the run, and the system calls of each thread: [(name, errno name or "")]."""
    log = tmp_path / "strace"
    # A leak checker traces its own process, and only one can.
    options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    command = ["strace", "-f", "-o", log, "-e", "trace=network,close,read,write", *extra, PROGRAM,
               *arguments, "--format", "csv"]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, env={**os.environ, "ASAN_OPTIONS": options})
    assert done.returncode == status, done.stderr
    threads = {}
    pending = {}
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        thread, text = re.match(r"(\d+)\s+(.*)", line).groups()
        begun = re.match(r"(\w+)\(", text)
        if begun and "<unfinished ...>" in text:
            pending[thread] = len(threads.setdefault(thread, []))
            threads[thread].append((begun.group(1), ""))
        elif begun:
            threads.setdefault(thread, []).append((begun.group(1), errno_in(text)))
        elif text.startswith("<... "):
            name = re.match(r"<\.\.\. (\w+) resumed", text).group(1)
            threads[thread][pending[thread]] = (name, errno_in(text))
    main = next(iter(threads))
    return done, [calls for thread, calls in threads.items() if thread != main]


def errno_in(text):
    failed = re.search(r"= -1 (E\w+)", text)
    return failed.group(1) if failed else ""


def told(rows, end):
    return [(SYSTEM_CALLS.get(row["call"], row["call"]), row["errno"]) for row in rows
            if row["end"] == end and row["call"] != "fcntl"]  # not asked of strace


def assert_as_traced(rows, threads):
    ends = [told(rows, "server"), told(rows, "client")]
    assert sorted(threads) == sorted(calls for calls in ends if calls)


@needs_strace
@pytest.mark.parametrize("options", [row[0] for row in EXCHANGES])
def test_exchange_is_what_strace_saw(tmp_path, options):
    done, threads = traced(tmp_path, "calls", *options.split())
    assert_as_traced(rows_of(done.stdout), threads)


@needs_strace
@pytest.mark.parametrize("name, transport, call, error", FAILURES, ids=FAILURE_NAMES)
def test_failure_is_what_strace_saw(tmp_path, name, transport, call, error):
    done, threads = traced(tmp_path, *fail_of(name, transport))
    assert_as_traced(rows_of(done.stdout), threads)
    assert [(SYSTEM_CALLS.get(call, call), error)] == \
        [made for calls in threads for made in calls if made[1]]


# What the kernel says instead, and what the program makes of it.
OTHERWISE = [("error=ENOMEM", "but another error: Cannot allocate memory"),
             ("retval=0", "but success")]


@needs_strace
@pytest.mark.parametrize("injected, words", OTHERWISE, ids=[row[0] for row in OTHERWISE])
def test_error_that_does_not_come_is_told(tmp_path, injected, words):
    done, _ = traced(tmp_path, *fail_of("bind", "tcp"), status=1,
                     extra=("-e", f"inject=bind:{injected}:when=2"))
    assert f"bind: no EADDRINUSE, {words}" in done.stderr
    assert done.stderr.count("\n") == 1


@needs_strace
def test_call_of_an_exchange_that_fails_is_told(tmp_path):
    done, _ = traced(tmp_path, "calls", extra=("-e", "inject=listen:error=EACCES"), status=1)
    assert done.stderr == "netversus calls: listen: Permission denied\n"
    rows = rows_of(done.stdout)
    assert rows[-1]["errno"] == "EACCES" and calls_of(rows, "client") == ""


# ---- failures

@pytest.mark.parametrize("name, transport, call, error", FAILURES, ids=FAILURE_NAMES)
def test_failure_shows_its_errno(tmp_path, name, transport, call, error):
    done = run(*fail_of(name, transport), "--format", "csv", cwd=tmp_path)
    assert [(row["call"], row["result"], row["errno"]) for row in rows_of(done.stdout)
            if row["errno"]] == [(call, "-1", error)]
    page = run(*fail_of(name, transport), cwd=tmp_path).stdout
    text = os.strerror(getattr(errno, error))
    assert f"= -1 {error} ({text})" in re.sub(r"\s+", " ", page)
    assert page.rpartition("\n\n")[2].startswith(f"{call} returned -1 and left {error}, ")


def test_every_failure_is_listed_and_tested(tmp_path):
    listed = set()
    for text in (run("calls", "--fail", "help", cwd=tmp_path).stdout,
                 run("calls", "--help", cwd=tmp_path).stdout):
        found = set()
        for name, where, error in re.findall(r"^  ([a-z-]+) +(tcp|udp|both) +(E\w+)", text, re.M):
            found |= {(name, transport, error) for transport in ("tcp", "udp")
                      if where in (transport, "both")}
        assert not listed or listed == found
        listed = found
        assert [line for line in text.splitlines() if len(line) > 100] == []
    assert listed == {(name, transport, error) for name, transport, _, error in FAILURES}


ROUTED = """
ip link set lo up && ip route add default dev lo &&
"$0" calls --fail connect-unreachable --format csv; echo "status $?"
ip -6 route add default dev lo && "$0" calls --fail connect-unreachable; echo "status $?"
"""


def in_namespace():
    """A prefix that makes a network namespace, or None."""
    for options in (["-n"], ["-rn"]):
        prefix = ["unshare", *options]
        try:
            done = subprocess.run([*prefix, "ip", "link"], capture_output=True, timeout=20)
        except FileNotFoundError:
            return None
        if done.returncode == 0:
            return prefix
    return None


@pytest.mark.skipif(in_namespace() is None, reason="no network namespaces here")
@pytest.mark.skipif(not has_ipv6(), reason="no IPv6")
def test_nothing_is_sent_where_everything_has_a_route(tmp_path):
    done = subprocess.run([*in_namespace(), "sh", "-c", ROUTED, PROGRAM], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    # IPv4 has a route, so that IPv6 is taken; then that has one, too.
    first, _, second = done.stdout.partition("status 0\n")
    connect = next(row for row in rows_of(first) if row["call"] == "connect")
    assert connect["errno"] == "ENETUNREACH" and "2001:db8::1" in connect["arguments"]
    assert second == "status 1\n"
    assert "nothing was sent" in done.stderr


# ---- usage

USAGE = [
    (["--transport", "sctp"], ["transport", "'sctp'", "tcp|udp"]),
    (["--fail", "bnd"], ["fail", "'bnd'", "bind"]),
    (["--fail", "everything"], ["fail", "'everything'", "--fail help"]),
    (["--fail", "recv-reset", "--transport", "udp"], ["fail", "'recv-reset'", "udp"]),
    (["--fail", "bind", "--read-write"], ["--fail", "--read-write"]),
    (["--fail"], ["--fail", "value"]),
    (["--udp-connect"], ["udp-connect", "udp"]),
    (["--read-write", "--transport", "udp"], ["read-write", "--udp-connect"]),
    (["--format", "xml"], ["format", "'xml'"]),
    (["--transprot", "udp"], ["'--transprot'", "--transport"]),
    (["now"], ["'now'"]),
]


@pytest.mark.parametrize("arguments, parts", USAGE, ids=[" ".join(row[0]) for row in USAGE])
def test_bad_usage(tmp_path, arguments, parts):
    assert fails(2, "calls", *arguments, cwd=tmp_path, parts=parts).stdout == ""


# ---- the page

def page_at(width, tmp_path):
    environment = {**os.environ, "COLUMNS": str(width)}
    done = subprocess.run([PROGRAM, "calls"], cwd=tmp_path, env=environment, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("width", (40, 60, 76, 80, 100))
def test_page_fits(tmp_path, width):
    lines = page_at(width, tmp_path)
    assert [line for line in lines if len(line) > width] == []
    text = " ".join(" ".join(lines).split())
    for call in ("listen(", "accept(", "connect(", "... accept = ", "recv = 0"):
        assert call in text
    assert any(re.match(r"server +client$", line) for line in lines) == (width >= 76)
    assert not any("\033" in line for line in lines)


def test_columns_are_in_order_of_time(tmp_path):
    lines = page_at(100, tmp_path)
    at = {call: next(i for i, line in enumerate(lines) if call in line)
          for call in ("accept(", "connect(", "... accept", "recv = 0")}
    assert at["accept("] < at["connect("] < at["recv = 0"]
    assert at["accept("] < at["... accept"] < at["recv = 0"]
    server, client = lines[at["accept("]], lines[at["connect("]]
    assert not server.startswith(" ") and client.startswith(" " * 51)


def on_terminal(tmp_path, **environment):
    """What a terminal of the standard width gets."""
    master, slave = os.openpty()
    with os.fdopen(master, "rb", buffering=0) as terminal:
        child = subprocess.Popen([PROGRAM, "calls", "--fail", "close"], cwd=tmp_path, stdout=slave,
                                 env={**os.environ, **environment})
        os.close(slave)
        text = b""
        try:
            while True:
                text += terminal.read(65536)
        except OSError:  # the other side of the terminal is closed
            pass
        assert child.wait(timeout=60) == 0
    return text.decode()


def test_colour_only_where_it_is_wanted(tmp_path):
    assert "\033[31m" in on_terminal(tmp_path, NO_COLOR="")
    assert "\033" not in on_terminal(tmp_path, NO_COLOR="1")


def test_output_that_nobody_reads(tmp_path):
    child = subprocess.Popen([PROGRAM, "calls"], cwd=tmp_path, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    child.stdout.close()
    error = child.stderr.read()
    child.stderr.close()
    assert child.wait(timeout=60) == -signal.SIGPIPE
    assert error == b""


@pytest.mark.parametrize("command", ('exec "$0" calls >&-', 'exec "$0" calls >/dev/full'))
def test_output_that_cannot_be_written(tmp_path, command):
    done = subprocess.run(["sh", "-c", command, PROGRAM], cwd=tmp_path, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("netversus calls: write to standard output: ")
    assert done.stderr.count("\n") == 1
