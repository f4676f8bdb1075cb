/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/option.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/serve_ports.h"
#include "session/frames.h"
#include "session/identity.h"
#include "session/link.h"
#include "session/report_json.h"
#include "session/server.h"
#include "transport/endpoint.h"
#include "transport/socket.h"

/* Happy path: listen on the control port and the data ports; one client at a time is served by a
 * session machine over a link, each run of his by an endpoint. Failure modes: a client that is
 * silent, wrong or gone ends his session, and the server listens on; a second one is told who is
 * being served. */

struct serve_options {
    char bind[NV_OPTION_TEXT_BYTES];
    uint64_t port;
    bool open, once, child;
    struct nv_server_limits limits;
};

#define AT(field) offsetof(struct serve_options, field)

const struct nv_option nv_serve_options[] = {
    {.name = "bind",
     .type = &nv_option_text,
     .offset = AT(bind),
     .fallback = "127.0.0.1",
     .form = "an address of this host",
     .help = "address to listen on"},
    {.name = "port",
     .type = &nv_option_count,
     .offset = AT(port),
     .fallback = "5301",
     .max = 65534,
     .help = "control port; data goes to the next one; 0: any free pair"},
    {.name = "open",
     .type = &nv_option_bool,
     .offset = AT(open),
     .fallback = "no",
     .help = "allow an address beyond loopback, for everyone who can reach it"},
    {.name = "once",
     .type = &nv_option_bool,
     .offset = AT(once),
     .fallback = "no",
     .help = "serve one client, then end"},
    {.name = "child",
     .type = &nv_option_bool,
     .offset = AT(child),
     .fallback = "no",
     .help = "end with the parent process (what run uses)"},
    {.name = "max-duration",
     .type = &nv_option_time,
     .offset = AT(limits.run_ns_max),
     .fallback = "60m",
     .help = "longest run that a client may ask for"},
    {.name = "max-rate",
     .type = &nv_option_count,
     .offset = AT(limits.rate_msgs_max),
     .fallback = "0",
     .help = "most messages a second, which excludes rate max; 0: any"},
    {.name = "max-size",
     .type = &nv_option_size,
     .offset = AT(limits.size_bytes_max),
     .fallback = "16Mi",
     .help = "largest message"},
    {.name = "max-flows",
     .type = &nv_option_count,
     .offset = AT(limits.flows_max),
     .fallback = "256",
     .help = "most flows in one run"},
    {.name = "max-memory",
     .type = &nv_option_size,
     .offset = AT(limits.memory_bytes_max),
     .fallback = "2Gi",
     .help = "most memory that one run may take: some 5 MB a flow, 2 bits a message, 152 bytes a "
             "row of messages.csv"},
    {.name = NULL},
};

struct serve {
    struct serve_options options;
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_async_t wake;
    uv_timer_t alarm;
    uv_signal_t signals[2];
    struct sockaddr_storage address;
    struct nv_serve_ports ports;
    json_t *hello;
    struct guest *guest; /* the client being served */
    struct nv_endpoint *endpoint;
    bool stopping;
};

struct guest {
    struct nv_link link;
    struct serve *serve;
    struct nv_server server;
    uint64_t since_ns;
    char name[NV_ADDRESS_TEXT_BYTES];
    bool served; /* not a guest who was turned away */
};

static void set_alarm(struct serve *serve);

static void drop_endpoint(struct serve *serve)
{
    nv_endpoint_destroy(serve->endpoint);
    serve->endpoint = NULL;
}

static void serve_send(void *context, json_t *frame)
{
    struct guest *guest = context;
    nv_link_send(&guest->link, frame);
}

static void notify(void *context)
{
    struct serve *serve = context;
    (void)uv_async_send(&serve->wake);
}

static int serve_open(void *context, const struct nv_spec *spec, uint32_t run_tag, uint64_t token,
                      struct nv_error *err)
{
    struct guest *guest = context;
    struct serve *serve = guest->serve;
    if (nv_endpoint_check(spec, err))
        return err->code;
    const struct nv_driver *driver = nv_driver_find(spec->transport, spec->engine, err);
    bool datagrams = driver->transport->caps & NV_CAP_DATAGRAMS;
    struct nv_endpoint_config config = {
        .spec = spec,
        .run_tag = run_tag,
        .token = token,
        .listen_fd = datagrams ? serve->ports.udp_fd : serve->ports.tcp_fd,
        .listening = serve->ports.listening[datagrams],
        .open_timeout_ns = 10 * NV_NS_PER_S,
        .notify = notify,
        .context = serve,
    };
    drop_endpoint(serve);
    serve->endpoint = nv_endpoint_create(&config, err);
    return serve->endpoint ? NV_OK : err->code;
}

static void serve_start(void *context, uint64_t t0_ns)
{
    struct guest *guest = context;
    nv_endpoint_start(guest->serve->endpoint, t0_ns);
}

static void serve_expect(void *context, const struct nv_flow_end *ends, unsigned count)
{
    struct guest *guest = context;
    nv_endpoint_expect(guest->serve->endpoint, ends, count);
}

/* rows is taken over. */
static void send_rows(struct guest *guest, enum nv_frame kind, unsigned flow, uint64_t first,
                      json_t *rows)
{
    json_t *frame = nv_frame_new(kind);
    json_object_set_new(frame, "flow", json_integer(flow));
    json_object_set_new(frame, "first", json_integer((json_int_t)first));
    json_object_set_new(frame, "rows", rows);
    nv_link_send(&guest->link, frame);
}

static void send_trace(struct guest *guest, unsigned flow, const struct nv_flow_report *report)
{
    uint64_t rows = report->rx && report->rx->trace ? report->rx->trace_count : 0;
    uint64_t stamps = report->stamps ? report->stamps->count : 0;
    for (uint64_t first = 0; first < rows; first += NV_TRACE_STRETCH)
        send_rows(guest, NV_FRAME_TRACE, flow, first, nv_trace_to_json(report->rx, first));
    for (uint64_t first = 0; first < stamps; first += NV_TRACE_STRETCH)
        send_rows(guest, NV_FRAME_STAMPS, flow, first, nv_stamps_to_json(report->stamps, first));
}

static void serve_results(void *context)
{
    struct guest *guest = context;
    unsigned count;
    const struct nv_flow_report *reports = nv_endpoint_reports(guest->serve->endpoint, &count);
    for (unsigned i = 0; i < count; i++) {
        json_t *frame = nv_frame_new(NV_FRAME_RESULT);
        json_object_set_new(frame, "flow", json_integer(i));
        json_object_set_new(frame, "report", nv_report_to_json(&reports[i]));
        nv_link_send(&guest->link, frame);
        send_trace(guest, i, &reports[i]);
    }
}

static void serve_stop(void *context)
{
    struct guest *guest = context;
    drop_endpoint(guest->serve);
}

static const struct nv_server_ops ops = {
    .send = serve_send,
    .open = serve_open,
    .start = serve_start,
    .expect = serve_expect,
    .results = serve_results,
    .stop = serve_stop,
};

static void after_turn(struct guest *guest)
{
    if (guest->server.state == NV_SERVER_CLOSED)
        nv_link_close(&guest->link);
    set_alarm(guest->serve);
}

static void guest_frame(struct nv_link *link, const json_t *object)
{
    struct guest *guest = link->owner;
    if (!guest->served)
        return;
    nv_server_input(&guest->server, nv_clock_ns(), object);
    after_turn(guest);
}

static void stop_serving(struct serve *serve);

static void guest_closed(struct nv_link *link, const struct nv_error *err)
{
    struct guest *guest = link->owner;
    struct serve *serve = guest->serve;
    bool served = guest->served;
    (void)err;
    if (served) {
        nv_server_lost(&guest->server);
        /* A child's client is the one who started it, and speaks for both. */
        if (guest->server.error.code && !serve->options.child)
            (void)fprintf(stderr, "netversus serve: %s: %s\n", guest->name,
                          guest->server.error.message);
        drop_endpoint(serve);
        serve->guest = NULL;
    }
    free(guest);
    if (served && serve->options.once)
        stop_serving(serve);
}

static const struct nv_link_callbacks callbacks = {.frame = guest_frame, .closed = guest_closed};

static void turn_away(struct serve *serve, struct guest *guest)
{
    json_t *busy = nv_frame_new(NV_FRAME_BUSY);
    json_object_set_new(
        busy, "message",
        json_sprintf("the server is busy with %s, for %llu s now", serve->guest->name,
                     (unsigned long long)((nv_clock_ns() - serve->guest->since_ns) / NV_NS_PER_S)));
    nv_link_send(&guest->link, busy);
    nv_link_close(&guest->link);
}

static void welcome(struct serve *serve, struct guest *guest)
{
    guest->served = true;
    guest->since_ns = nv_clock_ns();
    guest->server = (struct nv_server){
        .ops = &ops,
        .context = guest,
        /* Who started us for himself is the only client. */
        .is_patient = serve->options.child,
        .limits = serve->options.child ? nv_no_limits : serve->options.limits,
        .hello = serve->hello,
        .data_port = (uint16_t)(nv_address_port(&serve->address) + 1),
    };
    serve->guest = guest;
    nv_server_init(&guest->server, guest->since_ns);
    set_alarm(serve);
}

static void connection_cb(uv_stream_t *listener, int status)
{
    struct serve *serve = listener->data;
    struct guest *guest = status ? NULL : calloc(1, sizeof *guest);
    if (!guest)
        return;
    guest->serve = serve;
    if (nv_link_init(&guest->link, &serve->loop, &callbacks, guest)) {
        free(guest);
        return;
    }
    if (nv_link_accept(&guest->link, listener)) {
        nv_link_close(&guest->link);
        return;
    }
    struct sockaddr_storage peer = {0};
    int len = sizeof peer;
    (void)uv_tcp_getpeername(&guest->link.tcp, (struct sockaddr *)&peer, &len);
    (void)nv_address_text(&peer, guest->name);
    if (serve->guest)
        turn_away(serve, guest);
    else
        welcome(serve, guest);
}

static void wake_cb(uv_async_t *handle)
{
    struct serve *serve = handle->data;
    struct nv_flow_end ends[NV_FLOWS_MAX];
    if (!serve->endpoint || !serve->guest)
        return;
    struct nv_server *server = &serve->guest->server;
    enum nv_endpoint_state state = nv_endpoint_state(serve->endpoint);
    if (state >= NV_ENDPOINT_SENT && state != NV_ENDPOINT_FAILED) {
        nv_endpoint_ends(serve->endpoint, ends);
        nv_server_sent(server, ends);
    }
    if (state == NV_ENDPOINT_DONE)
        nv_server_done(server, nv_clock_ns());
    if (state == NV_ENDPOINT_FAILED)
        nv_server_failed(server, nv_clock_ns(), nv_endpoint_error(serve->endpoint));
    after_turn(serve->guest);
}

static void alarm_cb(uv_timer_t *handle)
{
    struct serve *serve = handle->data;
    if (!serve->guest)
        return;
    nv_server_run(&serve->guest->server, nv_clock_ns());
    after_turn(serve->guest);
}

static void set_alarm(struct serve *serve)
{
    (void)uv_timer_stop(&serve->alarm);
    if (!serve->guest || serve->stopping)
        return;
    uint64_t due_ns = nv_server_next_ns(&serve->guest->server);
    uint64_t now_ns = nv_clock_ns();
    if (due_ns != UINT64_MAX)
        (void)uv_timer_start(&serve->alarm, alarm_cb,
                             due_ns > now_ns ? (due_ns - now_ns) / NV_NS_PER_MS + 1 : 0, 0);
}

static void stop_serving(struct serve *serve)
{
    if (serve->stopping)
        return;
    serve->stopping = true;
    if (serve->guest)
        nv_link_close(&serve->guest->link);
    uv_close((uv_handle_t *)&serve->listener, NULL);
    uv_close((uv_handle_t *)&serve->wake, NULL);
    uv_close((uv_handle_t *)&serve->alarm, NULL);
    for (unsigned i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&serve->signals[i], NULL);
}

static void signal_cb(uv_signal_t *handle, int number)
{
    (void)number;
    stop_serving(handle->data);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    char text[NV_ADDRESS_TEXT_BYTES];
    (void)nv_address_text(address, text);
    return strncmp(text, "127.", 4) == 0 || strncmp(text, "[::1]", 5) == 0;
}

static int set_up(struct serve *serve, struct nv_error *err)
{
    char identity[NV_CLOCK_IDENTITY_BYTES];
    if (nv_resolve(serve->options.bind, AF_UNSPEC, &serve->address, err))
        return err->code;
    if (!is_loopback(&serve->address) && !serve->options.open)
        return nv_fail(err, NV_E_USAGE,
                       "bind: %s can be reached from elsewhere; say --open if it should be",
                       serve->options.bind);
    nv_address_set_port(&serve->address, (uint16_t)serve->options.port);
    if (nv_serve_ports_open(&serve->ports, &serve->address, err))
        return err->code;
    (void)uv_loop_init(&serve->loop);
    (void)uv_tcp_init(&serve->loop, &serve->listener);
    (void)uv_async_init(&serve->loop, &serve->wake, wake_cb);
    (void)uv_timer_init(&serve->loop, &serve->alarm);
    serve->listener.data = serve->wake.data = serve->alarm.data = serve;
    static const int numbers[2] = {SIGINT, SIGTERM};
    for (unsigned i = 0; i < 2; i++) {
        (void)uv_signal_init(&serve->loop, &serve->signals[i]);
        serve->signals[i].data = serve;
        (void)uv_signal_start(&serve->signals[i], signal_cb, numbers[i]);
    }
    int status = uv_tcp_open(&serve->listener, serve->ports.control_fd);
    if (!status)
        status = uv_listen((uv_stream_t *)&serve->listener, 16, connection_cb);
    if (status)
        return nv_fail(err, NV_E_FAILED, "listen: %s", uv_strerror(status));
    json_t *environment = nv_environment();
    serve->hello = nv_hello_frame(nv_clock_identity(identity), environment);
    json_decref(environment);
    return NV_OK;
}

static int parse_options(struct serve_options *options, int argc, char **argv, struct nv_error *err)
{
    const struct nv_option *const tables[] = {nv_serve_options, NULL};
    struct nv_arguments arguments = {argc, argv, 1};
    struct nv_argument argument;
    int got;
    nv_options_reset(nv_serve_options, options);
    while ((got = nv_arguments_next(&arguments, tables, &argument, err)) > 0)
        if (!argument.option)
            return nv_fail(err, NV_E_USAGE, "serve: '%.60s' is not an option", argument.text);
        else if (nv_option_set(argument.option, options, argument.text, err))
            return err->code;
    return got;
}

static void serve_loop(struct serve *serve)
{
    char text[NV_ADDRESS_TEXT_BYTES];
    unsigned port = nv_address_port(&serve->address);
    (void)printf("netversus serve: listening on %s/tcp (control), port %u/tcp and %u/udp (data)\n",
                 nv_address_text(&serve->address, text), port + 1, port + 1);
    /* Our parent may have died before we asked to die with it. */
    if (fflush(stdout) && serve->options.child)
        stop_serving(serve);
    (void)uv_run(&serve->loop, UV_RUN_DEFAULT);
    (void)close(serve->ports.tcp_fd);
    (void)close(serve->ports.udp_fd);
    NV_ASSERT(uv_loop_close(&serve->loop) == 0);
    json_decref(serve->hello);
}

int nv_serve_main(int argc, char **argv, struct nv_error *err)
{
    struct serve *serve = calloc(1, sizeof *serve);
    if (!serve)
        return nv_fail(err, NV_E_FAILED, "no memory");
    if (nv_wants_help(argc, argv)) {
        nv_print_help("serve", "be the far end", nv_serve_options, NULL);
        free(serve);
        return NV_OK;
    }
    if (parse_options(&serve->options, argc, argv, err) == NV_OK) {
        if (serve->options.child)
            (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (set_up(serve, err) == NV_OK)
            serve_loop(serve);
    }
    free(serve);
    return err->code;
}
