/* SPDX-License-Identifier: MIT */
#include "base/cpus.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct nv_cpus *cpus, unsigned cpu)
{
    return cpu < NV_CPUS_MAX && cpus->bits[cpu / 64] >> cpu % 64 & 1;
}

/* A number below NV_CPUS_MAX; NULL: there is none. */
static const char *parse_cpu(const char *text, unsigned *cpu)
{
    char *end;
    if (*text < '0' || *text > '9')
        return NULL;
    unsigned long value = strtoul(text, &end, 10);
    *cpu = (unsigned)value;
    return value < NV_CPUS_MAX ? end : NULL;
}

const char *nv_cpus_parse(struct nv_cpus *cpus, const char *text, char end)
{
    *cpus = (struct nv_cpus){0};
    do {
        unsigned first = 0;
        unsigned last = 0;
        text = parse_cpu(text, &first);
        last = first;
        if (text && *text == '-')
            text = parse_cpu(text + 1, &last);
        if (!text || last < first)
            return NULL;
        for (unsigned cpu = first; cpu <= last; cpu++)
            cpus->bits[cpu / 64] |= UINT64_C(1) << cpu % 64;
    } while (*text == '+' && text++);
    return *text == '\0' || *text == end ? text : NULL;
}

int nv_cpus_format(const struct nv_cpus *cpus, char *out, size_t out_bytes)
{
    int used = 0;
    if (out_bytes)
        out[0] = '\0';
    for (unsigned cpu = 0; cpu < NV_CPUS_MAX; cpu++) {
        if (!has(cpus, cpu))
            continue;
        unsigned last = cpu;
        while (has(cpus, last + 1))
            last++;
        size_t at = (size_t)used < out_bytes ? (size_t)used : out_bytes;
        const char *plus = used ? "+" : "";
        used += last > cpu ? snprintf(out + at, out_bytes - at, "%s%u-%u", plus, cpu, last)
                           : snprintf(out + at, out_bytes - at, "%s%u", plus, cpu);
        cpu = last;
    }
    return used;
}

unsigned nv_cpus_count(const struct nv_cpus *cpus)
{
    unsigned count = 0;
    for (unsigned i = 0; i < NV_CPUS_MAX / 64; i++)
        count += (unsigned)__builtin_popcountll(cpus->bits[i]);
    return count;
}

void nv_cpus_add(struct nv_cpus *cpus, const struct nv_cpus *other)
{
    for (unsigned i = 0; i < NV_CPUS_MAX / 64; i++)
        cpus->bits[i] |= other->bits[i];
}

int nv_cpus_pin(const struct nv_cpus *cpus, unsigned index, struct nv_error *err)
{
    unsigned count = nv_cpus_count(cpus);
    if (!count)
        return NV_OK;
    unsigned cpu = 0;
    for (unsigned left = index % count; left || !has(cpus, cpu); cpu++)
        left -= has(cpus, cpu);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    int failed = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    return failed ? nv_fail_errno(err, NV_E_FAILED, failed,
                                  "cpus: processor %u (pthread_setaffinity_np)", cpu)
                  : NV_OK;
}
