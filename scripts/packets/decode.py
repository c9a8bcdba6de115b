"""What scapy reads of packets: a line of hex in, a line of JSON out, the layers with their plain fields.

A line is the name of the first layer (Ether, IP, IPv6) and the packet in hex.
"""
import json
import logging
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import IP, Ether, IPv6, NoPayload, load_contrib  # noqa: E402

for name in ("igmp", "igmpv3", "mpls", "geneve", "ospf", "lldp"):
    load_contrib(name)

FIRST = {"Ether": Ether, "IP": IP, "IPv6": IPv6}


def plain(value):
    """A number, a text, or a list of them; None for what is neither."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [plain(one) for one in value]
    try:
        return int(value)
    except (TypeError, ValueError):
        return str(value) if type(value).__name__ == "Decimal" else None


def layers(packet):
    while not isinstance(packet, NoPayload):
        fields = {f.name: plain(packet.getfieldval(f.name)) for f in packet.fields_desc}
        yield {"layer": type(packet).__name__, **fields}
        packet = packet.payload


for line in sys.stdin:
    first, digits = line.split()
    print(json.dumps(list(layers(FIRST[first](bytes.fromhex(digits))))), flush=True)
