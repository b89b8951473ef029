"""Fills in who is who: the address groups of range.yaml after the plant's inventory.

    python3 groups.py ASSETS < range.yaml > suricata.yaml

ASSETS is `evidence/assets.json`. Addresses move where a scenario is varied (`--vary`), and with them what the rules
know of the site.
"""

import ipaddress
import json
import re
import sys

# Whose address stands in a group, by role.
GROUPS = {
    "PLCS": ("plc",),
    "HMI": ("hmi",),
    "HISTORIAN": ("historian",),
    "EWS": ("engineering-workstation",),
    "READERS": ("hmi", "historian", "engineering-workstation"),
    "WRITERS": ("hmi", "engineering-workstation"),
}
# Which groups are whole subnets.
SUBNETS = ("CELL", "HOME_NET")
# The inventory names no subnets. In this plant they are these many bits.
SUBNET_BITS = 24
# A group may not be empty. No plant has this address: TEST-NET-1 is for documents (RFC 5737).
NOBODY = "192.0.2.254"


def filled(text, hosts):
    """A configuration with the addresses of a plant.

    `hosts` has the role and the IPv4 address, or None, of each asset. KeyError for a configuration without a group.
    """
    hosts = list(hosts)
    groups = {group: [ip for role, ip in hosts if role in roles and ip] for group, roles in GROUPS.items()}
    subnets = {ipaddress.ip_network(f"{ip}/{SUBNET_BITS}", strict=False) for _, ip in hosts if ip}
    groups.update((group, [str(subnet) for subnet in sorted(subnets)]) for group in SUBNETS)
    for group, addresses in groups.items():
        addresses = addresses or [NOBODY]
        line = f'    {group}: "[{",".join(addresses)}]"'
        text, count = re.subn(rf'^    {group}: "\[[^]]*\]"$', line, text, flags=re.MULTILINE)
        if count != 1:
            raise KeyError(f"the configuration has {count} lines of group {group}")
    return text


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        assets = json.load(file)
    sys.stdout.write(filled(sys.stdin.read(), ((asset["role"], asset.get("ip")) for asset in assets)))


if __name__ == "__main__":
    main()
