/* Item 45: sixteen threads use the provider at once, as a server with many clients does. */

#include "host.h"
#include "items.h"
#include "structures.h"

enum {
    THREADS = 16,
    RECENT = 256,        /* threads pick among so many of the latest calls */
    MOST_LIVE_CALLS = 24,
    CALL_EVERY_US = 12000,
    RESTLESS = FIRST_EXTENSION + EXTENSIONS - 1, /* this line is closed and opened all the time */
    RESTLESS_PAUSE_MS = 50,
};

static struct {
    atomic_bool over;
    _Atomic uint64_t next_call_us;
    atomic_uint questions, made;
} weather;

/* A sequence of its own for each thread; the same in each run. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static struct line *some_line(uint32_t random)
{
    return line_of(FIRST_EXTENSION + (int)(random % (EXTENSIONS - 1)));
}

static bool lives(const struct call *call)
{
    return call->state != 0 && call->state != LINECALLSTATE_IDLE && !call->closing;
}

/* The latest calls, newest first; how many there are. Not those of the restless line: they come anew
 * with each of its openings, their handles die with it, and they would soon be all there is to see. */
static unsigned recent_calls(struct call *recent[RECENT])
{
    const struct line *restless = line_of(RESTLESS);
    unsigned count = 0;
    for (unsigned i = call_count; i > 0 && count < RECENT; i--) {
        struct call *call = &calls[i - 1];
        if (call->line != restless) recent[count++] = call;
    }
    return count;
}

/* One of the latest calls, in whatever state, closed ones too: half of the picks are of those that
 * live. */
static struct call *some_call(uint32_t random)
{
    struct call *recent[RECENT];
    unsigned count = recent_calls(recent);
    if (count == 0) return NULL;
    struct call *call = recent[random % count];
    for (unsigned i = 0; random & 0x100 && !lives(call) && i < count; i++)
        call = recent[(random + i) % count];
    return call->hd != NULL ? call : NULL;
}

static unsigned live_calls(void)
{
    struct call *recent[RECENT];
    unsigned count = recent_calls(recent), live = 0;
    for (unsigned i = 0; i < count; i++) live += lives(recent[i]);
    return live;
}

static void place_a_call(uint32_t random)
{
    uint64_t now = clock_us(), due = weather.next_call_us;
    if (now < due || live_calls() >= MOST_LIVE_CALLS) return;
    if (!atomic_compare_exchange_strong(&weather.next_call_us, &due, now + CALL_EVERY_US)) return;
    char number[] = "20";
    unsigned extension = FIRST_EXTENSION + (random >> 8) % EXTENSIONS;
    number[0] = (char)('0' + extension / 10);
    number[1] = (char)('0' + extension % 10);
    const bool outside = (random >> 16) % 4 == 0;
    if (make_call(some_line(random), outside ? "0301234567" : number, NULL, NULL) > 0)
        weather.made++;
}

/* Questions that change nothing; what they answer is not looked at, only that they do. */
static void ask_questions(uint32_t random)
{
    const struct line *line = some_line(random);
    const struct call *call = some_call(random >> 4);
    static _Thread_local BYTE room[ROOM];
    DWORD a, b, c;
    LINEDEVCAPS *caps = (LINEDEVCAPS *)room;
    caps->dwTotalSize = ROOM;
    LONG result = provider.lineGetDevCaps(line->device, V3_0, 0, caps);
    if (result != 0) FAULT("lineGetDevCaps gave %#x", (unsigned)result);
    LINEDEVSTATUS status = {.dwTotalSize = sizeof status};
    result = provider.lineGetLineDevStatus(line->hd, &status);
    if (result != 0) FAULT("lineGetLineDevStatus gave %#x", (unsigned)result);
    LINEADDRESSSTATUS address = {.dwTotalSize = sizeof address};
    provider.lineGetAddressStatus(line->hd, 0, &address);
    if (call != NULL) {
        LINECALLINFO *info = (LINECALLINFO *)room;
        info->dwTotalSize = ROOM;
        provider.lineGetCallInfo(call->hd, info);
        LINECALLSTATUS now = {.dwTotalSize = sizeof now};
        provider.lineGetCallStatus(call->hd, &now);
        provider.lineGetCallIDs(call->hd, &a, &b, &c);
        provider.lineSetAppSpecific(call->hd, random);
    }
    weather.questions++;
}

static void one_step(uint32_t random)
{
    struct call *call = some_call(random >> 8);
    switch (random % 8) {
    case 0:
    case 1:
        place_a_call(random);
        break;
    case 2:
        if (call != NULL && call->state == LINECALLSTATE_OFFERING) answer(call);
        break;
    case 3:
        if (call != NULL && !call->closing && (random >> 20) % 4 == 0) drop(call);
        break;
    case 4:
        /* Mostly when it is over, at times in the middle of everything. */
        if (call != NULL && (call->state == LINECALLSTATE_IDLE || (random >> 20) % 64 == 0))
            close_call(call);
        break;
    case 5:
        TSPI(lineSetStatusMessages, some_line(random)->hd, random & 0xFFF, random & 0x1FF);
        break;
    default:
        ask_questions(random);
    }
}

static void blow(void *argument)
{
    uint32_t random = 0x9E3779B9u * (uint32_t)(uintptr_t)argument;
    while (!weather.over && !item_failed()) {
        one_step(next_random(&random));
        pause_ms(1 + random % 4);
    }
}

/* A call whose caller has closed it would else ring here to the end, and be new at each opening. */
static void drop_calls_of(const struct line *line, unsigned first)
{
    for (unsigned i = first; i < call_count; i++)
        if (calls[i].line == line && lives(&calls[i])) drop(&calls[i]);
}

static void open_and_close(void *unused)
{
    (void)unused;
    struct line *line = line_of(RESTLESS);
    while (!weather.over && !item_failed()) {
        unsigned before = call_count;
        if (try_open(line, V3_0) != 0) FAULT("the restless line does not open again");
        pause_ms(RESTLESS_PAUSE_MS);
        drop_calls_of(line, before);
        close_line(line);
    }
}

static bool storm_is_over(void *end_us)
{
    return clock_us() >= *(uint64_t *)end_us || item_failed();
}

void storm(void)
{
    session_start((struct setup){0});
    for (int i = 0; i < EXTENSIONS - 1; i++) open_line(FIRST_EXTENSION + i);
    weather.over = false;
    weather.questions = weather.made = 0;
    struct thread *threads[THREADS];
    threads[0] = thread_start(open_and_close, NULL);
    for (uintptr_t i = 1; i < THREADS; i++) threads[i] = thread_start(blow, (void *)i);
    uint64_t end = clock_us() + (uint64_t)storm_seconds * 1000000;
    wait_until(storm_is_over, &end, storm_seconds * 1000 + SOON_MS);
    weather.over = true;
    for (int i = 0; i < THREADS; i++)
        CHECK(thread_join(threads[i], SOON_MS), "thread %d does not come back", i);
    for (unsigned i = 0; i < call_count; i++)
        if (calls[i].line->open && calls[i].ht_line == calls[i].line->ht && !calls[i].closing &&
            calls[i].state != 0 && calls[i].state != LINECALLSTATE_IDLE)
            drop(&calls[i]);
    await_all_completed();
    unsigned restless = 0;
    for (unsigned i = 0; i < call_count; i++) restless += calls[i].line == line_of(RESTLESS);
    note("%u calls made, %u seen, %u of them at the restless line", weather.made, call_count, restless);
    CHECK(weather.made >= 5 * storm_seconds, "only %u calls and %u rounds of questions: no storm",
          weather.made, weather.questions);
}
