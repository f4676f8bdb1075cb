# SPDX-License-Identifier: MIT
# ctest: timeout=120
"""Server and client in two network namespaces, joined by a veth pair: not loopback, and every
number must be as consistent. Needs the right to make namespaces (root)."""

import os
import shutil
import subprocess
import time

import pytest

from consistency import check_result
from inference import check_manifest, check_statistics
from support import Serve, campaign

ADDRESSES = {4: ("10.77.0.1", "10.77.0.2"), 6: ("fd77::1", "fd77::2")}
RUN = ("--transport", "tcp,udp", "--size", "64,1400,9k", "--rate", "2000/s", "--duration", "150ms",
       "--warmup", "30ms", "--cooldown", "10ms", "--settle", "1ms", "--blocks", "2",
       "--no-warmup-round", "--reruns", "0")


def ip(*arguments):
    return subprocess.run(("ip", *arguments), capture_output=True, text=True, timeout=20)


def make_namespaces(near, far):
    """Why it cannot be done, or "". Names of interfaces are the namespaces' own."""
    for namespace in (near, far):
        done = ip("netns", "add", namespace)
        if done.returncode:
            return done.stderr.strip()
    steps = [("link", "add", "nv0", "netns", near, "type", "veth", "peer", "name", "nv0", "netns",
              far)]
    for index, namespace in enumerate((near, far)):
        steps += [("-n", namespace, "link", "set", link, "up") for link in ("lo", "nv0")]
        steps += [("-n", namespace, "addr", "add", f"{ADDRESSES[4][index]}/24", "dev", "nv0"),
                  ("-n", namespace, "addr", "add", f"{ADDRESSES[6][index]}/64", "dev", "nv0",
                   "nodad")]
    for step in steps:
        done = ip(*step)
        if done.returncode and "nodad" not in step:
            return f"ip {' '.join(step)}: {done.stderr.strip()}"
    return ""


@pytest.fixture(scope="module")
def namespaces():
    if not shutil.which("ip"):
        pytest.skip("no ip command (iproute2)")
    names = tuple(f"nv-{end}-{os.getpid()}-{time.monotonic_ns() % 1000000}" for end in ("a", "b"))
    try:
        obstacle = make_namespaces(*names)
        if obstacle:
            pytest.skip(f"network namespaces cannot be made here: {obstacle}")
        yield names
    finally:
        for name in names:
            ip("netns", "del", name)


def within(namespace):
    return ("ip", "netns", "exec", namespace)


def has_address(namespace, address):
    return address in ip("-n", namespace, "addr", "show", "dev", "nv0").stdout


@pytest.mark.parametrize("version", (4, 6))
@pytest.mark.parametrize("workload,rows", (("rr", 2), ("stream", 2), ("both", 4)))
def test_between_namespaces(version, workload, rows, namespaces, tmp_path):
    near, far = namespaces
    address = ADDRESSES[version][1]
    if not has_address(far, address):
        pytest.skip(f"no IPv{version} here")
    what = ("--workload", "stream", "--direction", "both") if workload == "both" else \
        ("--workload", workload)
    with Serve("--bind", address, "--open", cwd=tmp_path, prefix=within(far)) as server:
        result = campaign("--server", server.address, *what, *RUN, cwd=tmp_path, timeout=60,
                          prefix=within(near))
    assert len(result.runs) == 3 * 2 * rows
    check_result(result)
    check_statistics(result)
    check_manifest(result, cells=3, blocks=2)
    assert {row["mtu_bytes"] for row in result.where(transport="udp")} == {"1500"}


@pytest.mark.parametrize("engine", ("poll", "blocking", "uv"))
def test_flows_between_namespaces(engine, namespaces, tmp_path):
    near, far = namespaces
    with Serve("--bind", ADDRESSES[4][1], "--open", cwd=tmp_path, prefix=within(far)) as server:
        result = campaign("--server", server.address, "--workload", "rr,stream", *RUN, "--size", "64",
                          "--flows", "4", "--rate", "500/s", "--engine", engine, "--verify",
                          cwd=tmp_path, prefix=within(near))
    assert len(result.runs) == 2 * 2 * 2 * 5
    check_result(result)
