/* SPDX-License-Identifier: MIT */
#ifndef NV_BASE_ERROR_H
#define NV_BASE_ERROR_H

/* One way to fail: a function returns 0 or a negative NV_E_* code, and leaves one line for people
 * in a struct nv_error that its caller owns. Outer layers may put context in front of it. */

/* code, exit status of the program, meaning */
#define NV_ERROR_MAP(XX)                                                                           \
    XX(FAILED, -1, 1, "failed while running")                                                      \
    XX(USAGE, -2, 2, "bad usage or bad scenario")                                                  \
    XX(PEER, -3, 3, "peer unreachable, refused or lost")                                           \
    XX(THRESHOLD, -4, 4, "a --fail-if condition held, or could not be told")                       \
    XX(INTERRUPTED, -5, 130, "interrupted")

enum nv_error_code {
    NV_OK = 0,
#define XX(name, code, status, text) NV_E_##name = (code),
    NV_ERROR_MAP(XX)
#undef XX
};

struct nv_error {
    int code; /* NV_OK or NV_E_* */
    char message[512];
};

/* Sets *err (which may be NULL) and returns code. */
int nv_fail(struct nv_error *err, int code, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));

/* The same, ending in ": " and the text of errnum (an errno value). */
int nv_fail_errno(struct nv_error *err, int code, int errnum, const char *format, ...)
    __attribute__((cold, format(printf, 4, 5)));

/* Puts "<context>: " in front of the message and returns its code. */
int nv_fail_within(struct nv_error *err, const char *format, ...)
    __attribute__((cold, format(printf, 2, 3)));

/* Exit status of the program for a code. */
int nv_error_exit_status(int code);

/* Every exit status, with what it means; a NULL meaning ends them. */
struct nv_exit_status {
    int status;
    const char *meaning;
};
extern const struct nv_exit_status nv_exit_statuses[];

/* Programmer errors only; stays on in release builds. */
#define NV_ASSERT(condition)                                                                       \
    ((condition) ? (void)0 : nv_assert_failed(#condition, __FILE__, __LINE__))

__attribute__((noreturn, cold)) void nv_assert_failed(const char *condition, const char *file,
                                                      int line);

#endif
