/* SPDX-License-Identifier: MIT */
#include "floor_uring.h"

#include <liburing.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "bare.h"

#define ENTRIES 128u
#define BUFFERS 32u /* a power of two */
#define GROUP 0

enum purpose { RECEIVE, SEND };

struct completion {
    enum purpose purpose;
    int result; /* bytes, or -errno */
    unsigned flags;
};

struct uring {
    struct io_uring ring;
    struct io_uring_buf_ring *free_buffers;
    uint8_t *buffers;
    size_t buffer_bytes;
    int fd;
    bool stream, armed;
};

/* liburing returns -errno. */
static int check_ring(int result, const char *what)
{
    if (result < 0) {
        errno = -result;
        fail(what);
    }
    return result;
}

static void give_buffer(struct uring *self, unsigned id)
{
    io_uring_buf_ring_add(self->free_buffers, self->buffers + id * self->buffer_bytes,
                          (unsigned)self->buffer_bytes, (unsigned short)id,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(self->free_buffers, 1);
}

static void open_buffers(struct uring *self, size_t receive_bytes)
{
    void *ring = mmap(NULL, BUFFERS * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
                      MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    self->buffer_bytes = receive_bytes;
    self->buffers = calloc(BUFFERS, receive_bytes);
    if (ring == MAP_FAILED || !self->buffers)
        fail("no memory for buffers");
    self->free_buffers = ring;
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)ring, .ring_entries = BUFFERS, .bgid = GROUP};
    check_ring(io_uring_register_buf_ring(&self->ring, &registration, 0),
               "io_uring has no ring of buffers");
    io_uring_buf_ring_init(self->free_buffers);
    for (unsigned id = 0; id < BUFFERS; id++)
        give_buffer(self, id);
}

struct uring *uring_open(int fd, size_t receive_bytes)
{
    struct uring *self = calloc(1, sizeof *self);
    int type = 0;
    socklen_t len = sizeof type;
    if (!self)
        fail("calloc");
    self->fd = fd;
    (void)check(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len), "SO_TYPE");
    self->stream = type == SOCK_STREAM;
    /* From Linux 6.1 completions may wait until they are asked for. */
    if (io_uring_queue_init(ENTRIES, &self->ring,
                            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN))
        check_ring(io_uring_queue_init(ENTRIES, &self->ring, 0), "no io_uring here");
    open_buffers(self, receive_bytes);
    return self;
}

static struct io_uring_sqe *prepare_send(struct uring *self, const void *bytes, size_t len_bytes)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);
    /* A short send of a stream would let the next one overtake its rest. */
    io_uring_prep_send(sqe, self->fd, bytes, len_bytes,
                       MSG_NOSIGNAL | (self->stream ? MSG_WAITALL : 0));
    io_uring_sqe_set_data64(sqe, SEND);
    return sqe;
}

void uring_queue(struct uring *self, const void *bytes, size_t len_bytes)
{
    prepare_send(self, bytes, len_bytes)->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

static void arm(struct uring *self)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);
    io_uring_prep_recv_multishot(sqe, self->fd, NULL, 0, 0);
    io_uring_sqe_set_data64(sqe, RECEIVE);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    self->armed = true;
}

/* The next completion; if there is none, hands in what is queued and waits for some. */
static struct completion next(struct uring *self, unsigned wait_for)
{
    struct io_uring_cqe *cqe;
    while (io_uring_peek_cqe(&self->ring, &cqe)) {
        int result = io_uring_submit_and_wait(&self->ring, wait_for);
        if (result != -EINTR)
            check_ring(result, "io_uring_enter");
    }
    struct completion copy = {(enum purpose)cqe->user_data, cqe->res, cqe->flags};
    io_uring_cqe_seen(&self->ring, cqe);
    return copy;
}

ssize_t uring_receive(struct uring *self)
{
    for (;;) {
        if (!self->armed)
            arm(self);
        struct completion done = next(self, 1);
        if (done.purpose == SEND)
            check_ring(done.result, "send");
        self->armed = done.flags & IORING_CQE_F_MORE;
        if (done.flags & IORING_CQE_F_BUFFER)
            give_buffer(self, done.flags >> IORING_CQE_BUFFER_SHIFT);
        if (done.result != -ENOBUFS)
            return check_ring(done.result, "io_uring multishot receive (Linux 6.0)");
    }
}

ssize_t uring_send(struct uring *self, const void *bytes, size_t len_bytes, unsigned count)
{
    ssize_t sent_bytes = 0;
    int refusal = 0;
    for (unsigned i = 0; i < count; i++)
        if (self->stream && i + 1 < count)
            prepare_send(self, bytes, len_bytes)->flags |= IOSQE_IO_LINK;
        else
            (void)prepare_send(self, bytes, len_bytes);
    for (unsigned i = 0; i < count; i++) {
        int result = next(self, count - i).result;
        sent_bytes += result > 0 ? result : 0;
        refusal = result < 0 && !refusal ? -result : refusal;
    }
    errno = refusal;
    return refusal ? -1 : sent_bytes;
}
