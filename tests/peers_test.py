# SPDX-License-Identifier: MIT
# ctest: timeout=600
"""Ports that are taken, nobody there, somebody else there: one clear line and the right status."""

import signal
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from faults import (LONG, ONE, PATIENCE_S, adopt_orphans, assert_line, fails, leave_nothing_behind,
                    rows_on_disk, wait_for)
from support import Process, Result, Serve, free_ports, run

__all__ = ["adopt_orphans", "leave_nothing_behind"]  # fixtures


# ---- ports

@contextmanager
def bound(port, kind):
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        yield


@pytest.mark.parametrize("offset, kind, leg", [(0, socket.SOCK_STREAM, "tcp"),
                                               (1, socket.SOCK_STREAM, "tcp"),
                                               (1, socket.SOCK_DGRAM, "udp")])
def test_port_in_use(tmp_path, offset, kind, leg):
    port = free_ports()
    with bound(port + offset, kind):
        fails(1, "serve", "--port", port, cwd=tmp_path,
              parts=[f"127.0.0.1:{port + offset}/{leg}", "Address already in use"])


def test_two_servers_on_one_port(tmp_path):
    with Serve(cwd=tmp_path) as server:
        port = server.address.rsplit(":", 1)[1]
        fails(1, "serve", "--port", port, cwd=tmp_path,
              parts=[f"127.0.0.1:{port}/tcp", "Address already in use"])


def test_nobody_listens(tmp_path):
    port = free_ports()
    fails(3, "run", *ONE, "--server", f"127.0.0.1:{port}", cwd=tmp_path,
          parts=[f"127.0.0.1:{port}/tcp", "connect", "refused"])


@contextmanager
def deaf_address():
    """A full backlog drops what would connect, as an address that nobody has does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        for filler in fillers:
            filler.close()


def test_host_does_not_answer(tmp_path):
    with deaf_address() as address:
        fails(3, "run", *ONE, "--server", address, cwd=tmp_path, parts=[f"{address}/tcp"],
              timeout=30)


def test_interrupted_while_connecting(tmp_path):
    with deaf_address() as address, \
            Process("run", *ONE, "--server", address, "--output", "out", cwd=tmp_path) as client:
        time.sleep(0.5)
        client.signal(signal.SIGINT)
        status, _out, err = client.finish(PATIENCE_S)
    assert status == 130
    assert_line(err, "interrupted")


def test_unknown_host(tmp_path):
    fails(3, "run", *ONE, "--server", "nobody.invalid", cwd=tmp_path, parts=["nobody.invalid"])


def test_wide_open_only_when_asked(tmp_path):
    fails(2, "serve", "--port", 0, "--bind", "0.0.0.0", cwd=tmp_path, parts=["--open", "0.0.0.0"])
    fails(2, "serve", "--port", 0, "--bind", "::", cwd=tmp_path, parts=["--open"])
    with Serve("--bind", "0.0.0.0", "--open", cwd=tmp_path) as server:
        port = server.address.rsplit(":", 1)[1]
        run("run", *ONE, "--server", f"127.0.0.1:{port}", "--output", "out", cwd=tmp_path)


# ---- wrong peers

def banner(connection):
    connection.sendall(b"220 mail.example ESMTP ready\r\n")
    connection.recv(65536)


def http(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def frame(body):
    return len(body).to_bytes(4, "big") + body


def other_tool(connection):
    connection.sendall(frame(b'{"type":"hello","magic":"other","protocol":1,"version":"9",'
                             b'"boot_id":""}'))
    connection.recv(65536)


def other_protocol(connection):
    connection.sendall(frame(b'{"type":"hello","magic":"netversus","protocol":60000,'
                             b'"version":"99.0","boot_id":""}'))
    connection.recv(65536)


def no_object(connection):
    connection.sendall(frame(b"[1,2]"))
    connection.recv(65536)


def endless(connection):
    connection.sendall(b"\xff\xff\xff\xff" + bytes(1000))
    connection.recv(65536)


def hangs_up(connection):
    connection.recv(1)


def silent(connection):
    while connection.recv(65536):
        pass


# what listens instead of a server, what the one line says of it
WRONG_PEERS = [(banner, "220 mail.example ESMTP"), (http, "HTTP/1.1 400"), (echo, "out of turn"),
               (other_tool, "'other'"), (other_protocol, "99.0"), (no_object, "not a netversus"),
               (endless, "not a netversus"), (hangs_up, "connection"), (silent, "silent")]


@contextmanager
def impostor(talk):
    """Answers one connection after the other in talk(); gives the address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                with listener.accept()[0] as connection:
                    talk(connection)
            except ConnectionError:
                pass
            except OSError:
                return  # closed below

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("talk, says", WRONG_PEERS, ids=[talk.__name__ for talk, _ in WRONG_PEERS])
def test_wrong_peer(tmp_path, talk, says):
    with impostor(talk) as address:
        started = time.monotonic()
        fails(3, "run", *ONE, "--server", address, cwd=tmp_path, parts=[says])
        assert time.monotonic() - started < PATIENCE_S / 2


STRANGERS = {
    "http": b"GET / HTTP/1.1\r\nHost: example\r\n\r\n",
    "zeros": bytes(4096),
    "noise": bytes(range(256)) * 16,
    "huge length": b"\x7f\xff\xff\xff{}",
    "half a frame": frame(b'{"type":"hello"}')[:-4],
    "no fields": frame(b'{"type":"hello"}'),
    "deep": frame(b"[" * 4000 + b"]" * 4000),
    "out of turn": frame(b'{"type":"start","t0_ns":1,"lead_ns":0}'),
    "nothing": b"",
}


@pytest.mark.parametrize("said", STRANGERS.values(), ids=STRANGERS.keys())
def test_stranger_at_the_control_port(tmp_path, said):
    with Serve(cwd=tmp_path) as server:
        host, port = server.address.split(":")
        with socket.create_connection((host, int(port))) as stranger:
            stranger.sendall(said)
            stranger.shutdown(socket.SHUT_WR)
            stranger.settimeout(PATIENCE_S)
            while stranger.recv(65536):
                pass
        run("run", *ONE, "--server", server.address, "--output", "out", cwd=tmp_path)


def test_silent_stranger_is_given_up(tmp_path):
    with Serve(cwd=tmp_path) as server:
        host, port = server.address.split(":")
        with socket.create_connection((host, int(port))) as stranger:
            name = "{}:{}".format(*stranger.getsockname())
            assert stranger.recv(65536)  # its hello
            fails(3, "run", *ONE, "--server", server.address, cwd=tmp_path,
                  parts=["busy with " + name])
            stranger.settimeout(PATIENCE_S)
            while stranger.recv(65536):
                pass
            run("run", *ONE, "--server", server.address, "--output", "out", cwd=tmp_path)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", bytes(40), bytes(4000)],
                         ids=["nothing", "http", "header of zeros", "zeros"])
def test_strangers_at_the_data_port(tmp_path, transport, said):
    with Serve(cwd=tmp_path) as server:
        host, port = server.address.split(":")
        data = host, int(port) + 1
        with socket.create_connection(data) as first, socket.create_connection(data) as second, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            for stranger in (first, second):
                stranger.sendall(said)
            for _ in range(20):
                datagrams.sendto(said, data)
            run("run", *ONE, "--transport", transport, "--server", server.address,
                "--output", "out", cwd=tmp_path)
    (row,) = Result(tmp_path / "out").runs
    assert int(row["rx_unique_count"]) > 0 and int(row["rx_stray_count"]) == 0


def test_second_client_is_told_who_is_served(tmp_path):
    with Serve(cwd=tmp_path) as server, \
            Process("run", *LONG, "--server", server.address, "--output", "first",
                    cwd=tmp_path) as first:
        wait_for(lambda: rows_on_disk(tmp_path / "first") >= 1)
        fails(3, "run", *ONE, "--server", server.address, "--output", "second", cwd=tmp_path,
              parts=["busy with 127.0.0.1:", " s now"])
        seen = rows_on_disk(tmp_path / "first")
        wait_for(lambda: rows_on_disk(tmp_path / "first") > seen)  # undisturbed
        first.signal(signal.SIGINT)
        assert first.finish(PATIENCE_S)[0] == 130
        # The directory of the one who was turned away holds nothing, and can be used.
        run("run", *ONE, "--server", server.address, "--output", "second", cwd=tmp_path)


# what is asked for, what the client says of it
EXCESSES = [
    (["--duration", "2s"], ["runs of at most 1000 ms", "--max-duration"]),
    (["--rate", "6000/s"], ["at most 5000 messages a second", "--max-rate"]),
    (["--rate", "max"], ["--max-rate", "not rate max"]),
    (["--size", "1001"], ["at most 1000 bytes", "--max-size"]),
    (["--flows", "3"], ["at most 2 flows", "--max-flows"]),
]


def test_limits_of_the_server(tmp_path):
    limits = ["--max-duration", "1s", "--max-rate", 5000, "--max-size", 1000, "--max-flows", 2]
    with Serve(*limits, cwd=tmp_path) as server:
        for excess, parts in EXCESSES:
            fails(3, "run", *ONE, *excess, "--server", server.address, "--output", "out",
                  cwd=tmp_path, parts=["the server: ", *parts])
            assert not (tmp_path / "out").exists()
        run("run", *ONE, "--flows", "2", "--server", server.address, "--output", "out",
            cwd=tmp_path)


def test_memory_limit_of_the_server(tmp_path):
    with Serve("--max-memory", "40M", cwd=tmp_path) as server:
        fails(3, "run", *ONE, "--flows", "16", "--server", server.address, "--output", "out",
              cwd=tmp_path, parts=["the server: ", "at most 40.0 MB", "--max-memory"])
        run("run", *ONE, "--flows", "3", "--messages", "1M", "--server", server.address,
            "--output", "out", cwd=tmp_path)


def test_own_server_has_no_limits(tmp_path):
    """Those are an operator's, who allows runs of an hour at most if nothing else is said."""
    with Process("run", "--transport", "tcp", "--duration", "90m", "--rate", "100/s",
                 "--no-warmup-round", "--output", "out", cwd=tmp_path) as client:
        wait_for(lambda: (tmp_path / "out" / "campaign.json").exists())
        time.sleep(2)
        client.signal(signal.SIGINT)
        status, _out, err = client.finish(PATIENCE_S)
    assert status == 130, err
    assert_line(err, "interrupted")
