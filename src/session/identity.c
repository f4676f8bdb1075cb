/* SPDX-License-Identifier: MIT */
#include "session/identity.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"

/* The first line of a file without its end; "" when there is none. */
static char *first_line(const char *path, char *out, size_t out_bytes)
{
    out[0] = '\0';
    FILE *file = fopen(path, "re");
    if (!file)
        return out;
    if (fgets(out, (int)out_bytes, file))
        out[strcspn(out, "\n")] = '\0';
    (void)fclose(file);
    return out;
}

char *nv_clock_identity(char out[NV_CLOCK_IDENTITY_BYTES])
{
    char boot[64];
    char space[48] = "";
    ssize_t n = readlink("/proc/self/ns/time", space, sizeof space - 1);
    space[n > 0 ? n : 0] = '\0';
    (void)first_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    (void)snprintf(out, NV_CLOCK_IDENTITY_BYTES, "%s%s%s", boot, boot[0] ? " " : "",
                   boot[0] ? space : "");
    return out;
}

static void add_file(json_t *object, const char *name, const char *path)
{
    char line[256];
    if (first_line(path, line, sizeof line)[0])
        json_object_set_new(object, name, json_string(line));
}

static void add_cpus(json_t *object)
{
    uv_cpu_info_t *cpus = NULL;
    int count = 0;
    if (uv_cpu_info(&cpus, &count) || count == 0)
        return;
    json_object_set_new(object, "cpu_model", json_string(cpus[0].model));
    json_object_set_new(object, "cpu_count", json_integer(count));
    uv_free_cpu_info(cpus, count);
}

/* What one reading of the clock costs, ns. */
static json_int_t clock_cost_ns(void)
{
    enum { READS = 1000 };
    uint64_t start_ns = nv_clock_ns();
    for (unsigned i = 0; i < READS; i++)
        (void)nv_clock_ns();
    return (json_int_t)((nv_clock_ns() - start_ns) / READS);
}

json_t *nv_environment(void)
{
    static const char *const files[][2] = {
        {"clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource"},
        {"cpu_governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"},
        {"load_average", "/proc/loadavg"},
        {"tcp_congestion_control", "/proc/sys/net/ipv4/tcp_congestion_control"},
        {"tcp_rmem", "/proc/sys/net/ipv4/tcp_rmem"},
        {"tcp_wmem", "/proc/sys/net/ipv4/tcp_wmem"},
        {"tcp_no_metrics_save", "/proc/sys/net/ipv4/tcp_no_metrics_save"},
        {"tcp_slow_start_after_idle", "/proc/sys/net/ipv4/tcp_slow_start_after_idle"},
        {"tcp_autocorking", "/proc/sys/net/ipv4/tcp_autocorking"},
        {"tcp_timestamps", "/proc/sys/net/ipv4/tcp_timestamps"},
        {"tcp_sack", "/proc/sys/net/ipv4/tcp_sack"},
        {"ip_local_port_range", "/proc/sys/net/ipv4/ip_local_port_range"},
        {"rmem_default", "/proc/sys/net/core/rmem_default"},
        {"rmem_max", "/proc/sys/net/core/rmem_max"},
        {"wmem_default", "/proc/sys/net/core/wmem_default"},
        {"wmem_max", "/proc/sys/net/core/wmem_max"},
        {"netdev_max_backlog", "/proc/sys/net/core/netdev_max_backlog"},
        {"busy_poll", "/proc/sys/net/core/busy_poll"},
    };
    json_t *out = json_object();
    struct utsname name;
    if (uname(&name) == 0) {
        json_object_set_new(out, "hostname", json_string(name.nodename));
        json_object_set_new(out, "kernel", json_sprintf("%s %s", name.sysname, name.release));
        json_object_set_new(out, "machine", json_string(name.machine));
    }
    add_cpus(out);
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++)
        add_file(out, files[i][0], files[i][1]);
    json_object_set_new(out, "libuv", json_string(uv_version_string()));
    json_object_set_new(out, "jansson", json_string(JANSSON_VERSION));
    json_object_set_new(out, "clock_read_ns", json_integer(clock_cost_ns()));
    json_object_set_new(out, "sleep_overshoot_p99_ns",
                        json_integer((json_int_t)nv_clock_sleep_overshoot_ns()));
    return out;
}
