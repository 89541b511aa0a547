"""Compares the `torrent` program with mktorrent, transmission and libtorrent. See `run`."""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore", DeprecationWarning)
try:
    import libtorrent as lt
except ImportError:
    lt = None

BLOCK = 16 << 10
TRACKERS = ["http://tracker.example/announce", "udp://tracker.example:80/a?b=c&e=%20"]
WEB_SEED = "http://seed.example/some%20files/"
checks = 0


def check(good, what):
    global checks
    checks += 1
    if not good:
        sys.exit(f"interop: FAILED: {what}")


def equal(ours, theirs, what):
    check(ours == theirs, f"{what}\n  ours:   {ours!r}\n  theirs: {theirs!r}")


def call(*command, status=0):
    command = [os.fspath(part) for part in command]
    done = subprocess.run(command, capture_output=True)
    if done.returncode != status:
        sys.exit(
            f"interop: FAILED: exit status {done.returncode}, expected {status}: {command}\n"
            f"{os.fsdecode(done.stdout[-2000:])}\n{os.fsdecode(done.stderr[-2000:])}"
        )
    return done.stdout


# --- content -------------------------------------------------------------------------------------


def content(directory, full):
    """The same bytes on every run. Gives the roots: a file or directory that becomes a torrent."""
    rng = random.Random(1)
    roots = []

    def put(root, files):
        for path, length in files:
            path = directory / root / path if path else directory / root
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rng.randbytes(length))
        roots.append(directory / root)

    put("single.bin", [("", 100_000)])
    put("exactly four blocks", [("", 4 * BLOCK)])
    put("one byte", [("", 1)])
    put(
        "Odd näme's & [more] 100% #1 🎈",
        [
            ("a", 10),
            ("a.b", 3 * BLOCK),
            ("a-b/c", 1),
            ("b/a b  c", 70_000),
            ("b/.hidden", 5),
            ("b/..two dots", 5),
            ("empty", 0),
            ("b/empty too", 0),
            ("%41+&amp;", 2 * BLOCK),
            ("Ünïcödé/日本語.txt", 33_333),
            ("e\u0301 decomposed", 1),
            # libtorrent renames files whose names differ by case alone.
            ("y", BLOCK - 1),
            ("zz", BLOCK + 1),
            ("Z", 1),
        ],
    )
    put('what "Windows" can not store?', [("dots...", 5), ('"quoted"', 40_000), ("a:b?", 7)])
    put("exact multiples", [("1", BLOCK), ("2", 2 * BLOCK), ("3", 4 * BLOCK), ("4", 0)])
    # Directly in it, v2 could not tell the directory from the file.
    put("one in a directory", [("sub/inside", 12_345)])
    if full:
        put("many", [(f"{n % 7}/{n}", n * 97 % 5000) for n in range(300)])
        put("larger", [(f"part {n}", 7_000_000 + n) for n in range(4)])
        put("deep", [("/".join("abcdefghijklmnopqrstuvwxyz"), 20_000), ("a/b/x", 20_000)])
        # libtorrent cuts longer ones.
        put("long names", [("x" * 240, 20_000), ("é" * 120, 3)])
    return roots


# --- the programs --------------------------------------------------------------------------------


class Ours:
    def __init__(self, program):
        self.program = program

    def show(self, file):
        return json.loads(call(self.program, "show", "--json", file))

    def create(self, root, version, piece_length, out, *more):
        options = ["--piece-length", str(piece_length)] if piece_length else []
        call(self.program, "create", root, "-o", out, f"--{version}", "--force", *options, *more)
        return out

    def verify(self, file, root, status=0):
        call(self.program, "verify", file, root.parent, status=status)


class Libtorrent:
    """What libtorrent says of a file, in the words of `show --json`."""

    def show(self, file):
        info = lt.torrent_info(os.fspath(file))
        hashes, files = info.info_hashes(), info.files()
        entries = []
        for index in range(files.num_files()):
            flags = files.file_flags(index)
            path = files.file_path(index)
            entries.append((path, files.file_size(index), bool(flags & lt.file_storage.flag_pad_file)))
        return {
            "name": info.name(),
            "info_hash_v1": str(hashes.v1) if hashes.has_v1() else None,
            "info_hash_v2": str(hashes.v2) if hashes.has_v2() else None,
            "piece_length": info.piece_length(),
            "pieces": info.num_pieces(),
            "private": info.priv(),
            "files": [(path, size) for path, size, pad in entries if not pad],
            "trackers": [tracker.url for tracker in info.trackers()],
            "web_seeds": [seed["url"] for seed in info.web_seeds()],
        }

    def create(self, root, version, piece_length, out, private=False):
        files = lt.file_storage()
        lt.add_files(files, os.fspath(root))
        flags = {
            "v1": lt.create_torrent.v1_only,
            "v2": lt.create_torrent.v2_only,
            "hybrid": 0,
        }[version]
        creation = lt.create_torrent(files, piece_length, flags)
        creation.set_priv(private)
        lt.set_piece_hashes(creation, os.fspath(root.parent))
        out.write_bytes(lt.bencode(creation.generate()))
        return out

    def seeds(self, torrents):
        """Whether a client finds all content of these (file, directory) good, each."""
        session = lt.session(
            {
                "listen_interfaces": "",
                "enable_dht": False,
                "enable_lsd": False,
                "enable_upnp": False,
                "enable_natpmp": False,
                "active_checking": 8,
                "active_limit": -1,
                "active_seeds": -1,
                "active_downloads": -1,
            }
        )
        handles = []
        for file, directory in torrents:
            params = lt.add_torrent_params()
            params.ti = lt.torrent_info(os.fspath(file))
            params.save_path = os.fspath(directory)
            params.trackers, params.url_seeds = [], []
            handles.append((file, session.add_torrent(params)))
        deadline = time.monotonic() + 120
        checking = (lt.torrent_status.checking_files, lt.torrent_status.checking_resume_data)
        for file, handle in handles:
            while handle.status().state in checking and time.monotonic() < deadline:
                time.sleep(0.02)
            status = handle.status()
            check(status.is_seeding, f"libtorrent has {status.progress:.1%} of {file}")


def portable(show):
    """What libtorrent can be asked too: paths with the name in front, without pad files."""
    single = [file["path"] for file in show["files"]] == [show["name"]]
    files = [
        (file["path"] if single else f"{show['name']}/{file['path']}", file["length"])
        for file in show["files"]
        if "p" not in file["attr"]
    ]
    return {
        "name": show["name"],
        "info_hash_v1": show["info_hash_v1"],
        "info_hash_v2": show["info_hash_v2"],
        "piece_length": show["piece_length"],
        "pieces": show["pieces"],
        "private": show["private"],
        "files": files,
        "trackers": [url for tier in show["trackers"] for url in tier],
        "web_seeds": show["web_seeds"],
    }


def libtorrents_magnet(uri):
    params = lt.parse_magnet_uri(uri)
    hashes = params.info_hashes
    return {
        "info_hash_v1": str(hashes.v1) if hashes.has_v1() else None,
        "info_hash_v2": str(hashes.v2) if hashes.has_v2() else None,
        "name": params.name,
        "trackers": list(params.trackers),
        "web_seeds": list(params.url_seeds),
        "peers": list(params.peers),
        "files": [index for index, priority in enumerate(params.file_priorities) if priority],
    }


# --- the comparisons -----------------------------------------------------------------------------


def ours_in_theirs(ours, tools, roots, out, full):
    """Other programs read what we make, and find the content right."""
    made = []
    for number, root in enumerate(roots):
        for version in ("v1", "v2", "hybrid"):
            for piece_length in (None, BLOCK, 8 * BLOCK) if full else (None, BLOCK):
                file = out / f"ours-{number}-{version}-{piece_length}.torrent"
                options = ["--tracker", TRACKERS[0], "--tracker", TRACKERS[1]]
                options += ["--web-seed", WEB_SEED, "--comment", "ünïcödé"]
                ours.create(root, version, piece_length, file, *options)
                made.append((file, root, version))
                ours.verify(file, root)
    for file, root, version in made:
        show = ours.show(file)
        equal(show["deviations"], [], f"deviations of {file}")
        if lt:
            equal(portable(show), Libtorrent().show(file), f"libtorrent reads {file}")
        # Version 3 of it does not read hybrids, whoever made them.
        if tools.transmission_show and version == "v1":
            text = call(tools.transmission_show, file).decode()
            (found,) = re.findall(r"^\s*Hash: ([0-9a-f]{40})$", text, re.MULTILINE)
            equal(show["info_hash_v1"], found, f"transmission-show reads {file}")
    if lt:
        Libtorrent().seeds([(file, root.parent) for file, root, _ in made])
    return made


def theirs_in_ours(ours, tools, roots, out, full):
    """We read what other programs make, and find the content right."""
    made = []
    for number, root in enumerate(roots):
        for piece_length in (2 * BLOCK, 16 * BLOCK) if full else (2 * BLOCK,):
            exponent, prefix = piece_length.bit_length() - 1, f"{number}-{piece_length}"
            if tools.mktorrent:
                for private in (True, False) if full else (False,):
                    file = out / f"mktorrent-{prefix}-{private}.torrent"
                    command = [tools.mktorrent, "-l", str(exponent), "-o", file, "-w", WEB_SEED]
                    command += ["-a", ",".join(TRACKERS[:1]), "-a", TRACKERS[1].replace(",", "")]
                    file.unlink(missing_ok=True)
                    call(*command, *(["-p"] if private else []), root)
                    made.append((file, root))
            if tools.transmission_create:
                file = out / f"transmission-{prefix}.torrent"
                command = [tools.transmission_create, "-s", str(piece_length >> 10), "-o", file]
                call(*command, "-t", TRACKERS[0], root)
                made.append((file, root))
            if lt:
                for version in ("v1", "v2", "hybrid"):
                    file = out / f"libtorrent-{prefix}-{version}.torrent"
                    made.append((Libtorrent().create(root, version, piece_length, file), root))
    for file, root in made:
        show = ours.show(file)
        if lt:
            equal(portable(show), Libtorrent().show(file), f"we read {file}")
        if tools.transmission_show and show["version"] == "v1":
            text = call(tools.transmission_show, file).decode()
            (found,) = re.findall(r"^\s*Hash: ([0-9a-f]{40})$", text, re.MULTILINE)
            equal(show["info_hash_v1"], found, f"transmission-show reads {file}")
        ours.verify(file, root)
    return made


def same_torrents(ours, tools, roots, out):
    """From the same content we make the same info dictionary, where the format leaves no choice."""
    for number, root in enumerate(roots):
        def hashes(version):
            file = out / f"same-{number}-{version}.torrent"
            show = ours.show(ours.create(root, version, 2 * BLOCK, file))
            return show["info_hash_v1"], show["info_hash_v2"]

        if lt:
            # libtorrent aligns the files of a directory also in v1 alone.
            for version in ("v1", "v2", "hybrid") if root.is_file() else ("v2",):
                file = Libtorrent().create(root, version, 2 * BLOCK, out / "same.torrent")
                theirs = Libtorrent().show(file)
                theirs = (theirs["info_hash_v1"], theirs["info_hash_v2"])
                equal(hashes(version), theirs, f"{version} torrent of {root}")
        if tools.mktorrent and root.is_file():
            file = out / "same-mktorrent.torrent"
            file.unlink(missing_ok=True)
            call(tools.mktorrent, "-l", "15", "-a", "http://a", "-o", file, root)
            equal(hashes("v1")[0], ours.show(file)["info_hash_v1"], f"mktorrent's of {root}")


def damaged_content(ours, made, scratch, count):
    """Content that is not what another program hashed is found out."""
    for file, root in made[:: max(1, len(made) // count)]:
        copy = scratch / "damaged"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        target = copy / root.name
        shutil.copytree(root, target) if root.is_dir() else shutil.copy(root, target)
        ours.verify(file, target)
        files = [target] if target.is_file() else [path for path in target.rglob("*") if path.is_file()]
        victim = max(files, key=lambda path: path.stat().st_size)
        bytes_ = bytearray(victim.read_bytes())
        bytes_[len(bytes_) // 2] ^= 1
        victim.write_bytes(bytes_)
        ours.verify(file, target, status=1)


def magnets_of(ours, tools, files):
    """Links to the same file, both ways."""
    for file in files:
        version, show = ours.show(file)["version"], portable(ours.show(file))
        link = call(ours.program, "magnet", file).decode().strip()
        keys = ("info_hash_v1", "info_hash_v2", "name")
        theirs_of_ours = []
        if lt:
            theirs_of_ours.append(libtorrents_magnet(link))
            their_link = lt.make_magnet_uri(lt.torrent_info(os.fspath(file)))
            parts = json.loads(call(ours.program, "magnet", "--json", their_link))
            for key in keys + ("trackers", "web_seeds"):
                equal(parts[key], show[key], f"{key} of libtorrent's link {their_link}")
        for found in theirs_of_ours:
            for key in keys + ("web_seeds",):
                equal(show[key], found[key], f"libtorrent reads {key} of {link}")
        if tools.transmission_show and version == "v1":
            their_link = call(tools.transmission_show, "-m", file).decode().strip()
            parts = json.loads(call(ours.program, "magnet", "--json", their_link))
            for key in ("info_hash_v1", "name", "trackers"):
                equal(parts[key], show[key], f"{key} of transmission's link {their_link}")


def any_magnets(ours, count):
    """Links of all kinds, as libtorrent and we read them. Only what both mean to accept: libtorrent
    drops trackers that do not look like a URL, and peers that are no address."""
    rng = random.Random(2)
    names = ["plain", "two words", "a+b", "100%", "ü", "日本語", "'\"<>", "a&b=c#d?e", "~!*()-_.", "🎈", "%41"]
    urls = ["http://t.example/announce", "udp://t.example:80", "https://t.example/a?b=c&d=%20e", "wss://t.example:1/"]
    escapes = "%{:02x}", "%{:02X}"

    def escape(text, plus):
        form = rng.choice(escapes)
        out = ""
        for byte in text.encode():
            char = chr(byte)
            if char == " " and plus and rng.random() < 0.5:
                out += "+"
            elif char.isalnum() and byte < 128 or char in "-_.~" or char in "/:?" and rng.random() < 0.5:
                out += char
            else:
                out += form.format(byte)
        return out

    for _ in range(count):
        v1, v2 = f"{rng.getrandbits(160):040x}", f"{rng.getrandbits(256):064x}"
        kind = rng.randrange(4)
        parts = []
        if kind != 1:
            digits = v1 if rng.random() < 0.5 else v1.upper()
            if kind == 3:
                import base64

                digits = base64.b32encode(bytes.fromhex(v1)).decode()
            parts.append("xt=urn:btih:" + digits)
        if kind in (1, 2):
            parts.append("xt=urn:btmh:1220" + v2)
        if rng.random() < 0.8:
            parts.append(rng.choice(["dn=", "DN="]) + escape(rng.choice(names), True))
        for number in range(rng.randrange(4)):
            key = rng.choice(["tr=", f"tr.{number}="])
            parts.append(key + escape(rng.choice(urls), False))
        for _ in range(rng.randrange(3)):
            parts.append("ws=" + escape(rng.choice(urls[::2]), False))
        for _ in range(rng.randrange(3)):
            parts.append("x.pe=" + rng.choice(["1.2.3.4:5", "[::1]:6881", "[2001:db8::ff]:65535", "10.0.0.1:1"]))
        if rng.random() < 0.5:
            ranges = []
            for _ in range(rng.randrange(1, 5)):
                first = rng.randrange(100)
                ranges.append(rng.choice([str(first), f"{first}-{first + rng.randrange(9)}"]))
            parts.append("so=" + ",".join(ranges))
        if rng.random() < 0.3:
            parts.append("x.unknown=%zz+")
        rng.shuffle(parts)
        link = "magnet:?" + "&".join(parts)
        theirs = libtorrents_magnet(link)
        for uri in (link, json.loads(call(ours.program, "magnet", "--json", link))["uri"]):
            found = json.loads(call(ours.program, "magnet", "--json", uri))
            files = []
            for part in (found["select_only"] or "").split(",") if found["select_only"] else []:
                first, _, last = part.partition("-")
                files.extend(range(int(first), int(last or first) + 1))
            peers = [tuple(peer.replace("[", "").replace("]", "").rsplit(":", 1)) for peer in found["peers"]]
            mine = {
                "info_hash_v1": found["info_hash_v1"],
                "info_hash_v2": found["info_hash_v2"],
                "name": found["name"] or "",
                "trackers": found["trackers"],
                "web_seeds": found["web_seeds"],
                "peers": [(host, int(port)) for host, port in peers],
                "files": files,
            }
            # libtorrent drops what comes twice.
            mine["trackers"] = list(dict.fromkeys(mine["trackers"]))
            theirs["trackers"] = list(dict.fromkeys(theirs["trackers"]))
            equal(mine, theirs, f"what is in {link}")
            theirs = libtorrents_magnet(uri)


def edits(ours, files, out):
    """What we edit, others read, and the hashes stay."""
    for file in files:
        before = ours.show(file)
        edited = out / "edited.torrent"
        options = ["--clear-trackers", "--clear-web-seeds", "--add-tracker", "http://new.example/a"]
        options += ["--add-tracker", "udp://new.example:1", "--add-web-seed", "http://seed.example/"]
        call(ours.program, "edit", file, "-o", edited, "--force", *options, "--comment", "new")
        show = ours.show(edited)
        for key in ("info_hash_v1", "info_hash_v2", "files", "deviations"):
            equal(show[key], before[key], f"{key} of {file} after an edit")
        equal(portable(show), Libtorrent().show(edited), f"libtorrent reads {file} after an edit")
        equal(show["trackers"], [["http://new.example/a"], ["udp://new.example:1"]], "trackers")


def corpus_directory():
    """As in tests/corpus.rs."""
    if "TORRENT_CORPUS" in os.environ:
        return Path(os.environ["TORRENT_CORPUS"])
    for beside in sorted(Path.cwd().parent.iterdir()):
        if (beside / "corpus/torrent/corpus.tsv").is_file():
            return beside / "corpus/torrent"
    return None


def corpus(ours, directory):
    """Every file that libtorrent loads and we do too gives the same. How many of either are told."""
    both, only_ours, only_theirs, neither = 0, [], [], 0
    for file in sorted(directory.rglob("*.torrent")):
        done = subprocess.run([ours.program, "show", "--json", file], capture_output=True)
        check(done.returncode in (0, 1), f"exit status {done.returncode}: {file}")
        try:
            theirs = lt.torrent_info(os.fspath(file))
        except RuntimeError:
            theirs = None
        if done.returncode == 0 and theirs:
            both += 1
            show = json.loads(done.stdout)
            hashes = theirs.info_hashes()
            found = (
                str(hashes.v1) if hashes.has_v1() else None,
                str(hashes.v2) if hashes.has_v2() else None,
                theirs.piece_length(),
                theirs.num_pieces(),
                bool(theirs.priv()),
            )
            keys = ("info_hash_v1", "info_hash_v2", "piece_length", "pieces", "private")
            equal(tuple(show[key] for key in keys), found, f"{file}")
            lengths = [file["length"] for file in show["files"] if "p" not in file["attr"]]
            files = theirs.files()
            pads = lt.file_storage.flag_pad_file
            indices = range(files.num_files())
            theirs = [files.file_size(i) for i in indices if not files.file_flags(i) & pads]
            equal(lengths, theirs, f"lengths of {file}")
        elif done.returncode == 0:
            only_ours.append(file.name)
        elif theirs:
            only_theirs.append(file.name)
        else:
            neither += 1
    print(f"interop: corpus: {both} read by both, {neither} by neither,")
    print(f"  {len(only_ours)} only by us: {', '.join(only_ours)}")
    print(f"  {len(only_theirs)} only by libtorrent: {', '.join(only_theirs)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["quick", "full"])
    parser.add_argument("--torrent", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    for tool in ("mktorrent", "transmission-create", "transmission-show"):
        parser.add_argument(f"--{tool}", default="")
    options = parser.parse_args()
    full = options.part == "full"
    for tool in ("mktorrent", "transmission_create", "transmission_show"):
        if not getattr(options, tool):
            print(f"interop: without {tool.replace('_', '-')}, which can not be had here")
    if not lt:
        print("interop: without libtorrent, which can not be had here")

    ours, started = Ours(options.torrent), time.monotonic()
    shutil.rmtree(options.scratch, ignore_errors=True)
    out = options.scratch / "torrents"
    out.mkdir(parents=True)
    roots = content(options.scratch / "content", full)
    mine = ours_in_theirs(ours, options, roots, out, full)
    theirs = theirs_in_ours(ours, options, roots, out, full)
    same_torrents(ours, options, roots, out)
    damaged_content(ours, theirs, options.scratch, 20 if full else 4)
    some = [file for file, *_ in mine + theirs]
    some = some if full else some[::3]
    magnets_of(ours, options, some)
    if lt:
        edits(ours, some, out)
        any_magnets(ours, 2000 if full else 60)
        directory = corpus_directory()
        if directory:
            corpus(ours, directory)
    made = f"{len(mine)} torrents of ours, {len(theirs)} of others"
    print(f"interop: {made}, {checks} comparisons, {time.monotonic() - started:.0f} s: ok")


if __name__ == "__main__":
    main()
