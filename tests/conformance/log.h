/* What the host has seen: one log for the whole session, written by any thread without a lock.
 *
 * The order of the log is the order in which callbacks began and functions were entered and left.
 * Only the thread that runs an item waits on it.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <tspi.h>

enum kind {
    EVENT,      /* LINEEVENT of an open line */
    CREATION,   /* LINEEVENT through the procedure given to providerEnumDevices */
    COMPLETION, /* ASYNC_COMPLETION */
    ENTER,      /* the host calls a function */
    LEAVE,      /* the function returned */
};

struct entry {
    enum kind kind;
    uint64_t at_us;
    uint32_t thread;
    /* Callbacks of the provider below this one on the same thread's stack. */
    unsigned nesting;
    /* Whether the frame directly below is a callback, not a function the host called. */
    bool inside_callback;
    HTAPILINE line;
    HTAPICALL call; /* for LINE_NEWCALL: what the host gave */
    DWORD message;
    DWORD_PTR p1, p2, p3;
    DRV_REQUESTID request; /* COMPLETION, and ENTER and LEAVE of asynchronous functions */
    LONG result;           /* COMPLETION, LEAVE */
    const char *function;  /* ENTER, LEAVE */
};

typedef uint32_t place; /* a position in the log */
#define NOWHERE ((place)-1)

/* Forgets everything; only between sessions. */
void log_clear(void);
/* Appends; fills in time and thread. */
place log_append(struct entry entry);
/* The position behind the last entry that can be read. */
place log_end(void);
const struct entry *log_at(place at);
/* Entries that did not fit. */
uint32_t log_lost(void);
/* Waits until something is appended behind `end`, or `ms` are over. */
void log_wait(place end, unsigned ms);

/* What to look for. Members left at 0 match anything, but for those with a flag of their own. */
struct pattern {
    enum kind kind;
    HTAPILINE line;
    HTAPICALL call;
    bool any_message;
    DWORD message;
    bool any_p1; /* p1 matters unless set */
    DWORD_PTR p1;
    DWORD_PTR p1_bits; /* instead: all of these bits are in p1 */
    DRV_REQUESTID request;
    const char *function;
};

/* The first entry at or behind `from` that matches, NOWHERE if there is none yet. */
place log_find(place from, const struct pattern *pattern);
unsigned log_count(place from, const struct pattern *pattern);

/* One entry as a line of text, for people. The text lives until the next call on this thread. */
const char *log_text(const struct entry *entry);
/* The last few entries about a line or call (or all for 0), for the reason of a failure. */
const char *log_tail(HTAPILINE line, HTAPICALL call);

#endif
