/* SPDX-License-Identifier: MIT */
#include "measure/bitmap.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

/* 2^48 bits are 32 TB of address space: no run is longer, and no size below overflows. */
#define BITS_MAX (1ull << 48)

static size_t size_of(uint64_t bits)
{
    return (size_t)(bits / 64 + 1) * sizeof(uint64_t);
}

int nv_bitmap_init(struct nv_bitmap *bitmap, uint64_t bits, struct nv_error *err)
{
    *bitmap = (struct nv_bitmap){0};
    if (bits > BITS_MAX)
        return nv_fail(err, NV_E_FAILED, "%llu messages are too many to tell apart",
                       (unsigned long long)bits);
    void *memory = mmap(NULL, size_of(bits), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return nv_fail_errno(err, NV_E_FAILED, errno, "no address space for %llu messages",
                             (unsigned long long)bits);
    *bitmap = (struct nv_bitmap){.words = memory, .bits = bits};
    return NV_OK;
}

void nv_bitmap_dispose(struct nv_bitmap *bitmap)
{
    if (bitmap->words)
        (void)munmap(bitmap->words, size_of(bitmap->bits));
    *bitmap = (struct nv_bitmap){0};
}

/* First bit in [from, to) that is set (invert 0) or clear (invert ~0); to when there is none. All
 * is clear from the end on, however far off `to` is. */
static uint64_t next_bit(const struct nv_bitmap *bitmap, uint64_t from, uint64_t to,
                         uint64_t invert)
{
    uint64_t end = to < bitmap->bits ? to : bitmap->bits;
    while (from < end) {
        uint64_t word = (bitmap->words[from >> 6] ^ invert) >> (from & 63);
        if (word) {
            from += (uint64_t)__builtin_ctzll(word);
            return from < to ? from : to;
        }
        from = (from | 63) + 1;
    }
    return invert && from < to ? from : to;
}

void nv_bitmap_clear_runs(const struct nv_bitmap *bitmap, uint64_t from, uint64_t to,
                          void (*visit)(void *context, uint64_t from, uint64_t to), void *context)
{
    uint64_t first = next_bit(bitmap, from, to, ~0ull);
    while (first < to) {
        uint64_t end = next_bit(bitmap, first, to, 0);
        visit(context, first, end);
        first = next_bit(bitmap, end, to, ~0ull);
    }
}
