#include "log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "platform.h"

enum { CAPACITY = 1 << 20, TAIL = 6 };

struct slot {
    struct entry entry;
    atomic_bool ready;
};

static struct slot *slots; /* touched page by page as it fills */
static atomic_uint next;
static atomic_uint lost;
static atomic_uint readable; /* up to here every entry is complete; may lag behind */
static struct bell *bell;

void log_clear(void)
{
    if (bell == NULL) bell = bell_new();
    if (slots == NULL) slots = calloc(CAPACITY, sizeof *slots);
    place used = atomic_load(&next);
    memset(slots, 0, (used < CAPACITY ? used : CAPACITY) * sizeof *slots);
    atomic_store(&next, 0);
    atomic_store(&lost, 0);
    atomic_store(&readable, 0);
}

place log_append(struct entry entry)
{
    entry.at_us = clock_us();
    entry.thread = thread_id();
    place at = atomic_fetch_add(&next, 1);
    if (at >= CAPACITY) {
        atomic_fetch_sub(&next, 1);
        atomic_fetch_add(&lost, 1);
        return NOWHERE;
    }
    slots[at].entry = entry;
    atomic_store_explicit(&slots[at].ready, true, memory_order_release);
    bell_ring(bell);
    return at;
}

place log_end(void)
{
    place end = atomic_load(&readable);
    while (end < CAPACITY && atomic_load_explicit(&slots[end].ready, memory_order_acquire)) end++;
    atomic_store(&readable, end);
    return end;
}

const struct entry *log_at(place at)
{
    return &slots[at].entry;
}

uint32_t log_lost(void)
{
    return atomic_load(&lost);
}

void log_wait(place end, unsigned ms)
{
    if (log_end() == end) bell_wait(bell, ms);
}

static bool matches(const struct entry *entry, const struct pattern *pattern)
{
    if (entry->kind != pattern->kind) return false;
    if (pattern->line && entry->line != pattern->line) return false;
    if (pattern->call && entry->call != pattern->call) return false;
    if (pattern->request && entry->request != pattern->request) return false;
    if (pattern->function && (!entry->function || strcmp(entry->function, pattern->function) != 0))
        return false;
    if (entry->kind != EVENT && entry->kind != CREATION) return true;
    if (!pattern->any_message && entry->message != pattern->message) return false;
    if (pattern->any_message || pattern->any_p1) return true;
    if (pattern->p1_bits) return (entry->p1 & pattern->p1_bits) == pattern->p1_bits;
    return entry->p1 == pattern->p1;
}

place log_find(place from, const struct pattern *pattern)
{
    place end = log_end();
    for (place at = from; at < end; at++)
        if (matches(log_at(at), pattern)) return at;
    return NOWHERE;
}

unsigned log_count(place from, const struct pattern *pattern)
{
    unsigned count = 0;
    for (place at = log_find(from, pattern); at != NOWHERE; at = log_find(at + 1, pattern)) count++;
    return count;
}

const char *log_text(const struct entry *e)
{
    static _Thread_local char text[160];
    unsigned line = (unsigned)(uintptr_t)e->line, call = (unsigned)(uintptr_t)e->call;
    switch (e->kind) {
    case EVENT:
    case CREATION:
        if (e->message == LINE_CALLSTATE)
            snprintf(text, sizeof text, "line %#x call %#x %s(%#x)", line, call,
                     name_of_state((DWORD)e->p1), (unsigned)e->p2);
        else
            snprintf(text, sizeof text, "line %#x call %#x %s(%#llx, %#llx, %#llx)", line, call,
                     name_of_message(e->message), (unsigned long long)e->p1,
                     (unsigned long long)e->p2, (unsigned long long)e->p3);
        break;
    case COMPLETION:
        snprintf(text, sizeof text, "completion(%u, %s)", (unsigned)e->request,
                 name_of_result(e->result));
        break;
    case ENTER:
        snprintf(text, sizeof text, "> %s", e->function);
        break;
    case LEAVE:
        snprintf(text, sizeof text, "< %s = %s", e->function, name_of_result(e->result));
        break;
    }
    return text;
}

const char *log_tail(HTAPILINE line, HTAPICALL call)
{
    static _Thread_local char text[TAIL * 170];
    place found[TAIL];
    unsigned count = 0;
    for (place at = log_end(); at-- > 0 && count < TAIL;) {
        const struct entry *e = log_at(at);
        bool wanted = e->kind == COMPLETION || ((e->kind == EVENT || e->kind == CREATION) &&
                                                (!line || e->line == line) &&
                                                (!call || e->call == call));
        if (wanted) found[count++] = at;
    }
    size_t length = 0;
    length += (size_t)snprintf(text, sizeof text, "%s", count ? "last seen: " : "nothing was seen");
    while (count-- > 0)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s",
                                   log_text(log_at(found[count])), count ? "; " : "");
    return text;
}
