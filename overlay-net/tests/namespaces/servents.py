"""Servents in network namespaces: see the file run beside this."""

import hashlib
import base64
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

MODE, PROGRAM = sys.argv[1:3]
SIZE = (24 if MODE == "quick" else 100) << 20
SERVENTS = 20
ULTRAPEERS = range(1, 5)
SOURCES = [8, 12, 16]
NAME = "white noise.bin"
TAG = str(os.getpid())
HUB = f"on-hub-{TAG}"
# The machine may be busy.
PATIENCE = 90


def run(*command, check=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if check and done.returncode:
        sys.exit(f"error: {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def fail(what):
    raise SystemExit(f"error: {what}")


def address(n):
    return f"10.77.0.{n}:6346"


class Net:
    """A namespace for each servent, and a bridge."""

    def __enter__(self):
        run("ip", "netns", "add", HUB)
        run("ip", "-n", HUB, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", HUB, "link", "set", "br0", "up")
        for n in range(1, SERVENTS + 1):
            name = self.name(n)
            run("ip", "netns", "add", name)
            run("ip", "-n", HUB, "link", "add", f"to{n}", "type", "veth", "peer", "name", "up0", "netns", name)
            run("ip", "-n", HUB, "link", "set", f"to{n}", "master", "br0", "up")
            run("ip", "-n", name, "addr", "add", f"10.77.0.{n}/24", "dev", "up0")
            run("ip", "-n", name, "link", "set", "up0", "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        for name in [HUB] + [self.name(n) for n in range(1, SERVENTS + 1)]:
            run("ip", "netns", "delete", name, check=False)

    @staticmethod
    def name(n):
        return f"on-{n}-{TAG}"

    def slow(self, n):
        """What it sends comes at 40 Mbit/s, so that there is a middle of a transfer. Whether that works here."""
        return subprocess.run(
            ["tc", "-n", self.name(n), "qdisc", "add", "dev", "up0", "root", "tbf",
             "rate", "40mbit", "burst", "64kb", "latency", "100ms"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class Servent:
    """A running gnutella_node and its events."""

    all = []

    def __init__(self, n, share, *more, mounts=None):
        os.makedirs(share, exist_ok=True)
        self.n, self.share = n, share
        self.out = tempfile.NamedTemporaryFile(dir=SCRATCH, delete=False)
        self.err = tempfile.NamedTemporaryFile(dir=SCRATCH, delete=False)
        inside = ["nsenter", f"--mount=/proc/{mounts}/ns/mnt"] if mounts else []
        command = inside + [
            "nsenter", f"--net=/run/netns/{Net.name(n)}", PROGRAM, "--json", "--allow-private",
            "--listen", address(n), "--share", share, *more]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)
        Servent.all.append(self)

    def events(self, kind=None):
        with open(self.out.name) as lines:
            events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in events if kind in (None, event["event"])]

    def wait(self, what, found):
        """Until `found` of its events says something; that."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            value = found(self.events())
            if value:
                return value
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        value = found(self.events())
        return value or fail(f"servent {self.n}: no {what}: {self.told()}")

    def told(self):
        with open(self.err.name) as lines:
            return f"{self.events()[-5:]}, {lines.read()[-500:]}, status {self.process.poll()}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        """Its exit status, once it has ended by itself."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            fail(f"servent {self.n} does not end: {self.told()}")

    def leave(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.end()
        status == 0 or fail(f"servent {self.n} left with {status}: {self.told()}")


def one(kind):
    return lambda events: next((event for event in events if event["event"] == kind), None)


def sha1(path):
    digest = hashlib.sha1()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


def urn(digest):
    return "urn:sha1:" + base64.b32encode(digest).decode()


def share(n):
    return os.path.join(SCRATCH, f"share-{n}")


def used(path):
    """The bytes of a file that are there: it may have holes."""
    try:
        return os.stat(path).st_blocks * 512
    except FileNotFoundError:
        return 0


def ultrapeers_of(n):
    """Two for each leaf."""
    first = n % len(ULTRAPEERS)
    return [ULTRAPEERS[first], ULTRAPEERS[(first + 1) % len(ULTRAPEERS)]]


def connects(hosts):
    return [word for host in hosts for word in ("--connect", address(host))]


def step(what):
    print(f"namespaces: {time.monotonic() - START:5.1f} s: {what}", flush=True)


def start_all(digest):
    ultrapeers = {}
    for n in ULTRAPEERS:
        # Each to those before it.
        ultrapeers[n] = Servent(n, share(n), "--ultrapeer", *connects(range(1, n)))
        ultrapeers[n].wait("listening", one("listening"))
    leaves = {}
    for n in range(5, SERVENTS + 1):
        os.makedirs(share(n))
        with open(os.path.join(share(n), f"song number {n}.txt"), "w") as file:
            file.write(f"the song of {n}")
        if n in SOURCES:
            shutil.copyfile(os.path.join(SCRATCH, NAME), os.path.join(share(n), NAME))
        if n < SERVENTS:
            leaves[n] = Servent(n, share(n), "--leaf", *connects(ultrapeers_of(n)))
    for n, leaf in leaves.items():
        leaf.wait("two links", lambda events: len([e for e in events if e["event"] == "link_up"]) >= 2)
    for n in SOURCES:
        leaves[n].wait("listening", one("listening"))
    for n, ultrapeer in ultrapeers.items():
        ultrapeer.wait(
            "links to all ultrapeers",
            lambda events: len({e["addr"] for e in events if e["event"] == "link_up" and e["role"] == "ultrapeer"})
            >= len(ULTRAPEERS) - 1)
    return ultrapeers, leaves


def finds_all(leaves, hosts):
    """A newcomer finds a file of each leaf."""
    wanted = {f"song number {n}.txt" for n in leaves}
    names = lambda events: {e["name"] for e in events if e["event"] == "hit"}
    newcomer = Servent(SERVENTS, share(SERVENTS), "--leaf", *connects(hosts), "--search", "song number")
    newcomer.wait(f"hits of {len(wanted)} leaves", lambda events: wanted <= names(events))
    newcomer.leave()


def get(n, digest, hosts, name, mounts=None):
    return Servent(
        n, os.path.join(SCRATCH, name), "--leaf", *connects(hosts), "--get", urn(digest), mounts=mounts)


def until_part(getter, least, path=None):
    part = os.path.join(path or getter.share, NAME + ".part")
    end = time.monotonic() + PATIENCE
    while used(part) < least:
        getter.process.poll() is None or fail(f"it ended before: {getter.told()}")
        time.monotonic() < end or fail(f"{used(part)} bytes only: {getter.told()}")
        time.sleep(0.005)
    os.path.exists(os.path.join(path or getter.share, NAME)) and fail("whole too soon")


def is_whole(getter, digest, path=None):
    status = getter.end()
    status == 0 or fail(f"status {status}: {getter.told()}")
    event = one("downloaded")(getter.events())
    event and event["verified"] is True and event["size"] == SIZE or fail(f"{event}")
    names = os.listdir(path or getter.share)
    names == [NAME] or fail(f"more than the file: {names}")
    sha1(os.path.join(path or getter.share, NAME)) == digest or fail("other bytes")
    return event


def survives_the_death_of_a_source(leaves, digest):
    getter = get(SERVENTS, digest, [2, 3], "fetched")
    until_part(getter, SIZE // 4)
    leaves[SOURCES[0]].kill()
    event = is_whole(getter, digest)
    event["sources"] == 3 or fail(f"{event}")
    step(f"{SIZE >> 20} MiB from three sources, one of which was killed: {event['transferred']} bytes")


def resumes_after_a_kill(digest):
    getter = get(SERVENTS, digest, [2, 3], "killed")
    until_part(getter, SIZE * 3 // 4)
    getter.kill()
    os.path.exists(os.path.join(getter.share, NAME)) and fail("whole without all bytes")
    event = is_whole(get(SERVENTS, digest, [2, 3], "killed"), digest)
    step(f"killed at three quarters, and resumed: {event['transferred']} bytes more")
    # What was on the disk for sure is not fetched again.
    if SIZE * 3 // 4 > 64 << 20:
        event["transferred"] < SIZE or fail(f"{event}")


def survives_a_full_disk(digest):
    disk = os.path.join(SCRATCH, "disk")
    os.makedirs(disk)
    mount = f"mount -t tmpfs -o size={SIZE // 2} tmpfs {disk} && echo mounted && exec sleep 600"
    holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", mount], stdout=subprocess.PIPE, text=True)
    try:
        holder.stdout.readline() == "mounted\n" or fail("no small disk")
        inside = f"/proc/{holder.pid}/root{disk}"
        getter = get(SERVENTS, digest, [2, 3], "disk", mounts=holder.pid)
        status = getter.end()
        status == 1 or fail(f"status {status}: {getter.told()}")
        refused = one("refused")(getter.events())
        refused and "full" in refused["reason"] or fail(f"{getter.told()}")
        NAME in os.listdir(inside) and fail("whole on a full disk")
        there = used(os.path.join(inside, NAME + ".part"))
        run("nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", "mount", "-o", f"remount,size={2 * SIZE}", disk)
        event = is_whole(get(SERVENTS, digest, [2, 3], "disk", mounts=holder.pid), digest, inside)
        lost = there + event["transferred"] - SIZE
        step(f"full at {there} bytes, and resumed with more room: {event['transferred']} more, {lost} twice")
        # Parts that were not whole, of each source.
        lost < SIZE // 4 or fail(f"{lost} bytes fetched twice")
    finally:
        holder.kill()
        holder.wait()


def main():
    bytes_ = random.Random(1).randbytes(SIZE)
    with open(os.path.join(SCRATCH, NAME), "wb") as file:
        file.write(bytes_)
    digest = hashlib.sha1(bytes_).digest()
    with Net() as net:
        try:
            slowed = all([net.slow(n) for n in SOURCES])
            step(f"{SERVENTS} namespaces{'' if slowed else ', whose links can not be slowed'}")
            ultrapeers, leaves = start_all(digest)
            step("all linked")
            finds_all(leaves, [1, 2])
            step("all found")
            ultrapeers[1].kill()
            finds_all(leaves, [2, 3])
            step("all found without the ultrapeer that was killed")
            survives_a_full_disk(digest)
            resumes_after_a_kill(digest)
            survives_the_death_of_a_source(leaves, digest)
            for servent in Servent.all:
                if servent.process.returncode is None:
                    servent.leave()
            step("all left, ok")
        finally:
            for servent in Servent.all:
                if servent.process.poll() is None:
                    servent.kill()


START = time.monotonic()
SCRATCH = tempfile.mkdtemp(prefix="overlay-net-namespaces-")
try:
    main()
finally:
    shutil.rmtree(SCRATCH, ignore_errors=True)
