"""Which internet addresses a link of a client's may lead to: public ones only (reliability.md 2.4).

Addresses are judged, never names, because every spelling of a name or number ends as an address. `is_global` alone is
not enough: in Python 3.11 it holds for multicast, and for addresses of IPv6 that carry one of IPv4 inside.
"""

from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

_CARRIERS: Final = tuple(
    map(
        ip_network,
        (
            "::/96",  # IPv4-compatible
            "::ffff:0:0/96",  # IPv4-mapped
            "::ffff:0:0:0/96",  # IPv4-translated
            "64:ff9b::/96",  # NAT64
            "64:ff9b:1::/48",  # NAT64 of a site's own
            "2001::/32",  # Teredo
            "2002::/16",  # 6to4
            "fec0::/10",  # site-local, which is_global has forgotten
        ),
    )
)
_SPECIAL: Final = tuple(
    map(
        ip_network,
        (
            "168.63.129.16/32",  # Azure's own service to every machine there, which looks public
            "192.0.0.0/24",  # of protocols; one of Oracle's metadata services, too
        ),
    )
)


def is_public(address: str) -> bool:
    """False for anything that is not a plain public unicast address, an address with a zone included."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if not found.is_global or found.is_multicast or found.is_reserved or found.is_unspecified:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _SPECIAL)
    return found.scope_id is None and not any(found in network for network in _CARRIERS)
