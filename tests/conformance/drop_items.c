/* Items 66 to 72: dropping calls, and what is left of them. */

#include <string.h>

#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* ---- from every state ---- */

/* In which state the next call is to be dropped, from inside the message that says so. */
static atomic_uint drop_in;
static atomic_int drop_request;

static void drop_there(const struct entry *entry)
{
    if (entry->kind != EVENT || entry->message != LINE_CALLSTATE) return;
    unsigned state = (unsigned)entry->p1;
    struct call *call = call_of_handle(entry->call);
    if (call == NULL || call->line != line_if_known("20")) return;
    if (!atomic_compare_exchange_strong(&drop_in, &state, 0)) return;
    drop_request = drop(call);
}

static bool was_dropped(void *unused)
{
    (void)unused;
    return drop_request != 0;
}

static void must_end(struct call *call)
{
    bool dropped = wait_until(was_dropped, NULL, SOON_MS);
    CHECK(dropped, "the call did not come into the state, %s", log_tail(0, call->ht));
    LONG request = drop_request;
    drop_request = 0;
    MUST(request);
    await_state(call, LINECALLSTATE_IDLE);
    struct pattern idle = {.kind = EVENT, .call = call->ht, .message = LINE_CALLSTATE,
                           .p1 = LINECALLSTATE_IDLE};
    CHECK(log_count(session.began, &idle) == 1, "IDLE came more than once");
}

static struct call *incoming(struct line *line)
{
    place start = log_end();
    control("call 21 20");
    return await_new_call(line, start);
}

static void drop_in_every_state(void)
{
    drop_in = 0;
    drop_request = 0;
    session_start((struct setup){0});
    struct line *line = open_line(20);
    atomic_store(&on_callback, drop_there);

    drop_in = LINECALLSTATE_OFFERING;
    must_end(incoming(line));

    drop_in = LINECALLSTATE_CONNECTED;
    struct call *call = incoming(line);
    await_state(call, LINECALLSTATE_OFFERING);
    MUST(answer(call));
    must_end(call);

    drop_in = LINECALLSTATE_ONHOLD;
    call = connected_call(line, 21);
    control("hold 20");
    must_end(call);

    drop_in = LINECALLSTATE_DISCONNECTED;
    call = connected_call(line, 21);
    control("hangup 21");
    must_end(call);

    drop_in = LINECALLSTATE_DIALING;
    must_end(dial(line, "0301234567"));

    drop_in = LINECALLSTATE_RINGBACK;
    must_end(dial(line, "21"));
}

/* ---- twice ---- */

static void drop_twice(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = connected_call(line, 21);
    LONG first = drop(call), second = drop(call);
    CHECK(first > 0 && second > 0 && first != second, "the drops gave %s and %s",
          name_of_result(first), name_of_result(second));
    MUST(first);
    MUST(second);
    await_state(call, LINECALLSTATE_IDLE);
    /* With a PBX that does nothing the first is surely pending. */
    call = connected_call(line, 22);
    control_until_end("silent 20 on", "silent 20 off");
    first = drop(call);
    second = drop(call);
    MUST(first);
    MUST(second);
    await_state(call, LINECALLSTATE_IDLE);
}

/* ---- after the end ---- */

static void idle_calls_can_be_read(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = connected_call(line, 21);
    DWORD id = call_info(call)->dwCallID;
    control("hangup 21");
    await_state(call, LINECALLSTATE_IDLE);
    const LINECALLINFO *info = call_info(call);
    CHECK(info->dwCallID == id && is_text(TEXT_OF(info, CallerID), "21"),
          "the idle call has id %#x, it was %#x", (unsigned)info->dwCallID, (unsigned)id);
    const LINECALLSTATUS *status = call_status(call);
    CHECK(status->dwCallState == LINECALLSTATE_IDLE && status->dwCallFeatures == 0,
          "state %s, features %#x", name_of_state(status->dwCallState),
          (unsigned)status->dwCallFeatures);
    /* That nothing follows IDLE is judged after the session; here is more to be silent about. */
    MUST(drop(connected_call(line, 22)));
    EXPECT(TSPI(lineSetAppSpecific, call->hd, 7), 0);
    info = call_info(call);
    CHECK(info->dwCallID == id, "later its id is %#x", (unsigned)info->dwCallID);
}

static void closed_calls_are_gone(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = connected_call(line, 21);
    close_call(call);
    control("hold 20");
    control("retrieve 20");
    control("hangup 21");
    struct call *next = connected_call(line, 22);
    struct pattern any = {.kind = EVENT, .call = call->ht, .any_message = true};
    CHECK(log_find(call->closed_at, &any) == NOWHERE, "%s", log_tail(0, call->ht));
    LINECALLSTATUS status;
    EXPECT(peek_call_status(call->hd, &status), ERR(INVALCALLHANDLE));
    EXPECT(TSPI(lineGetCallInfo, call->hd, structure(ROOM, sizeof(LINECALLINFO))),
           ERR(INVALCALLHANDLE));
    EXPECT(drop(call), ERR(INVALCALLHANDLE));
    EXPECT(TSPI(lineCloseCall, call->hd), ERR(INVALCALLHANDLE));
    CHECK(next->hd != call->hd, "the handle was given again");
}

static void close_waits_for_drop(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    for (int i = 0; i < 10; i++) {
        struct call *call = connected_call(line, 21);
        if (i == 9) control_until_end("silent 20 on", "silent 20 off");
        LONG request = drop(call);
        close_call(call);
        CHECK(request > 0, "lineDrop gave %s", name_of_result(request));
        struct pattern completion = {.kind = COMPLETION, .request = (DRV_REQUESTID)request};
        place at = log_find(session.began, &completion);
        CHECK(at != NOWHERE && at < call->closed_at,
              "lineCloseCall returned before lineDrop was completed");
        if (i == 9) control("silent 20 off");
        control_clear_calls();
    }
}

static void closed_call_goes_on(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = connected_call(line, 21);
    unsigned clears = control_number("count UserClear");
    place closed = log_end();
    close_call(call);
    CHECK(control_number("count UserClear") == clears, "the PBX was asked to clear the call");
    CHECK(strcmp(control("calls"), "[]") != 0, "the call is gone");
    control("hold 20");
    control("retrieve 20");
    control("identify 20 Somebody");
    control("hangup 21");
    /* The next call of the line comes later than all that was to be told of the closed one. */
    struct pattern new_call = {.kind = EVENT, .line = line->ht, .message = LINE_NEWCALL,
                               .any_p1 = true};
    offered_call(line, 22);
    CHECK(log_count(closed, &new_call) == 1, "the closed call was announced again");
}

static void ends_without_anyone(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = connected_call(line, 21);
    control("hangup 21");
    await_state(call, LINECALLSTATE_DISCONNECTED);
    await_state(call, LINECALLSTATE_IDLE);
    struct call *out = dial(line, "0301234567");
    control("far answer 20");
    await_state(out, LINECALLSTATE_CONNECTED);
    control("far hangup 20");
    await_state(out, LINECALLSTATE_DISCONNECTED);
    await_state(out, LINECALLSTATE_IDLE);
}

const struct item drop_items[] = {
    {66, "lineDrop ends a call in any state, once", drop_in_every_state, 90},
    {67, "a second lineDrop does no harm", drop_twice, 90},
    {68, "an idle call can be read until it is closed", idle_calls_can_be_read, 0},
    {69, "a closed call is silent and its handle dead", closed_calls_are_gone, 0},
    {70, "lineCloseCall completes a drop before it returns", close_waits_for_drop, 90},
    {71, "a closed call goes on at the PBX and is not announced again", closed_call_goes_on, 0},
    {72, "a call ends for the line though nobody drops it", ends_without_anyone, 0},
    {ITEMS_END, NULL, NULL, 0},
};
