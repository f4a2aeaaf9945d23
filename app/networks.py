"""The network of a client's address (pure)."""

from ipaddress import IPv6Address, ip_address, ip_network


def find_network(host: str, bits_v4: int, bits_v6: int) -> str | None:
    """The network that so many bits of an address name; None of what is no address, as behind a socket of the machine.
    A mapped IPv4 address is the one that it maps, and the interface of a link-local one (`%eth0`) tells nothing."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = bits_v4 if address.version == 4 else bits_v6
    if bits == address.max_prefixlen:
        return str(address)  # quickly: each request of an IPv4 client asks for it
    return str(ip_network((address, bits), strict=False))
