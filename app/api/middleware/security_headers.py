"""Add the security headers to every response."""

from app.api.responses import RawHeaders

# Pages set a policy of their own. Any other response is data, of which a browser must execute nothing.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Two years (RFC 6797), which browsers require for their preload lists.
HSTS_HEADERS = {"Strict-Transport-Security": "max-age=63072000"}
REQUEST_ID_HEADER = "Request-Id"


def _encode_headers(headers: dict[str, str]) -> RawHeaders:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


# Encoded once: for cached responses, encoding would be a large share of the time.
_RAW_HEADERS, _RAW_TLS_HEADERS = _encode_headers(SECURITY_HEADERS), _encode_headers(SECURITY_HEADERS | HSTS_HEADERS)
_RAW_REQUEST_ID_HEADER = REQUEST_ID_HEADER.lower().encode()


def add_security_headers(headers: RawHeaders, request_id: str, *, is_tls: bool) -> RawHeaders:
    """Return the headers with the request's id and the security headers that the response does not set itself."""
    names = {name for name, _value in headers}
    protecting_headers = _RAW_TLS_HEADERS if is_tls else _RAW_HEADERS
    return [
        *headers,
        (_RAW_REQUEST_ID_HEADER, request_id.encode()),
        *(pair for pair in protecting_headers if pair[0] not in names),
    ]
