# SPDX-License-Identifier: MIT
"""A network namespace for the run: its ports and routes are ours alone."""

import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from pair import fail
from tools import HOST

# Some tools look names up in a way that finds none where 127.0.0.1 is the only address. (RFC 2544
# sets this one aside for benchmarks.)
EXTRA_ADDRESS = "198.18.0.1/32"


def enter(arguments):
    """Becomes this program in a new namespace, as root or through a user namespace; returns when
    neither works, having said so."""
    command = ["unshare", "--net"]
    if os.geteuid():
        command += ["--user", "--map-root-user"]
    if shutil.which("unshare") and shutil.which("ip"):
        done = subprocess.run([*command, "true"], capture_output=True, text=True, timeout=20,
                              check=False)
        if not done.returncode:
            os.execvp("unshare", [*command, "--", sys.executable, "-B", *arguments])
        reason = done.stderr.strip()
    else:
        reason = "no unshare, or no ip (util-linux, iproute2)"
    print(f"run: no network namespace ({reason}): all share the system's congestion control",
          file=sys.stderr)


def prepare(congestion_control):
    """Sets loopback up and gives what goes over it the congestion control, by its route: so no tool
    needs an option for it. Returns it as a connection has it."""
    local = (f"route replace local {HOST} dev lo table local proto kernel scope host src {HOST} "
             f"congctl {congestion_control}")
    for words in ("link set lo up", f"address add {EXTRA_ADDRESS} dev lo", local):
        done = subprocess.run(["ip", *words.split()], capture_output=True, text=True, timeout=20,
                              check=False)
        if done.returncode:
            fail(f"ip {words}: {done.stderr.strip()}")
    granted = usual()
    if granted != congestion_control:
        fail(f"--cc: asked for {congestion_control}, connections have {granted}")
    return granted


def usual():
    """The congestion control that a connection over loopback gets without asking."""
    with socket.create_server((HOST, 0)) as server, \
            socket.create_connection(server.getsockname()) as client:
        name = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    return name.rstrip(b"\0").decode("ascii")


def machine():
    """Processor, number of cores, kernel and distribution."""
    cpu = [line.partition(":")[2].strip() for line in
           Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
           if line.startswith("model name")]
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "") if hasattr(
        platform, "freedesktop_os_release") else ""
    parts = [f"{os.cpu_count()} cores", cpu[0] if cpu else platform.machine(),
             f"Linux {platform.release()}", system]
    return ", ".join(part for part in parts if part)
