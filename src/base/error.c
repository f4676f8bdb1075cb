/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void write_message(struct nv_error *err, int code,
                                                                const char *format, va_list args)
{
    err->code = code;
    (void)vsnprintf(err->message, sizeof err->message, format, args);
}

int nv_fail(struct nv_error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, format);
    write_message(err, code, format, args);
    va_end(args);
    return code;
}

int nv_fail_errno(struct nv_error *err, int code, int errnum, const char *format, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, format);
    write_message(err, code, format, args);
    va_end(args);
    char reason[128];
    size_t used = strlen(err->message);
    (void)snprintf(err->message + used, sizeof err->message - used, ": %s",
                   strerror_r(errnum, reason, sizeof reason));
    return code;
}

int nv_fail_within(struct nv_error *err, const char *format, ...)
{
    struct nv_error inner = *err;
    va_list args;
    va_start(args, format);
    write_message(err, inner.code, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    (void)snprintf(err->message + used, sizeof err->message - used, ": %s", inner.message);
    return inner.code;
}

const struct nv_exit_status nv_exit_statuses[] = {
    {0, "done"},
#define XX(name, value, status, text) {status, text},
    NV_ERROR_MAP(XX)
#undef XX
        {0, NULL},
};

int nv_error_exit_status(int code)
{
    switch (code) {
    case NV_OK:
        return 0;
#define XX(name, value, status, text)                                                              \
    case NV_E_##name:                                                                              \
        return status;
        NV_ERROR_MAP(XX)
#undef XX
    default:
        return 1;
    }
}

void nv_assert_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "netversus: %s:%d: broken assumption: %s\n", file, line, condition);
    abort();
}
