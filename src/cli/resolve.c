/* SPDX-License-Identifier: MIT */
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "transport/socket.h"

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT, or a bare IPv6 address, which has more colons than one.
 * *port is left as it is when none is named. */
static int split(const char *text, char host[256], uint64_t *port, struct nv_error *err)
{
    bool bracketed = text[0] == '[';
    const char *start = text + bracketed;
    size_t len = strcspn(start, bracketed ? "[]" : ":[]");
    if (!bracketed && start[len] == ':' && strchr(start + len + 1, ':'))
        len = strcspn(start, "[]");
    const char *after = start + len;
    bool closed = bracketed ? *after++ == ']' : true;
    if (!closed || len == 0 || len >= 256 || (*after && *after != ':'))
        return nv_fail(err, NV_E_USAGE, "server: '%.100s' is not HOST[:PORT] or [IPV6][:PORT]",
                       text);
    if (*after && (nv_parse_count(after + 1, port) || *port < 1 || *port > 65535))
        return nv_fail(err, NV_E_USAGE, "server: '%.100s' has no port from 1 to 65535", text);
    memcpy(host, start, len);
    host[len] = '\0';
    return NV_OK;
}

int nv_resolve(const char *text, int family, struct sockaddr_storage *out, struct nv_error *err)
{
    char host[256];
    uint64_t port = NV_DEFAULT_PORT;
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (split(text, host, &port, err))
        return err->code;
    int failed = getaddrinfo(host, NULL, &hints, &found);
    if (failed)
        return nv_fail(err, NV_E_PEER, "resolve %.100s: %s", host, gai_strerror(failed));
    memset(out, 0, sizeof *out);
    memcpy(out, found->ai_addr, found->ai_addrlen);
    nv_address_set_port(out, (uint16_t)port);
    freeaddrinfo(found);
    return NV_OK;
}
