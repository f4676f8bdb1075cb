/* SPDX-License-Identifier: MIT */
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "transport/socket.h"

/* Splits at the last colon, unless the host is a bare IPv6 address. */
static int split(const char *text, char host[256], uint64_t *port, struct nv_error *err)
{
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    bool has_port = colon && (bracket ? colon > bracket : strchr(text, ':') == colon);
    size_t len = has_port ? (size_t)(colon - text) : strlen(text);
    *port = NV_DEFAULT_PORT;
    if (has_port && (nv_parse_count(colon + 1, port) || *port > 65535))
        return nv_fail(err, NV_E_USAGE, "server: '%.100s' has no port from 1 to 65535", text);
    if (text[0] == '[' && bracket) {
        text++;
        len = (size_t)(bracket - text);
    }
    if (len == 0 || len >= 256)
        return nv_fail(err, NV_E_USAGE, "server: '%.100s' is not HOST[:PORT]", text);
    memcpy(host, text, len);
    host[len] = '\0';
    return NV_OK;
}

int nv_resolve(const char *text, int family, struct sockaddr_storage *out, struct nv_error *err)
{
    char host[256];
    uint64_t port;
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
