# A cache between the proxy with TLS and Recuento (docs/scale.md): let the proxy lead to port 6081 in place of 8000, and start
#
#   varnishd -f /etc/varnish/recuento.vcl -a 127.0.0.1:6081 -s malloc,256m -p http_gzip_support=off -p vsl_mask=none -p timeout_idle=60
#
# Without gzip of its own: it would unpack what Recuento has packed, and `Repr-Digest` would be of other bytes. With nothing in its
# log, which lies in a file: who asked for what, least of all whom somebody seeks. And with pauses in a body as long as Recuento allows.
vcl 4.1;

backend recuento {
    .host = "127.0.0.1";
    .port = "8000";
    # Recuento bounds questions, and tells who asked; it is not given up before.
    .first_byte_timeout = 120s;
    .between_bytes_timeout = 60s;
}

sub vcl_recv {
    # Kept are counts and what is made of them, pages of counts and of published figures, and the files of pages, where somebody asks
    # without a key, a cookie and a body. Not counts by what is personal: these Recuento wants to be asked for each time.
    if ((req.method != "GET" && req.method != "HEAD")
        || req.http.Authorization || req.http.Cookie || req.http.Content-Length || req.http.Transfer-Encoding
        || (req.url !~ "^/v1/(counts|estimates)/[a-z]+(\.[a-z]+)?(\?|$)"
            && req.url !~ "^/[a-z]+/(counts(/[a-z]+)?|claims(/[0-9a-f-]+)?|sources|data)(\?|$)"
            && req.url !~ "^/static/[^/?]+$")
        || req.url ~ "[?&]q="
        || req.url ~ "[?&=](facility|area|gender|category|age_group|(not_)?nationality|group|legal_status|condition|destination)([&=]|$)") {
        return (pass);
    }
    return (hash);
}

sub vcl_backend_response {
    # What Recuento does not call public is handed on as it comes, no faster than the client takes it: never a refusal is kept.
    if (bereq.uncacheable || beresp.status != 200 || beresp.http.Cache-Control !~ "^public,") {
        set beresp.uncacheable = true;
        set beresp.ttl = 5s;
        set beresp.transit_buffer = 1MB;
        return (deliver);
    }
    # No longer than it is fresh: five seconds, or a year what is pinned. A number of yesterday shall not look like today's.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    return (deliver);
}
