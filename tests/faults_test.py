# SPDX-License-Identifier: MIT
# ctest: timeout=600
"""An end that dies, an interrupt, a full disk: one clear line, the right exit status, and nothing
lost of what was finished."""

import os
import resource
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest

from faults import (LONG, ONE, PATIENCE_S, adopt_orphans, assert_intact, assert_line, children,
                    fails, leave_nothing_behind, paired_blocks, rows_on_disk, wait_for)
from support import PROGRAM, SANITIZED, Process, Result, Serve, run

__all__ = ["adopt_orphans", "leave_nothing_behind"]  # fixtures


# ---- the server dies

@pytest.mark.parametrize("transport", ["tcp,udp", "tcp", "udp"])
@pytest.mark.parametrize("engine", ["poll", "blocking", "uv"])
def test_server_killed(tmp_path, transport, engine):
    with Serve(cwd=tmp_path) as server, \
            Process("run", *LONG, "--server", server.address, "--transport", transport,
                    "--engine", engine, "--output", "out", cwd=tmp_path) as client:
        wait_for(lambda: rows_on_disk(tmp_path / "out") >= 4)
        time.sleep(0.06)  # not between two runs
        server.signal(signal.SIGKILL)
        server.child.wait()
        status, out, err = client.finish(PATIENCE_S)
    assert status == 3, err
    assert_line(err, "netversus run: c001 block ")
    assert len(assert_intact(tmp_path / "out")) >= 4
    # What was finished is compared and shown.
    assert "stream" in out
    assert bool(Result(tmp_path / "out").comparisons) == ("," in transport)


def test_own_server_killed(tmp_path):
    with Process("run", *LONG, "--output", "out", cwd=tmp_path) as client:
        wait_for(lambda: rows_on_disk(tmp_path / "out") >= 4)
        (server,) = children(client.pid)
        os.kill(server, signal.SIGKILL)
        status, _out, err = client.finish(PATIENCE_S)
    assert status == 3, err
    assert_line(err, "netversus run: c001 block ")
    assert len(assert_intact(tmp_path / "out")) >= 4


def test_server_stopped_politely(tmp_path):
    with Serve(cwd=tmp_path) as server, \
            Process("run", *LONG, "--server", server.address, "--output", "out",
                    cwd=tmp_path) as client:
        wait_for(lambda: rows_on_disk(tmp_path / "out") >= 2)
        server.signal(signal.SIGTERM)
        assert server.finish(PATIENCE_S)[0] == 0
        status, _out, err = client.finish(PATIENCE_S)
    assert status == 3, err
    assert_line(err, "netversus run: c001 block ")
    assert_intact(tmp_path / "out")


# ---- the client dies

@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_client_killed(tmp_path, transport):
    with Serve(cwd=tmp_path) as server:
        for turn in range(2):
            with Process("run", *LONG, "--server", server.address, "--transport", transport,
                         "--output", f"killed{turn}", cwd=tmp_path) as client:
                wait_for(lambda: rows_on_disk(tmp_path / f"killed{turn}") >= 2)
                client.signal(signal.SIGKILL)
                client.child.wait()
            run("run", *ONE, "--server", server.address, "--output", f"next{turn}", cwd=tmp_path)
            assert_intact(tmp_path / f"next{turn}")
            assert_intact(tmp_path / f"killed{turn}")
            assert not Result(tmp_path / f"killed{turn}").manifest["complete"]
        assert server.child.poll() is None
        server.signal(signal.SIGTERM)
        status, _out, err = server.finish(PATIENCE_S)
    assert status == 0
    assert err.count("\n") <= 2  # at most one line for each client that went away


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_server_outlives_its_run(tmp_path, number):
    with Process("run", *LONG, "--output", "out", cwd=tmp_path) as client:
        wait_for(lambda: rows_on_disk(tmp_path / "out") >= 1)
        (server,) = children(client.pid)
        client.signal(number)
        client.child.wait(PATIENCE_S)
    wait_for(lambda: children(os.getpid()).get(server, "Z") == "Z", 5)


# ---- interrupted

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("engine", ["poll", "blocking", "uv"])
def test_interrupted(tmp_path, number, engine):
    with Process("run", *LONG, "--engine", engine, "--output", "out", cwd=tmp_path) as client:
        wait_for(lambda: rows_on_disk(tmp_path / "out") >= 6)
        time.sleep(0.06)
        started = time.monotonic()
        client.signal(number)
        status, out, err = client.finish(PATIENCE_S)
        assert time.monotonic() - started < (20 if SANITIZED else 3)
    assert status == 130, err
    assert_line(err, "interrupted")
    finished = assert_intact(tmp_path / "out")
    assert len(finished) >= 6
    blocks = len(paired_blocks(tmp_path / "out"))
    comparisons = Result(tmp_path / "out").comparisons
    assert comparisons and {row["blocks_count"] for row in comparisons} <= {str(blocks), "0"}
    assert "stream" in out and "TCP" in out and "UDP" in out


UNFINISHED = ["--workload", "stream", "--duration", "30s", "--no-warmup-round"]


def test_interrupted_before_anything_is_finished(tmp_path):
    with Process("run", *UNFINISHED, "--output", "out", cwd=tmp_path) as client:
        wait_for(lambda: (tmp_path / "out" / "campaign.json").exists())
        time.sleep(0.3)
        client.signal(signal.SIGINT)
        status, out, err = client.finish(PATIENCE_S)
    assert status == 130, err
    assert_line(err, "interrupted")
    assert out == ""
    assert list(tmp_path.iterdir()) == []  # nothing to keep, nothing kept


def test_killed_before_anything_is_finished(tmp_path):
    with Process("run", *UNFINISHED, "--output", "out", cwd=tmp_path) as client:
        wait_for(lambda: (tmp_path / "out" / "campaign.json").exists())
        client.signal(signal.SIGKILL)
        client.child.wait(PATIENCE_S)
    assert (tmp_path / "out" / "runs.csv").exists()
    run("run", *ONE, "--output", "out", cwd=tmp_path)
    assert len(assert_intact(tmp_path / "out")) == 2


@pytest.mark.parametrize("delay_ms", [0, 2, 5, 10, 20, 40, 80, 160, 320])
def test_interrupted_while_starting(tmp_path, delay_ms):
    """From the moment that its server is there, whether or not that is heard of yet."""
    with Process("run", *LONG, "--output", "out", cwd=tmp_path) as client:
        wait_for(lambda: children(client.pid))
        time.sleep(delay_ms / 1000)
        client.signal(signal.SIGINT)
        status, _out, err = client.finish(PATIENCE_S)
    assert status == 130, err
    assert_line(err, "interrupted")
    if (tmp_path / "out").exists():
        assert_intact(tmp_path / "out")


def test_interrupted_in_the_pause_after_the_last_run(tmp_path):
    """What was finished is kept, and a shell's loop must hear of the interrupt all the same."""
    with Process("run", *ONE, "--transport", "tcp", "--settle", "60s", "--output", "out",
                 cwd=tmp_path) as client:
        wait_for(lambda: (tmp_path / "out" / "campaign.json").exists())
        time.sleep(3 if SANITIZED else 1)
        client.signal(signal.SIGINT)
        status, out, err = client.finish(PATIENCE_S)
    assert status == 130, err
    assert_line(err, "interrupted")
    assert len(assert_intact(tmp_path / "out")) == 1
    assert "stream" in out


@pytest.mark.parametrize("times", [1, 2])
def test_interrupted_with_a_server_that_hangs(tmp_path, times):
    """The first interrupt waits for its end, not for ever; the second one does not wait at all."""
    with Process("run", *LONG, "--output", "out", cwd=tmp_path) as client:
        wait_for(lambda: rows_on_disk(tmp_path / "out") >= 2)
        (server,) = children(client.pid)
        os.kill(server, signal.SIGSTOP)
        for _ in range(times):
            client.signal(signal.SIGINT)
            time.sleep(0.5)
        status = client.child.wait(1 if times == 2 else PATIENCE_S)
        if times == 2:
            os.kill(server, signal.SIGCONT)
    assert status == (130 if times == 1 else -signal.SIGINT)
    assert len(assert_intact(tmp_path / "out")) >= 2


def test_interrupted_server(tmp_path):
    with Serve(cwd=tmp_path) as server:
        server.signal(signal.SIGINT)
        status, _out, err = server.finish(PATIENCE_S)
    assert (status, err) == (0, "")


# ---- results that cannot be kept

def test_directory_that_holds_results(tmp_path):
    run("run", *ONE, "--output", "out", cwd=tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    fails(2, "run", *ONE, "--output", "out", cwd=tmp_path, parts=["out", "holds results"])
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_directory_in_use(tmp_path):
    with Process("run", *UNFINISHED, "--output", "out", cwd=tmp_path) as client:
        wait_for(lambda: (tmp_path / "out" / "campaign.json").exists())
        before = (tmp_path / "out" / "campaign.json").read_bytes()
        fails(2, "run", *ONE, "--output", "out", cwd=tmp_path, parts=["out", "in use"])
        assert (tmp_path / "out" / "campaign.json").read_bytes() == before
        client.signal(signal.SIGINT)
        client.finish(PATIENCE_S)


def test_directories_of_one_second(tmp_path):
    """Named by us, they never collide; latest is the newest in which there is something."""
    for _ in range(3):
        run("run", *ONE, "--transport", "tcp", cwd=tmp_path)
    results = tmp_path / "results"
    names = {path.name for path in results.iterdir()} - {"latest"}
    assert len(names) == 3
    latest = os.readlink(results / "latest")
    with Process("run", *UNFINISHED, cwd=tmp_path) as client:
        wait_for(lambda: len(list(results.iterdir())) == 5)
        assert os.readlink(results / "latest") == latest
        client.signal(signal.SIGINT)
        client.finish(PATIENCE_S)
    assert {path.name for path in results.iterdir()} == names | {"latest"}
    assert len(assert_intact(results / "latest")) == 1


def test_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    fails(1, "run", *ONE, "--output", "file", cwd=tmp_path, parts=["file"])
    fails(1, "run", *ONE, "--output", "file/out", cwd=tmp_path, parts=["file/out"])


def test_device_without_room(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "hist.csv").symlink_to("/dev/full")
    fails(1, "run", *ONE, "--output", "out", cwd=tmp_path,
          parts=["out/hist.csv", "No space left on device"])


def assert_kept_until_full(directory, status, out, err, reason):
    """Finished runs are whole in every file, compared on the screen, and the reason is told."""
    assert status == 1, err
    assert_line(err, reason, str(directory.name))
    finished = assert_intact(directory)
    assert len(finished) >= 2
    assert "stream" in out


def test_file_that_may_not_grow(tmp_path):
    """A limit on the size of files needs no rights, and ends a write in the middle of a row."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    done = subprocess.run([PROGRAM, "run", *LONG, "--output", "out"], cwd=tmp_path, text=True,
                          capture_output=True, timeout=PATIENCE_S, preexec_fn=limit, check=False)
    assert_kept_until_full(tmp_path / "out", done.returncode, done.stdout, done.stderr,
                           "File too large")


@contextmanager
def small_disk(where, size):
    where.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", where],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {done.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", where], check=True)


def test_full_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    with small_disk(tmp_path / "disk", "192k") as disk:
        with Process("run", *LONG, "--output", "disk/out", cwd=tmp_path) as client:
            status, out, err = client.finish(PATIENCE_S)
        assert_kept_until_full(disk / "out", status, out, err, "No space left on device")


def test_disk_full_from_the_start(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    with small_disk(tmp_path / "disk", "8k") as disk:
        fails(1, "run", *ONE, "--output", disk / "out", cwd=tmp_path,
              parts=["disk/out", "No space left on device"])


def test_output_that_nobody_reads(tmp_path):
    """Standard output on a full device: the results on disk are whole, the status is not 0."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([PROGRAM, "run", *ONE, "--format", "csv", "--output", "out"],
                              cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert_line(done.stderr, "standard output")
