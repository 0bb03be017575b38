/* The host's side of LINEEVENT and ASYNC_COMPLETION, and the ids it gives out. */

#include "host.h"
#include "names.h"

unsigned dawdle_ms;

enum frame { IN_FUNCTION = 1, IN_CALLBACK, FRAMES = 64 };

/* What this thread is in the middle of: functions of the provider and callbacks of the host. */
static _Thread_local struct {
    unsigned depth, callbacks;
    unsigned char frames[FRAMES];
    DRV_REQUESTID request;
    const char *function;
    place left_at;
} stack;

_Atomic(void (*)(const struct entry *)) on_callback;
atomic_int new_calls_to_refuse;
const HPROVIDER the_provider = (HPROVIDER)(uintptr_t)0x5A5A;

struct call calls[CALLS];
atomic_uint call_count;
unsigned calls_before;

enum { FIRST_CALL_HANDLE = 0x10000 };

static struct request requests[REQUESTS];
static atomic_uint next_id = 1;
DRV_REQUESTID first_request = 1;

static void push(enum frame frame)
{
    if (stack.depth < FRAMES) stack.frames[stack.depth] = (unsigned char)frame;
    stack.depth++;
}

/* What a host does now and then: something else. */
static void dawdle(void)
{
    static _Thread_local uint32_t dice;
    if (dawdle_ms == 0) return;
    if (dice == 0) dice = (uint32_t)clock_us() | 1;
    dice = dice * 1664525 + 1013904223;
    pause_ms((dice >> 16) % (dawdle_ms + 1));
}

/* ---- calling the provider ---- */

void enter(const char *function)
{
    log_append((struct entry){.kind = ENTER, .function = function});
    push(IN_FUNCTION);
}

LONG leave(const char *function, LONG result)
{
    stack.depth--;
    stack.left_at =
        log_append((struct entry){.kind = LEAVE, .function = function, .result = result});
    return result;
}

place left_at(void)
{
    return stack.left_at;
}

DRV_REQUESTID next_request(void)
{
    return atomic_load(&next_id);
}

struct request *request_of(DRV_REQUESTID id)
{
    return &requests[id % REQUESTS];
}

void asking(const char *function)
{
    DRV_REQUESTID id = atomic_fetch_add(&next_id, 1);
    struct request *request = request_of(id);
    request->function = function;
    atomic_store(&request->completions, 0);
    atomic_store(&request->completed_at, NOWHERE);
    atomic_store(&request->fate, ISSUED);
    stack.request = id;
    stack.function = function;
    log_append((struct entry){.kind = ENTER, .function = function, .request = id});
    push(IN_FUNCTION);
}

DRV_REQUESTID asking_id(void)
{
    return stack.request;
}

LONG asked(LONG result)
{
    dawdle();
    stack.depth--;
    struct request *request = request_of(stack.request);
    log_append((struct entry){.kind = LEAVE,
                              .function = stack.function,
                              .request = stack.request,
                              .result = result});
    if (result >= 0 && result != (LONG)stack.request)
        FAULT("%s returned %d: neither its request id %u nor an error", stack.function, (int)result,
              (unsigned)stack.request);
    atomic_store(&request->fate, result < 0 ? REFUSED : ACCEPTED);
    return result;
}

/* ---- calls ---- */

struct call *call_new(struct line *line, HDRVCALL hd, bool outbound)
{
    unsigned index = atomic_fetch_add(&call_count, 1);
    if (index >= CALLS) {
        atomic_fetch_sub(&call_count, 1);
        FAULT("more than %d calls in one session", CALLS);
        index = CALLS - 1;
    }
    struct call *call = &calls[index];
    call->hd = hd;
    call->line = line;
    call->ht_line = line->ht;
    call->outbound = outbound;
    call->request = 0;
    call->cursor = 0;
    atomic_store(&call->state, 0);
    atomic_store(&call->closing, false);
    atomic_store(&call->closed_at, NOWHERE);
    /* Never given twice in the life of this process, so that nothing late can be mistaken. */
    call->ht = (HTAPICALL)(uintptr_t)(FIRST_CALL_HANDLE + calls_before + index);
    return call;
}

struct call *call_of_handle(HTAPICALL ht)
{
    uintptr_t index = (uintptr_t)ht - FIRST_CALL_HANDLE - calls_before;
    return index < atomic_load(&call_count) ? &calls[index] : NULL;
}

/* ---- callbacks ---- */

static struct entry callback(enum kind kind)
{
    dawdle();
    unsigned top = stack.depth < FRAMES ? stack.depth : FRAMES;
    return (struct entry){.kind = kind,
                          .nesting = stack.callbacks,
                          .inside_callback = top > 0 && stack.frames[top - 1] == IN_CALLBACK};
}

/* Puts it into the log, with its place where an item may look for it, and does what the item wants
 * done at each callback. An item that found this one in the log and wants something else from then
 * on does not mean this one. */
static void tell(const struct entry *entry, atomic_uint *at)
{
    void (*hook)(const struct entry *) = atomic_load(&on_callback);
    place noted = log_append(*entry);
    if (at != NULL) atomic_store(at, noted);
    push(IN_CALLBACK);
    stack.callbacks++;
    if (hook != NULL) hook(entry);
    stack.callbacks--;
    stack.depth--;
    dawdle();
}

/* Gives a new call its handle, unless it is to be refused. */
static HTAPICALL take_new_call(HTAPILINE ht, DWORD_PTR p1, DWORD_PTR p2)
{
    struct line *line = line_of_handle(ht);
    if (line == NULL || p2 == 0) return 0;
    int left = atomic_load(&new_calls_to_refuse);
    while (left > 0)
        if (atomic_compare_exchange_weak(&new_calls_to_refuse, &left, left - 1)) return 0;
    HTAPICALL given = call_new(line, (HDRVCALL)p1, false)->ht;
    *(HTAPICALL *)p2 = given;
    return given;
}

void CALLBACK on_line_event(HTAPILINE line, HTAPICALL call, DWORD message, DWORD_PTR p1,
                            DWORD_PTR p2, DWORD_PTR p3)
{
    struct entry entry = callback(EVENT);
    entry.line = line;
    entry.call = call;
    entry.message = message;
    entry.p1 = p1;
    entry.p2 = p2;
    entry.p3 = p3;
    if (message == LINE_NEWCALL) {
        if (call != 0) FAULT("LINE_NEWCALL with htCall %p", (const void *)call);
        entry.call = take_new_call(line, p1, p2);
    }
    if (message == LINE_CALLSTATE) {
        struct call *known = call_of_handle(call);
        if (known != NULL) atomic_store(&known->state, (unsigned)p1);
    }
    tell(&entry, NULL);
}

void CALLBACK on_creation(HTAPILINE line, HTAPICALL call, DWORD message, DWORD_PTR p1, DWORD_PTR p2,
                          DWORD_PTR p3)
{
    struct entry entry = callback(CREATION);
    entry.line = line;
    entry.call = call;
    entry.message = message;
    entry.p1 = p1;
    entry.p2 = p2;
    entry.p3 = p3;
    tell(&entry, NULL);
}

void CALLBACK on_completion(DRV_REQUESTID id, LONG result)
{
    struct request *request = request_of(id);
    atomic_store(&request->result, result);
    /* Before the log says so: whoever finds it there may count. */
    atomic_fetch_add(&request->completions, 1);
    struct entry entry = callback(COMPLETION);
    entry.request = id;
    entry.result = result;
    tell(&entry, &request->completed_at);
}
