"""Which addresses the server may call when a person typed in a host. No database, standard library.

A host is resolved once, every address it has is judged, and the caller connects to one of those
very addresses: a name that answers differently the second time gains nothing.
"""

import ipaddress
import socket

#: whatever else IPv6 has is for machines, sites and tunnels, or not given out
OPEN_IPV6 = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Refused(Exception):
    """The address may not be called."""


class UnknownHost(Exception):
    """The name of the host is not known now."""


def is_public(address: str) -> bool:
    """Does an IP address belong to the open Internet? Looks into IPv4 wrapped in IPv6, too.

    >>> [is_public(a) for a in ("8.8.8.8", "10.0.0.1", "127.0.0.1", "::1", "::ffff:10.0.0.1")]
    [True, False, False, False, False]
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.version == 6:
        wrapped = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in NAT64:
            wrapped.append(ipaddress.ip_address(int(ip) & 0xFFFFFFFF))
        if any(inner is not None and not is_public(str(inner)) for inner in wrapped):
            return False
        if ip.ipv4_mapped is not None or ip in NAT64:
            return True
        if ip not in OPEN_IPV6:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def look_up(host: str, port: int, allow_private: bool = False) -> tuple[str, ...]:
    """Look a host up, once, and return the addresses to connect to.

    :raise Refused: where one of its addresses is private and that is not allowed.
    :raise UnknownHost: where the name is not known now.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnknownHost(f"the host {host} is not known") from error
    addresses = tuple(dict.fromkeys(entry[4][0] for entry in found))
    if not allow_private and not all(map(is_public, addresses)):
        raise Refused(f"{host} lies in a private network, which is not allowed in Settings")
    return addresses
