# SPDX-License-Identifier: MIT
# ctest: timeout=240
"""An emulated path that cannot be had, is mistyped, or dies: one clear line. And whatever happens,
nothing of it is left on the machine, where no privilege was needed for it in the first place."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from faults import (PATIENCE_S, adopt_orphans, assert_intact, assert_line, children, fails,
                    leave_nothing_behind, rows_on_disk, wait_for)
from support import PROGRAM, Process, Result, Serve, path_obstacle

__all__ = ["adopt_orphans", "leave_nothing_behind"]  # fixtures

with_paths = pytest.mark.skipif(bool(path_obstacle()), reason=f"no paths: {path_obstacle()}")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")

SHORT = ("--workload", "stream", "--rate", "1000/s", "--duration", "100ms", "--warmup", "20ms",
         "--cooldown", "10ms", "--drain", "100ms", "--no-warmup-round", "--reruns", "0", "--quiet")
LONG = ("run", *SHORT, "--blocks", "64", "--output", "out", "--path")
NOBODY = 65534


# ---- mistyped

PATHS = [
    ("moon", ["'moon'", "list paths"]),
    ("delya=1ms", ["'delya'", "'delay'"]),
    ("up.los=1%", ["'up.los'", "'loss'"]),
    ("delay=soon", ["delay", "'soon'", "20ms"]),
    ("delay=11s", ["delay", "'11s'", "10s"]),
    ("loss=101%", ["loss", "'101%'"]),
    ("loss=-1%", ["loss", "'-1%'"]),
    ("ge=1%", ["ge", "'1%'", "P:R"]),
    ("ge-time=1s", ["ge-time", "'1s'"]),
    ("ge=1%:10%,ge-time=1s:10ms", ["ge", "ge-time"]),
    ("rate=fast", ["rate", "'fast'", "Mbit/s"]),
    ("rate=5k/s", ["rate", "'5k/s'"]),
    ("queue=0", ["queue", "'0'"]),
    ("aqm=red", ["aqm", "'red'", "codel"]),
    ("drop=3+2", ["drop", "'3+2'", "ascending"]),
    ("outage=2s-1s", ["outage", "'2s-1s'"]),
    ("mtu=1279", ["mtu", "'1279'", "1280"]),
    ("mtu=9001", ["mtu", "'9001'", "9000"]),
    ("up.mtu=1400", ["'up.mtu'"]),
    ("left.delay=1ms", ["'left.delay'"]),
    ("reorder=1%", ["reorder-delay", "reorder-gap"]),
    ("dist=table", ["jitter-table"]),
    ("rate=1Mbit/s,trace=x,queue=64k", ["rate", "trace"]),
    ("wifi,wifi", ["'wifi'", "twice"]),
    ("delay=1ms,", ["path"]),
    ("", ["path"]),
]


@pytest.mark.parametrize("path, parts", PATHS, ids=[path for path, _ in PATHS])
def test_bad_path(tmp_path, path, parts):
    fails(2, "run", "--path", path, cwd=tmp_path, parts=["path", *parts])
    assert list(tmp_path.iterdir()) == []


# A scenario, the line that is wrong, what is said of it.
SECTIONS = [
    ("[path far]\ndelay = 3ms\ndelya = 3ms\n", 3, ["'delya'", "'delay'"]),
    ("path = far\n\n[path far]\ndelay = soon\n", 4, ["delay", "'soon'"]),
    ("[path far]\nlike = wfii\n", 2, ["'wfii'", "list paths"]),
    ("[path far]\nup.loss = 2\n", 2, ["loss", "'2'"]),
    ("[path far]\nmtu = 100\n", 2, ["mtu", "'100'"]),
    ("[path a,b]\ndelay = 1ms\n", 2, ["'[path a,b]'", "[path NAME]"]),
    ("[path ]\ndelay = 1ms\n", 2, ["'[path ]'"]),
    ("[app mine]\nsize = 64,1k\n", 2, ["size", "'64,1k'"]),
    ("[app mine]\npath = lan\n", 2, ["'path'", "app"]),
    ("[app mine]\nlike = rcp\n", 2, ["'rcp'", "'rpc'", "list apps"]),
    ("[app ]\nsize = 64\n", 2, ["'[app ]'", "[app NAME]"]),
    ("[campaign]\npath = far\n[path far]\nloss = 1%\nloss = most\n", 5, ["loss", "'most'"]),
]


@pytest.mark.parametrize("text, line, parts", SECTIONS)
def test_bad_section(tmp_path, text, line, parts):
    (tmp_path / "bad.ini").write_text(text, encoding="utf-8")
    fails(2, "run", "bad.ini", "--output", "out", cwd=tmp_path, parts=[f"bad.ini:{line}: ", *parts])
    assert not (tmp_path / "out").exists()


def test_path_with_a_server(tmp_path):
    """Between two hosts there is a real network already."""
    with Serve(cwd=tmp_path) as server:
        fails(2, "run", *SHORT, "--path", "delay=1ms", "--server", server.address, cwd=tmp_path,
              parts=["path", "--server"])
    assert list(tmp_path.iterdir()) == []


# ---- nothing is left

def links():
    return sorted(os.listdir("/sys/class/net"))


def named_namespaces():
    return sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else []


def networks(pids):
    return {os.readlink(f"/proc/{pid}/ns/net") for pid in pids}


def held_by(network):
    """Processes in this network namespace, or with a descriptor of it."""
    holders = set()
    for process in Path("/proc").glob("[0-9]*"):
        descriptors = lenient(lambda: list((process / "fd").iterdir()), [])
        for link in (process / "ns" / "net", *descriptors):
            if lenient(lambda: os.readlink(link), None) == network:
                holders.add(int(process.name))
    return holders


def lenient(what, otherwise):
    """Processes and descriptors go while they are looked at."""
    try:
        return what()
    except OSError:
        return otherwise


def command_of(pid):
    return lenient(lambda: Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip(), "")


def helpers(client):
    """The server and the forwarder of a run that goes on."""
    pids = {command_of(pid): pid for pid in children(client.pid)}
    program = Path(PROGRAM).name[:15]
    assert set(pids) == {program, "nv-forwarder"}, pids
    return pids[program], pids["nv-forwarder"]


def gone(pids):
    """Ended, whether or not somebody has asked for their status."""
    ours = children(os.getpid())
    return all(not os.path.exists(f"/proc/{pid}") or ours.get(pid) == "Z" for pid in pids)


ENDS = {
    "end": (None, 0),
    "interrupt": (signal.SIGINT, 130),
    "terminate": (signal.SIGTERM, 130),
    "kill": (signal.SIGKILL, -signal.SIGKILL),
}


@with_paths
@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_left(end, tmp_path):
    number, expected = ENDS[end]
    before = links(), named_namespaces()
    command = LONG if number else ("run", *SHORT, "--blocks", "2", "--output", "out", "--path")
    # A session of its own, so that Ctrl-C can go to all of it, as from a terminal.
    with Process(*command, "delay=5ms,loss=1%", cwd=tmp_path, prefix=("setsid",)) as client:
        wait_for(lambda: rows_on_disk(tmp_path / "out") >= 1)
        server, forwarder = helpers(client)
        own = networks((client.pid, server, forwarder))
        assert len(own) == 2 and os.readlink("/proc/self/ns/net") not in own
        assert all(held_by(network) for network in own)
        wait_for(lambda: (links(), named_namespaces()) == before, 5)  # nothing is seen from here
        if number == signal.SIGINT:
            os.killpg(client.pid, number)
        elif number:
            time.sleep(0.05)  # not between two runs
            client.signal(number)
        status, _out, err = client.finish(PATIENCE_S)
    assert status == expected, err
    wait_for(lambda: gone((server, forwarder)), 5)
    wait_for(lambda: not any(held_by(network) for network in own), 5)
    wait_for(lambda: (links(), named_namespaces()) == before, 5)
    if number in (signal.SIGINT, signal.SIGTERM):
        assert_line(err, "interrupted")
    assert_intact(tmp_path / "out")


@with_paths
def test_server_killed(tmp_path):
    with Process(*LONG, "delay=5ms", cwd=tmp_path) as client:
        wait_for(lambda: rows_on_disk(tmp_path / "out") >= 2)
        server, _forwarder = helpers(client)
        time.sleep(0.05)
        os.kill(server, signal.SIGKILL)
        status, _out, err = client.finish(PATIENCE_S)
    assert status == 3, err
    assert_line(err, "netversus run: c001 block ", "server")
    assert len(assert_intact(tmp_path / "out")) >= 2


@with_paths
def test_forwarder_killed_in_a_run(tmp_path):
    """The server cannot be heard any more: that is not waited for."""
    with Process(*LONG, "delay=5ms", "--duration", "10s", cwd=tmp_path) as client:
        wait_for(lambda: (tmp_path / "out" / "campaign.json").exists())
        time.sleep(1.5)
        _server, forwarder = helpers(client)
        started = time.monotonic()
        os.kill(forwarder, signal.SIGKILL)
        status, _out, err = client.finish(PATIENCE_S)
        assert time.monotonic() - started < 5
    assert status == 3, err
    assert_line(err, "netversus run: ", "forwards packets")


@with_paths
def test_forwarder_killed(tmp_path):
    """In the pause after the first run, which is kept."""
    arguments = (*LONG, "delay=5ms", "--transport", "udp", "--settle", "3s")
    with Process(*arguments, cwd=tmp_path) as client:
        wait_for(lambda: (tmp_path / "out" / "campaign.json").exists())
        time.sleep(1.5)
        _server, forwarder = helpers(client)
        os.kill(forwarder, signal.SIGKILL)
        status, _out, err = client.finish(PATIENCE_S)
    assert status in (1, 3), err
    assert_line(err, "netversus run: ", "forwards packets")
    assert len(assert_intact(tmp_path / "out")) == 1


# ---- with few rights

def refused(*prefix, parts, cwd, path="delay=5ms", program=PROGRAM):
    """A run that cannot have its path: one line, before there is a result of any kind."""
    command = [*prefix, program, "run", *SHORT, "--path", path, "--output", "out"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S,
                          stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert_line(done.stderr, *parts)
    assert not (cwd / "out").exists()


# As nobody, in a place of its own: a device of this mode, the program, a directory to write to.
PLACE = """set -e
mount -t tmpfs -o mode=0755 tmpfs "$PLACE"
mknod -m "$MODE" "$PLACE/tun" c 10 200
mount --bind "$PLACE/tun" /dev/net/tun
cp "$PROGRAM" "$PLACE/netversus"
mkdir "$PLACE/results"
mount --bind "$RESULTS" "$PLACE/results"
cd "$PLACE/results"
exec setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups "$@"
"""


@pytest.fixture(name="as_nobody")
def fixture_as_nobody(tmp_path):
    """as_nobody(mode, command...) runs it with /dev/net/tun of this mode; results are .results."""
    place = tempfile.mkdtemp(prefix="nv-path-")
    results = tmp_path / "results"
    results.mkdir()
    os.chown(results, NOBODY, NOBODY)

    def run_it(mode, *command):
        environment = {**os.environ, "PLACE": place, "MODE": mode, "PROGRAM": str(PROGRAM),
                       "RESULTS": str(results), "NOBODY": str(NOBODY)}
        return subprocess.run(("unshare", "--mount", "--propagation", "private", "sh", "-c", PLACE,
                               "sh", *command), env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE_S, check=False)

    run_it.program = f"{place}/netversus"
    run_it.results = results
    try:
        possible = run_it("0666", "unshare", "--user", "--net", "true")
        if possible.returncode:
            pytest.skip(f"nobody cannot be given a device here: {possible.stderr.strip()}")
        yield run_it
    finally:
        os.rmdir(place)


@with_paths
@as_root
def test_ordinary_user(as_nobody):
    """Nothing of it needs root where the device may be opened."""
    done = as_nobody("0666", as_nobody.program, "run", *SHORT, "--warmup", "0", "--cooldown", "0",
                     "--path", "delay=5ms,loss=5%", "--blocks", "1", "--output", "out")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert len(assert_intact(as_nobody.results / "out")) == 2
    assert (as_nobody.results / "out" / "runs.csv").stat().st_uid == NOBODY
    (udp,) = Result(as_nobody.results / "out").where(transport="udp")
    assert int(udp["emu_up_in_count"]) == int(udp["sent_count"])
    assert int(udp["emu_up_drop_loss_count"]) == int(udp["lost_count"])
    assert int(udp["resp_p50_ns"]) > 5 * 10 ** 6


@with_paths
@as_root
def test_device_that_may_not_be_opened(as_nobody):
    run_it = (as_nobody.program, "run", *SHORT, "--blocks", "1", "--output", "out", "--path")
    done = as_nobody("0600", *run_it, "none;delay=5ms")
    assert done.returncode == 1 and done.stdout == ""
    assert_line(done.stderr, "/dev/net/tun", "Permission denied", "chmod 0666")
    assert list(as_nobody.results.iterdir()) == []
    assert as_nobody("0600", *run_it, "none").returncode == 0  # which needs none


@as_root
def test_no_device(tmp_path):
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c",
              'mount -t tmpfs tmpfs /dev/net && exec "$@"', "sh")
    possible = subprocess.run((*prefix, "true"), capture_output=True, text=True, check=False)
    if possible.returncode:
        pytest.skip(f"/dev/net cannot be hidden here: {possible.stderr.strip()}")
    refused(*prefix, cwd=tmp_path,
            parts=["/dev/net/tun", "No such file", "mknod", "--device /dev/net/tun"])


@with_paths
def test_without_user_namespaces(tmp_path):
    """In a user namespace in which there may be no other, as somebody who is not root there."""
    prefix = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "sh", "-c",
              "echo 0 >/proc/sys/user/max_user_namespaces && "
              'exec setpriv --inh-caps=-all --ambient-caps=-all "$@"', "sh")
    possible = subprocess.run((*prefix, "sh", "-c", "! unshare --user true"), capture_output=True,
                              text=True, check=False)
    if possible.returncode:
        pytest.skip(f"user namespaces cannot be forbidden here: {possible.stderr.strip()}")
    refused(*prefix, cwd=tmp_path, parts=["user namespaces", "max_user_namespaces"])


@with_paths
@as_root
def test_root_without_the_right(tmp_path):
    """As in a container that was given the device alone: a user namespace does as well."""
    if not shutil.which("setpriv"):
        pytest.skip("no setpriv command (util-linux)")
    done = subprocess.run(("setpriv", "--inh-caps", "-sys_admin", "--bounding-set", "-sys_admin",
                           PROGRAM, "run", *SHORT, "--path", "delay=5ms", "--output", "out"),
                          cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S,
                          check=False)
    assert done.returncode == 0, done.stderr
