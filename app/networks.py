"""Find the network of a client's address (pure)."""

from ipaddress import IPv6Address, ip_address, ip_network


def find_network(host: str, bits_v4: int, bits_v6: int) -> str | None:
    """Return the network of the first bits of an address; None for text that is no address, as behind a Unix socket.

    A mapped IPv4 address counts as IPv4; the interface of a link-local address (`%eth0`) is ignored.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = bits_v4 if address.version == 4 else bits_v6
    if bits == address.max_prefixlen:
        return str(address)  # quick: this runs for each request of an IPv4 client
    return str(ip_network((address, bits), strict=False))
