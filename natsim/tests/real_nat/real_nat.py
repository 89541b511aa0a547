"""nat_probe behind NATs that the Linux kernel makes: what it says is right, or unknown; never wrong.

Each case has network namespaces of its own: a client (10.0.0.2 and .3), one or two routers, and a server
with two addresses. The routers' rules are nftables. Started by the script `run` beside this file.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

SERVER, ALTERNATE = "198.51.100.10", "198.51.100.20"
SERVER6, ALTERNATE6 = "2001:db8::10", "2001:db8::20"
EIM, ADM, APDM = EIF, ADF, APDF = [
    "endpoint-independent",
    "address-dependent",
    "address-and-port-dependent",
]


def table(*chains, sets=""):
    return "table ip t {\n%s\n%s\n}\n" % (sets, "\n".join(chains))


def chain(kind, hook, priority, *rules):
    rules = "\n".join(rules)
    return f"chain {kind}_{hook} {{ type {kind} hook {hook} priority {priority};\n{rules}\n}}"


# Whom an outside port belongs to, and whom it has sent to.
SETS = """
map owner { type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout 3m; size 65535; }
set peers { type inet_service . ipv4_addr; flags dynamic,timeout; timeout 3m; size 65535; }
set ends { type inet_service . ipv4_addr . inet_service; flags dynamic,timeout; timeout 3m; size 65535; }
"""
LEARN = (
    'iifname "in" meta l4proto udp update @owner { udp sport : ip saddr . udp sport } '
    "update @peers { udp sport . ip daddr } update @ends { udp sport . ip daddr . udp dport }"
)
TO_OWNER = chain("nat", "prerouting", -100, 'iifname "out" meta l4proto udp dnat ip to udp dport map @owner')


def post(what):
    return chain("nat", "postrouting", 100, f'oifname "out" meta l4proto udp {what}')


MASQUERADE = table(post("masquerade"))
RANDOM = table(post("masquerade fully-random"))
# Ports are kept, and whoever sends to one gets in, if the filter lets him.
CONE = [TO_OWNER, post("masquerade")]
FULL_CONE = table(*CONE, chain("filter", "forward", 0, LEARN), sets=SETS)
NEW = 'iifname "out" meta l4proto udp ct state new'
RESTRICTED = table(
    *CONE,
    chain("filter", "forward", 0, LEARN, NEW + " udp dport . ip saddr != @peers drop"),
    sets=SETS,
)
PORT_RESTRICTED = table(
    *CONE,
    chain("filter", "forward", 0, LEARN, NEW + " udp dport . ip saddr . udp sport != @ends drop"),
    sets=SETS,
)
# Whose outside port it is, where ports are not kept: learned when it is known.
OWN = (
    'oifname "out" meta l4proto udp update @owner '
    "{ udp sport : ct original ip saddr . ct original proto-src }"
)


def opened(what, *filtered):
    """Other destinations have other ports; who gets in at each of them is up to the rules."""
    learn = chain("filter", "postrouting", 150, OWN,
                  'oifname "out" meta l4proto udp update @peers { udp sport . ip daddr }')
    # By the outside port, before it is translated back.
    return table(TO_OWNER, post(what), learn, chain("filter", "prerouting", -150, *filtered), sets=SETS)


STRANGERS = 'iifname "out" meta l4proto udp ct state new udp dport . ip saddr != @peers drop'
# Every destination has another port, and everybody gets in at each of them.
SYMMETRIC_OPEN = opened("masquerade fully-random")
# The same, but only those get in at a port whose address it was used for.
SYMMETRIC_ADDRESS = opened("masquerade fully-random", STRANGERS)
HAIRPIN_SOURCE = 'oifname "in" ip saddr 10.0.0.0/24 meta l4proto udp snat to 198.51.100.1'
HAIRPIN = table(
    chain("nat", "prerouting", -100, "ip daddr 198.51.100.1 meta l4proto udp dnat ip to udp dport map @owner"),
    chain(
        "nat",
        "postrouting",
        100,
        'oifname "out" meta l4proto udp masquerade',
        HAIRPIN_SOURCE,
    ),
    chain("filter", "forward", 0, LEARN),
    sets=SETS,
)


# Hosts inside reach each other by outside addresses, and see the inside ones, or the router's.
def hairpin_by(source):
    return HAIRPIN.replace(HAIRPIN_SOURCE, source)


def numbered(step, size):
    """Each new connection gets the next port."""
    return table(post("snat ip to 198.51.100.1 : numgen inc mod %d map { %s }" % (
        size, ", ".join(f"{n} : {20000 + n * step}" for n in range(size)))))


def hash_to_port(over, size=16000, step=3, start=16000):
    return "snat ip to 198.51.100.1 : jhash %s mod %d seed 0x5eed map { %s }" % (
        over, size, ", ".join(f"{n} : {start + n * step}" for n in range(size)))


def hashed(over):
    """The port depends on this and nothing else."""
    return table(post(hash_to_port(over)))


# Even ports become even ones and odd ones odd, but others.
PARITY = table(*[
    f"chain parity{odd} {{ type nat hook postrouting priority {100 + odd};\n"
    f'oifname "out" meta l4proto udp @th,15,1 {odd} '
    + hash_to_port("ip saddr . udp sport", 8000, 4, 20000 + odd) + "\n}"
    for odd in (0, 1)])
# Two outside addresses: the host keeps one, or has one for each destination.
POOL = "198.51.100.1-198.51.100.2"
PAIRED = table(post(f"snat to {POOL} persistent"))
ARBITRARY = table(post("snat to jhash ip saddr . udp sport . ip daddr mod 2 map "
                       "{ 0 : 198.51.100.1, 1 : 198.51.100.2 }"))
ANY = table(post("snat to numgen random mod 2 map { 0 : 198.51.100.1, 1 : 198.51.100.2 }"))
BY_SOURCE_ADDRESS = table(post("snat to jhash udp sport mod 2 map { 0 : 198.51.100.1, 1 : 198.51.100.2 }"))
# An address for each of the server's two.
BY_DESTINATION = table(post("snat to ip daddr map { 198.51.100.10 : 198.51.100.1, 198.51.100.20 : 198.51.100.2 }"))
SMALL_RANGE = table(post("masquerade to :40000-40999"))


def losing(nth):
    return "table ip lossy {\n%s\n}\n" % chain(
        "filter", "forward", -10, f"meta l4proto udp numgen inc mod {nth} == 0 drop")


BLOCKED = table(chain("filter", "forward", 0, "meta l4proto udp drop"))
FIREWALL = table(chain("filter", "forward", 0, 'iifname "out" ct state new drop'))
# Only who was spoken to, whatever his port.
FIREWALL_ADDRESS = table(
    chain("filter", "forward", 0, 'iifname "in" meta l4proto udp update @peers { udp sport . ip daddr }',
          NEW + " udp dport . ip saddr != @peers drop"),
    sets=SETS,
)




def only(way, nth):
    """Loses packets in one direction."""
    return "table ip lossy {\n%s\n}\n" % chain(
        "filter", "forward", -10, f'iifname "{way}" meta l4proto udp numgen inc mod {nth} == 0 drop')


def bursts(rate):
    """So many packets a second, and no more."""
    return "table ip slow {\n%s\n}\n" % chain(
        "filter", "forward", -10, f"meta l4proto udp limit rate over {rate}/second burst {rate} packets drop")


# What a router says when there is no way to the server.
UNREACHABLE = table(chain("filter", "forward", 0, "meta l4proto udp reject with icmp port-unreachable"))
PROHIBITED = table(chain("filter", "forward", 0, "meta l4proto udp reject with icmp admin-prohibited"))
# Its other address is out of reach.
HALF = MASQUERADE + "table ip half {\n%s\n}\n" % chain(
    "filter", "forward", -5, "ip daddr 198.51.100.20 drop", "ip saddr 198.51.100.20 drop")
# Whom somebody inside has sent to at all gets in at every port.
FIREWALL_HOST = table(
    chain("filter", "forward", 0, 'iifname "in" meta l4proto udp update @hosts { ip daddr }',
          'iifname "out" meta l4proto udp ct state new ip saddr != @hosts drop'),
    sets="set hosts { type ipv4_addr; flags dynamic,timeout; timeout 3m; size 65535; }",
)


def six(rules):
    return rules.replace("table ip ", "table ip6 ")


FIREWALL6, MASQUERADE6, RANDOM6 = six(FIREWALL), six(MASQUERADE), six(RANDOM)
# The host's prefix becomes another one, ports stay: RFC 6296.
PREFIX6 = """table ip6 t {
chain out { type nat hook postrouting priority 100; oifname "out" snat ip6 prefix to ip6 saddr map { fd00:0:0:0::/64 : 2001:db8:0:2::/64 }
}
chain back { type nat hook prerouting priority -100; iifname "out" dnat ip6 prefix to ip6 daddr map { 2001:db8:0:2::/64 : fd00:0:0:0::/64 }
}
}"""
UNKNOWN = "nothing known"


class Case:
    """Routers from the inside to the outside, and what must be said. A set: one of these."""

    def __init__(self, *routers, server="coturn", options=(), maybe=False, status=0, quick=False, six=False,
                 host=None, timeout=None, **expected):
        self.routers, self.server, self.options = routers, server, list(options)
        # IPv6; the server by another name; seconds until the routers forget.
        self.six, self.host, self.timeout = six, host, timeout
        # Where packets get lost everything may be unknown.
        self.maybe, self.status, self.quick, self.expected = maybe, status, quick, expected


def nat(mapping, filtering, **more):
    return dict(nat=True, mapping=mapping, filtering=filtering, **more)


PAIR = ["--local2", "10.0.0.3"]
KEEPS = dict(port_preservation=True, parity=True, stride=None)
CASES = {
    "no_nat": Case("", options=PAIR, nat=False, mapping=EIM, filtering=EIF, rfc3489="open internet",
                   collision="kept", port_preservation=True, quick=True),
    "firewall": Case(FIREWALL, nat=False, mapping=EIM, filtering=APDF, rfc3489="symmetric udp firewall"),
    "firewall_address": Case(FIREWALL_ADDRESS, nat=False, mapping=EIM, filtering=ADF, rfc3489=None),
    "masquerade": Case(MASQUERADE, options=PAIR, quick=True, hairpin=False, collision="remapped", **KEEPS,
                       **nat(EIM, APDF, rfc3489="port restricted cone")),
    "masquerade_random": Case(RANDOM, options=PAIR, quick=True, hairpin=None, collision="unknown",
                              port_preservation=False, stride=None, parity=False,
                              **nat(APDM, APDF, rfc3489="symmetric")),
    "full_cone": Case(FULL_CONE, options=PAIR, quick=True, hairpin=False, collision="remapped", **KEEPS,
                      **nat(EIM, EIF, rfc3489="full cone")),
    "restricted": Case(RESTRICTED, quick=True, hairpin=False, **KEEPS,
                       **nat(EIM, ADF, rfc3489="restricted cone")),
    "port_restricted": Case(PORT_RESTRICTED, hairpin=False, **KEEPS,
                            **nat(EIM, APDF, rfc3489="port restricted cone")),
    "symmetric_open": Case(SYMMETRIC_OPEN, quick=True, port_preservation=False, stride=None, hairpin=False,
                           **nat(APDM, EIF, rfc3489=None)),
    "hairpin": Case(HAIRPIN, hairpin=True, **nat(EIM, EIF, rfc3489="full cone")),
    "plus_1": Case(numbered(1, 4000), quick=True, stride=1, port_preservation=False,
                   **nat(APDM, APDF, rfc3489="symmetric")),
    "plus_2": Case(numbered(2, 4000), stride=2, **nat(APDM, APDF)),
    "minus_1": Case(numbered(-1, 4000), stride=-1, **nat(APDM, APDF)),
    "plus_256": Case(numbered(256, 170), stride=256, **nat(APDM, APDF)),
    "by_source": Case(hashed("ip saddr . udp sport"), port_preservation=False, stride=None,
                      **nat(EIM, APDF, rfc3489="port restricted cone")),
    "by_address": Case(hashed("udp sport . ip daddr"), port_preservation=False, stride=None,
                       **nat(ADM, APDF, rfc3489=None)),
    "by_port": Case(hashed("udp sport . udp dport"), mapping="unknown", nat=True),
    "blocked": Case(BLOCKED, status=2, quick=True, nat=None, mapping="unknown", filtering="unknown",
                    rfc3489=None, mapped=None),
    "double_nat": Case(MASQUERADE, MASQUERADE, quick=True, **KEEPS,
                       **nat(EIM, APDF, rfc3489="port restricted cone")),
    "double_cone_symmetric": Case(FULL_CONE, RANDOM, **nat(APDM, APDF, rfc3489="symmetric")),
    "double_symmetric_cone": Case(RANDOM, FULL_CONE, **nat(APDM, APDF, rfc3489="symmetric")),
    "double_restricted_cone": Case(RESTRICTED, FULL_CONE, **nat(EIM, ADF, rfc3489="restricted cone")),
    "one_address": Case(MASQUERADE, server="one", quick=True, mapping="unknown", filtering="unknown",
                        nat=True, rfc3489=None, **KEEPS),
    "one_address_and_alt": Case(MASQUERADE, server="one", options=["--alt", ALTERNATE + ":3479"],
                                **nat(EIM, "unknown")),
    "no_server": Case(MASQUERADE, server="none", status=2, nat=None, mapping="unknown"),
    "classic": Case(RESTRICTED, options=["--classic"], **nat(EIM, ADF, rfc3489="restricted cone")),
    "classic_symmetric": Case(RANDOM, options=["--classic"], **nat(APDM, APDF, rfc3489="symmetric")),
    "ours": Case(PORT_RESTRICTED, server="ours", **nat(EIM, APDF, rfc3489="port restricted cone")),
    "ours_symmetric": Case(RANDOM, server="ours", **nat(APDM, APDF, rfc3489="symmetric")),
    "ours_full_cone": Case(FULL_CONE, server="ours", **nat(EIM, EIF, rfc3489="full cone")),
    "lifetime": Case(MASQUERADE, options=["--lifetime"], timeout=12, lifetime_s=(10, 12.5), **nat(EIM, APDF)),
    "symmetric_address": Case(SYMMETRIC_ADDRESS, port_preservation=False, **nat(APDM, ADF, rfc3489=None)),
    "ours_symmetric_address": Case(SYMMETRIC_ADDRESS, server="ours", **nat(APDM, ADF, rfc3489=None)),
    "ours_symmetric_open": Case(SYMMETRIC_OPEN, server="ours", **nat(APDM, EIF, rfc3489=None)),
    "by_source_open": Case(opened(hash_to_port("ip saddr . udp sport")), port_preservation=False,
                           **nat(EIM, EIF, rfc3489="full cone")),
    "by_source_address": Case(opened(hash_to_port("ip saddr . udp sport"), STRANGERS), port_preservation=False,
                              **nat(EIM, ADF, rfc3489="restricted cone")),
    "by_address_open": Case(opened(hash_to_port("udp sport . ip daddr")), **nat(ADM, EIF, rfc3489=None)),
    "by_address_address": Case(opened(hash_to_port("udp sport . ip daddr"), STRANGERS),
                               **nat(ADM, ADF, rfc3489=None)),
    "parity": Case(PARITY, parity=True, port_preservation=False, **nat(EIM, APDF)),
    "small_range": Case(SMALL_RANGE, port_preservation=False, **nat(EIM, APDF)),
    "pool_paired": Case(PAIRED, **KEEPS, **nat(EIM, APDF, rfc3489="port restricted cone")),
    # One socket may keep its address by accident.
    "pool_arbitrary": Case(ARBITRARY, port_preservation=True, mapping="unknown", filtering=APDF, nat=True),
    "pool_random": Case(ANY, port_preservation=True, mapping="unknown", filtering={APDF, "unknown"}, nat=True),
    "pool_by_source": Case(BY_SOURCE_ADDRESS, port_preservation=True, mapping="unknown", filtering=APDF, nat=True),
    "pool_by_destination": Case(BY_DESTINATION, port_preservation=True, **nat(ADM, APDF, rfc3489=None)),
    # Its packets come back from the host's own address, and no host takes such.
    "hairpin_inside_source": Case(hairpin_by(""), hairpin=False, **nat(EIM, EIF)),
    "hairpin_router_source": Case(
        hairpin_by(HAIRPIN_SOURCE.replace("snat to 198.51.100.1", "masquerade")), hairpin=True, **nat(EIM, EIF)),
    "double_full_cone": Case(FULL_CONE, FULL_CONE, **nat(EIM, EIF, rfc3489="full cone")),
    "double_cone_port_restricted": Case(FULL_CONE, PORT_RESTRICTED,
                                        **nat(EIM, APDF, rfc3489="port restricted cone")),
    "double_cone_symmetric_open": Case(FULL_CONE, SYMMETRIC_OPEN, **nat(APDM, EIF, rfc3489=None)),
    "double_firewall_cone": Case(FIREWALL, FULL_CONE, **nat(EIM, APDF, rfc3489="port restricted cone")),
    "triple": Case(MASQUERADE, RESTRICTED, FULL_CONE, **nat(EIM, APDF, rfc3489="port restricted cone")),
    "firewall_host": Case(FIREWALL_HOST, nat=False, mapping=EIM, filtering=ADF),
    "unreachable": Case(UNREACHABLE, status=2, nat=None, mapping="unknown", mapped=None),
    "prohibited": Case(PROHIBITED, status=2, nat=None, mapping="unknown", mapped=None),
    "half_reachable": Case(HALF, nat=True, mapping="unknown", filtering="unknown", rfc3489=None, **KEEPS),
    "half_reachable_no_alt": Case(HALF, options=["--alt", ALTERNATE + ":3479"], nat=True, mapping="unknown",
                                  filtering="unknown"),
    "alt_beside_good": Case(FULL_CONE, options=["--alt", ALTERNATE + ":3479"], **nat(EIM, EIF)),
    "alt_symmetric": Case(RANDOM, server="one", options=["--alt", ALTERNATE + ":3479"], nat=True,
                          mapping="unknown", filtering="unknown"),
    "by_name": Case(MASQUERADE, host="stun.example.org", **nat(EIM, APDF)),
    "no_such_name": Case(MASQUERADE, host="nobody.example.org", status=2, nat=None, mapping="unknown"),
    "six_no_nat": Case("", six=True, nat=False, mapping=EIM, filtering=EIF, rfc3489="open internet"),
    "six_firewall": Case(FIREWALL6, six=True, nat=False, mapping=EIM, filtering=APDF),
    "six_masquerade": Case(MASQUERADE6, six=True, **KEEPS, **nat(EIM, APDF)),
    "six_random": Case(RANDOM6, six=True, **nat(APDM, APDF, rfc3489="symmetric")),
    "six_prefix": Case(PREFIX6, six=True, **KEEPS, **nat(EIM, EIF, rfc3489="full cone")),
    "six_by_name": Case(MASQUERADE6, six=True, host="stun.example.org", **nat(EIM, APDF)),
    "six_ours": Case(MASQUERADE6, six=True, server="ours", **nat(EIM, APDF)),
}
for seconds in (2, 5, 30):
    for kind, rules, mapping, filtering in (("masquerade", MASQUERADE, EIM, APDF), ("random", RANDOM, APDM, APDF),
                                            ("full_cone", FULL_CONE, EIM, EIF)):
        CASES[f"forgets_{seconds}_{kind}"] = Case(rules, timeout=seconds, **nat(mapping, filtering))
for way in ("in", "out"):
    for nth in (2, 3):
        CASES[f"lost_{way}_{nth}_masquerade"] = Case(
            MASQUERADE + only(way, nth), maybe=True, **nat(EIM, APDF))
        CASES[f"lost_{way}_{nth}_restricted"] = Case(
            RESTRICTED + only(way, nth), maybe=True, **nat(EIM, ADF))
        CASES[f"lost_{way}_{nth}_full_cone"] = Case(
            FULL_CONE + only(way, nth), maybe=True, **nat(EIM, EIF))
for rate in (5, 20, 50):
    CASES[f"slow_{rate}_masquerade"] = Case(MASQUERADE + bursts(rate), maybe=True, **nat(EIM, APDF))
    CASES[f"slow_{rate}_full_cone"] = Case(FULL_CONE + bursts(rate), maybe=True, **nat(EIM, EIF))
KINDS = {"masquerade": (MASQUERADE, EIM, APDF), "full_cone": (FULL_CONE, EIM, EIF),
         "restricted": (RESTRICTED, EIM, ADF), "random": (RANDOM, APDM, APDF),
         "symmetric_open": (SYMMETRIC_OPEN, APDM, EIF)}
for nth in (2, 3, 4, 5):
    for kind, (rules, mapping, filtering) in KINDS.items():
        CASES[f"lost_{nth}_{kind}"] = Case(rules + losing(nth), maybe=True, quick=(nth, kind) == (3, "masquerade"),
                                           **nat(mapping, filtering))
    CASES[f"lost_{nth}_no_nat"] = Case(losing(nth), maybe=True, nat=False, mapping=EIM, filtering=EIF)


class Net:
    """Namespaces: client, routers, server, each linked with the next."""

    def __init__(self, name, routers, six=False):
        self.six = six
        self.names = [f"{name}{n}" for n in range(len(routers) + 2)]
        self.processes = []
        self.routers = routers

    def build(self):
        client, *middle, server = self.names
        for one in self.names:
            self.run("ip", "netns", "add", one)
            self.run("ip", "-n", one, "link", "set", "lo", "up")
        for number, (near, far) in enumerate(zip(self.names, self.names[1:])):
            near_end, far_end = ("host" if near == client else "out"), ("host" if far == server else "in")
            self.run("ip", "link", "add", near_end, "netns", near, "type", "veth",
                     "peer", "name", far_end, "netns", far)
            if far == server:
                near_at, far_at = ["198.51.100.1/24", "198.51.100.2/24"], [SERVER + "/24", ALTERNATE + "/24"]
                near_at += ["2001:db8::1/64"]
                far_at += [SERVER6 + "/64", ALTERNATE6 + "/64"]
            else:
                near_at = [f"10.0.{number}.2/24", f"10.0.{number}.3/24", f"fd00:0:0:{number}::2/64"]
                far_at = [f"10.0.{number}.1/24", f"fd00:0:0:{number}::1/64"]
            for space, end, addresses in ((near, near_end, near_at), (far, far_end, far_at)):
                for address in addresses:
                    # No waiting until the address is known to be nobody else's.
                    self.run("ip", "-n", space, "address", "add", address, "dev", end,
                             *(["nodad"] if ":" in address else []))
                self.run("ip", "-n", space, "link", "set", end, "up")
            if far != server:
                self.run("ip", "-n", near, "route", "add", "default", "via", f"10.0.{number}.1")
                self.run("ip", "-n", near, "route", "add", "default", "via", f"fd00:0:0:{number}::1")
        # Only where there is no NAT the server has to find the way to the client.
        self.run("ip", "-n", server, "route", "add", "default", "via", "198.51.100.1")
        self.run("ip", "-n", server, "route", "add", "default", "via", "2001:db8::1")
        # And where a router in front is no NAT, the next one has to.
        for number, router in enumerate(middle[1:], 1):
            self.run("ip", "-n", router, "route", "add", "10.0.0.0/16", "via", f"10.0.{number}.2")
        for router, rules in zip(middle, self.routers):
            self.set(router, "net/ipv4/ip_forward", 1)
            self.set(router, "net/ipv6/conf/all/forwarding", 1)
            self.run("ip", "netns", "exec", router, "nft", "-f", "-", text=rules)

    def set(self, space, key, value):
        self.run("ip", "netns", "exec", space, "sh", "-c", f"echo {value} > /proc/sys/{key}")

    def run(self, *command, text=None):
        done = subprocess.run(command, input=text, text=True, capture_output=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")

    def name(self, address):
        """Gives the server a name that the client knows; there is no resolver."""
        folder = "/etc/netns/" + self.names[0]
        os.makedirs(folder)
        for file, text in (("hosts", f"{address} stun.example.org\n"), ("resolv.conf", ""),
                           ("nsswitch.conf", "hosts: files\n")):
            with open(f"{folder}/{file}", "w") as out:
                out.write(text)

    def serve(self, kind, programs, scratch):
        if kind == "none":
            return
        coturn = shutil.which("turnserver")
        both = [SERVER6, ALTERNATE6] if self.six else [SERVER, ALTERNATE]
        addresses = both[:1] if kind == "one" else both
        if kind == "ours" or not coturn:
            first, second = [f"[{address}]" if self.six else address for address in both]
            command = [programs + "/stun_server", "--listen", first + ":3478"]
            command += ["--alternate", second + ":3479"] if len(addresses) == 2 else []
            self.start(command, scratch)
        else:
            self.start(self.coturn(coturn, addresses, 3478, scratch), scratch)
        if kind == "one":
            # Another server with one address, for --alt.
            self.start([programs + "/stun_server", "--listen", ALTERNATE + ":3479"], scratch)
        time.sleep(1.5)
        for process in self.processes:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended: see {scratch}")

    @staticmethod
    def coturn(program, addresses, port, scratch):
        # `-n`: no configuration file.
        command = [program, "-n", "--stun-only", "--no-auth", "--no-tls", "--no-dtls", "--no-cli"]
        command += [f"--listening-ip={address}" for address in addresses]
        command += [f"--listening-port={port}", "--alt-listening-port=3479", "--log-file=stdout"]
        return command + [f"--pidfile={scratch}/pid", f"--userdb={scratch}/users"]

    def start(self, command, scratch):
        log = open(f"{scratch}/server{len(self.processes)}.log", "w")
        self.processes.append(subprocess.Popen(
            ["ip", "netns", "exec", self.names[-1], *command], stdout=log, stderr=log))

    def close(self):
        for process in self.processes:
            process.terminate()
            process.wait()
        for one in self.names:
            subprocess.run(["ip", "netns", "delete", one], capture_output=True)
        shutil.rmtree("/etc/netns/" + self.names[0], ignore_errors=True)


def run(name, case, programs):
    """What was printed, how long it took, and what is wrong with it."""
    number = list(CASES).index(name)
    with tempfile.TemporaryDirectory() as scratch:
        net = Net(f"rn{os.getpid()}-{number}-", case.routers, case.six)
        try:
            net.build()
            for router in net.names[1:-1] if case.timeout else []:
                net.set(router, "net/netfilter/nf_conntrack_udp_timeout", case.timeout)
                net.set(router, "net/netfilter/nf_conntrack_udp_timeout_stream", case.timeout)
            net.serve(case.server, programs, scratch)
            server, local = (f"[{SERVER6}]:3478", "fd00::2") if case.six else (SERVER, "10.0.0.2")
            net.name(SERVER6 if case.six else SERVER)
            started = time.monotonic()
            done = subprocess.run(
                ["ip", "netns", "exec", net.names[0], programs + "/nat_probe", "--server", case.host or server,
                 "--local", local, "--json", *case.options],
                capture_output=True, text=True, timeout=600)
            took = time.monotonic() - started
        finally:
            net.close()
    said = json.loads(done.stdout)
    wrong = []
    for key, expected in case.expected.items():
        value = said[key]
        if isinstance(expected, tuple):
            good = expected[0] <= (value or 0) <= expected[1]
        else:
            good = value in expected if isinstance(expected, set) else value == expected
        unknown = value in (None, "unknown")
        if not good and not (case.maybe and unknown):
            wrong.append(f"{key}: {UNKNOWN if unknown else value}, expected {expected}")
        # What is unknown says why.
        if unknown and not said["reasons"].get(key):
            wrong.append(f"{key}: unknown without a reason")
    if done.returncode != case.status and not (case.maybe and done.returncode == 2):
        wrong.append(f"exit status {done.returncode}, expected {case.status}: {done.stderr.strip()}")
    if took > 30 and "--lifetime" not in case.options:
        wrong.append(f"it took {took:.0f} s")
    return said, took, wrong


def run_or_again(name, programs):
    """Once more where it is only that something is unknown: a busy machine is like a lossy network."""
    said, took, wrong = run(name, CASES[name], programs)
    if wrong and all(UNKNOWN in problem for problem in wrong):
        said, took, wrong = run(name, CASES[name], programs)
    return said, took, wrong


def row(name, said, took):
    short = {EIM: "EI", ADM: "AD", APDM: "APD", True: "yes", False: "no", None: "-", "unknown": "-"}
    keys = ["nat", "mapping", "filtering", "hairpin", "port_preservation", "stride", "parity", "collision",
            "lifetime_s", "rfc3489"]
    # 1 == True, so numbers are not looked up.
    cells = [str(said[key]) if type(said[key]) in (int, float) else str(short.get(said[key], said[key]))
             for key in keys]
    return "| " + " | ".join([name, *cells, f"{took:.1f} s"]) + " |"


def main():
    part, only, programs = sys.argv[1:]
    names = [name for name, case in CASES.items() if part == "full" or case.quick]
    if only:
        names = only.split(",")
    if not shutil.which("turnserver"):
        print("real_nat: there is no turnserver, our own stun_server is asked instead")
    failed = 0
    print("| case | nat | mapping | filtering | hairpin | preserves | stride | parity | collision "
          "| lifetime | RFC 3489 | took |\n|" + "---|" * 12)
    # They mostly wait.
    with ThreadPoolExecutor(4) as pool:
        for name, (said, took, wrong) in zip(names, pool.map(lambda name: run_or_again(name, programs), names)):
            print(row(name, said, took), flush=True)
            for problem in wrong:
                failed += 1
                print(f"WRONG {name}: {problem}; {json.dumps(said)}", flush=True)
    print(f"real_nat: {len(names)} cases, {failed} wrong")
    sys.exit(1 if failed else 0)


main()
