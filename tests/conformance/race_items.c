/* Items 130 to 135: requests that race, calls that end under them, a PBX that is silent, and hosts
 * that take their time. */

#include <string.h>

#include "features.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* ---- two requests for one call ---- */

typedef LONG asked_of_call(struct call *call);

static LONG ask_hold(struct call *call)
{
    return hold(call);
}

static LONG ask_unhold(struct call *call)
{
    return unhold(call);
}

static LONG ask_transfer(struct call *call)
{
    return blind_transfer(call, "23");
}

static LONG ask_drop(struct call *call)
{
    return drop(call);
}

/* Waits for what was accepted; how many were. */
static unsigned await_both(LONG first, LONG second)
{
    unsigned accepted = 0;
    const LONG both[] = {first, second};
    for (int i = 0; i < 2; i++) {
        if (both[i] <= 0) continue;
        accepted++;
        await_completion(both[i]);
    }
    return accepted;
}

static void two_at_once(void)
{
    static asked_of_call *const pairs[][2] = {
        {ask_hold, ask_hold}, {ask_hold, ask_unhold},   {ask_hold, ask_drop},
        {ask_drop, ask_hold}, {ask_transfer, ask_drop}, {ask_drop, ask_transfer},
        {ask_hold, ask_transfer},
    };
    session_start((struct setup){0});
    needs_claim(HOLD);
    struct line *line = open_line(20);
    for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct call *call = connected_call(line, 21);
        LONG first = pairs[i][0](call), second = pairs[i][1](call);
        CHECK(first > 0, "pair %u: the first was refused with %s", i, name_of_result(first));
        CHECK(await_both(first, second) >= 1, "pair %u: none was accepted", i);
        /* What the call is now, it is at the PBX too: it can still be dropped, and is then over. */
        LONG request = drop(call);
        if (request > 0) MUST(request);
        await_state(call, LINECALLSTATE_IDLE);
        close_call(call);
        control_clear_calls();
        await_quiet_pbx();
    }
}

/* ---- calls that end under a request ---- */

enum { AT_ONCE_MS = 2000 };

/* The PBX does nothing, and then the far end hangs up. */
static void must_fail_at_once(struct call *call, LONG request, const char *far_end)
{
    CHECK(request > 0, "it was refused with %s", name_of_result(request));
    control("hangup %s", far_end);
    LONG result = await_completion_within(request, AT_ONCE_MS);
    CHECK(result < 0, "it was completed with 0 though the call ended");
    await_state(call, LINECALLSTATE_IDLE);
    control("silent 20 off");
    close_call(call);
    await_quiet_pbx();
}

static void ended_meanwhile(void)
{
    session_start((struct setup){0});
    needs_claim(HOLD);
    struct line *line = open_line(20);
    control_until_end("silent 20 off", "silent 20 off");
    struct call *call = connected_call(line, 21);
    control("silent 20 on");
    must_fail_at_once(call, hold(call), "21");
    call = offered_call(line, 21);
    control("silent 20 on");
    must_fail_at_once(call, answer(call), "21");
    call = offered_call(line, 21);
    control("silent 20 on");
    must_fail_at_once(call, redirect(call, "23"), "21");
    call = connected_call(line, 21);
    control("silent 20 on");
    must_fail_at_once(call, blind_transfer(call, "23"), "21");
    call = connected_call(line, 21);
    MUST(hold(call));
    control("silent 20 on");
    must_fail_at_once(call, unhold(call), "21");
    /* The end of the call is what lineDrop was to bring about. */
    call = connected_call(line, 21);
    control("silent 20 on");
    LONG request = drop(call);
    control("hangup 21");
    LONG result = await_completion_within(request, AT_ONCE_MS);
    CHECK(result == 0, "lineDrop of a call that ended was completed with %s",
          name_of_result(result));
}

/* ---- a PBX that does not act ---- */

static void nothing_happens(void)
{
    session_start((struct setup){0});
    needs_claim(COMPLETE);
    struct line *line = open_line(20), *other = open_line(24), *third = open_line(26);
    struct line *fourth = open_line(28);
    struct call *held = connected_call(line, 21);
    MUST(hold(held));
    struct call *active = connected_call(line, 22);
    struct call *connected = connected_call(other, 25), *sent = connected_call(third, 27);
    struct call *offered = offered_call(fourth, 29);
    control_until_end("silent 20 on", "silent 20 off");
    control_until_end("silent 24 on", "silent 24 off");
    control_until_end("silent 26 on", "silent 26 off");
    control_until_end("silent 28 on", "silent 28 off");
    control_until_end("silent 31 on", "silent 31 off");
    struct line *picking = open_line(31);
    const LONG requests[] = {
        swap(active, held), hold(connected), blind_transfer(sent, "23"), redirect(offered, "23"),
        pick_up(picking, "28", NULL, NULL),
    };
    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
        LONG result = await_completion_within(requests[i], TIME_OUT_MS);
        CHECK(result == ERR(OPERATIONFAILED), "request %u without effect was completed with %s", i,
              name_of_result(result));
    }
    const struct {
        struct call *call;
        DWORD state;
    } still[] = {{held, LINECALLSTATE_ONHOLD},
                 {active, LINECALLSTATE_CONNECTED},
                 {connected, LINECALLSTATE_CONNECTED},
                 {sent, LINECALLSTATE_CONNECTED},
                 {offered, LINECALLSTATE_OFFERING}};
    for (unsigned i = 0; i < sizeof still / sizeof *still; i++)
        CHECK(state_of(still[i].call) == still[i].state, "call %u is %s", i,
              name_of_state(state_of(still[i].call)));
    /* A failed request is forgotten: the same can be asked again. */
    LONG again = complete_transfer(held, active, LINETRANSFERMODE_TRANSFER);
    CHECK(again > 0, "it was refused with %s", name_of_result(again));
    CHECK(await_completion(again) == ERR(OPERATIONFAILED), "a transfer without effect succeeded");
    control("silent 20 off");
    MUST(complete_transfer(held, active, LINETRANSFERMODE_TRANSFER));
}

/* ---- hosts that take their time ---- */

enum { LONG_CALLBACK_MS = 2000 };

static atomic_bool in_callback, callback_over;

static void take_long(const struct entry *entry)
{
    if (entry->kind != EVENT || entry->message != LINE_CALLSTATE || in_callback) return;
    in_callback = true;
    pause_ms(LONG_CALLBACK_MS);
    callback_over = true;
}

static bool is_in_callback(void *unused)
{
    (void)unused;
    return in_callback;
}

static void long_callback(void)
{
    enum { SOON_ENOUGH_MS = 500, CALLS_MEANWHILE = 10 };
    in_callback = callback_over = false;
    session_start((struct setup){0});
    struct line *line = open_line(20), *other = open_line(24);
    struct call *call = connected_call(line, 21);
    atomic_store(&on_callback, take_long);
    control("hold 20");
    CHECK(wait_until(is_in_callback, NULL, SOON_MS), "no message came");
    uint64_t start = clock_us();
    CHECK(state_of(call) == LINECALLSTATE_ONHOLD, "the call is %s", name_of_state(state_of(call)));
    LONG requests[CALLS_MEANWHILE];
    for (int i = 0; i < CALLS_MEANWHILE; i++) requests[i] = make_call(other, "25", NULL, NULL);
    unsigned ms = (unsigned)((clock_us() - start) / 1000);
    CHECK(!callback_over && ms < SOON_ENOUGH_MS,
          "the functions waited %u ms for a callback of another line", ms);
    for (int i = 0; i < CALLS_MEANWHILE; i++)
        if (requests[i] > 0) await_completion(requests[i]);
    control("retrieve 20");
    await_state(call, LINECALLSTATE_ONHOLD);
    await_state(call, LINECALLSTATE_CONNECTED);
}

static atomic_bool closed_inside;

static void close_there(const struct entry *entry)
{
    if (entry->kind != EVENT || entry->message != LINE_CALLSTATE) return;
    struct line *line = line_of_handle(entry->line);
    const struct call *call = call_of_handle(entry->call);
    /* What the opening found still going on from the turn before is not meant. */
    if (line == NULL || line != line_if_known("20") || call == NULL || !call->outbound) return;
    if (!atomic_exchange(&closed_inside, true)) close_line(line);
}

static bool is_closed_inside(void *unused)
{
    (void)unused;
    return closed_inside && !line_of(20)->open;
}

static void closed_in_a_callback(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20), *other = open_line(21);
    for (int i = 0; i < 5; i++) {
        closed_inside = false;
        place start = log_end();
        struct call *call;
        atomic_store(&on_callback, close_there);
        LONG request = make_call(line, "21", NULL, &call);
        CHECK(wait_until(is_closed_inside, NULL, SOON_MS), "the line was not closed");
        atomic_store(&on_callback, NULL);
        await_completion(request);
        /* The call goes on. Its end is waited for: what is told of it is not to be taken for the
         * next one. That nothing comes for the line from there on is judged after the session. */
        struct call *received = await_new_call(other, start);
        control_clear_calls();
        await_state(received, LINECALLSTATE_IDLE);
        EXPECT(try_open(line, V3_0), 0);
        await_in_service(line);
    }
    connected_call(other, 22);
}

const struct item race_items[] = {
    {130, "two requests for one call are each completed once", two_at_once, 120},
    {131, "a request whose call ends is completed then, not at its deadline", ended_meanwhile, 90},
    {132, "what the PBX does not do fails and changes nothing", nothing_happens, 120},
    {133, "a host that stays in a callback holds up nobody who asks", long_callback, 90},
    {134, "a host can close the line in its callback", closed_in_a_callback, 90},
    {ITEMS_END, NULL, NULL, 0},
};
