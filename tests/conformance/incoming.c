/* Items 57 to 65: calls that come in. */

#include <string.h>

#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* An outside number as the caller dials it from his side, and as users here dial it back. */
#define OUTSIDE "305550123"
#define OUTSIDE_FROM_HERE "0305550123"

/* ---- the first messages ---- */

static void must_begin_well(struct line *line, place start)
{
    struct call *call = await_new_call(line, start);
    await_state(call, LINECALLSTATE_OFFERING);
    struct pattern new_call = {.kind = EVENT, .line = line->ht, .message = LINE_NEWCALL,
                               .any_p1 = true};
    place born = log_find(start, &new_call);
    const struct entry *entry = log_at(born);
    CHECK(entry->p1 != 0 && entry->p3 == 0, "%s", log_text(entry));
    struct pattern any = {.kind = EVENT, .call = call->ht, .any_message = true};
    CHECK(log_find(start, &any) == born, "something came before LINE_NEWCALL");
    entry = log_at(log_find(born + 1, &any));
    CHECK(entry->message == LINE_CALLSTATE && entry->p1 == LINECALLSTATE_OFFERING &&
              entry->p2 <= LINEOFFERINGMODE_ACTIVE &&
              (entry->p3 == 0 || entry->p3 == LINEMEDIAMODE_INTERACTIVEVOICE),
          "after LINE_NEWCALL came %s", log_text(entry));
}

static void first_messages(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    place start = log_end();
    control("call 21 20");
    must_begin_well(line, start);
    start = log_end();
    control("ring 20 " OUTSIDE);
    must_begin_well(line, start);
}

/* ---- what is known when it rings ---- */

static struct {
    atomic_bool taken;
    LONG result;
    _Alignas(8) BYTE room[ROOM];
} at_offering;

static void look_at_offering(const struct entry *entry)
{
    if (entry->kind != EVENT || entry->message != LINE_CALLSTATE) return;
    if (entry->p1 != LINECALLSTATE_OFFERING || at_offering.taken) return;
    struct call *call = call_of_handle(entry->call);
    if (call == NULL) return;
    at_offering.result = peek_call_info(call->hd, at_offering.room);
    atomic_store(&at_offering.taken, true);
}

static bool offering_was_seen(void *unused)
{
    (void)unused;
    return at_offering.taken;
}

static void must_know(DWORD origin, const char *caller)
{
    CHECK(wait_until(offering_was_seen, NULL, SOON_MS), "no call was offered, %s", log_tail(0, 0));
    CHECK(at_offering.result == 0, "lineGetCallInfo gave %s", name_of_result(at_offering.result));
    const LINECALLINFO *info = (const LINECALLINFO *)at_offering.room;
    CHECK(info->dwOrigin == origin, "dwOrigin is %#x, not %#x", (unsigned)info->dwOrigin,
          (unsigned)origin);
    CHECK(info->dwCallerIDFlags & LINECALLPARTYID_ADDRESS, "dwCallerIDFlags is %#x",
          (unsigned)info->dwCallerIDFlags);
    const WCHAR *number = TEXT_OF(info, CallerID);
    CHECK(is_text(number, caller), "the caller is %s, not %s", number ? utf8(number) : "unknown",
          caller);
    number = TEXT_OF(info, CalledID);
    CHECK(is_text(number, "20"), "the called is %s", number ? utf8(number) : "unknown");
    CHECK(info->dwReason == LINECALLREASON_DIRECT, "dwReason is %#x", (unsigned)info->dwReason);
    CHECK(info->dwCallID != 0, "dwCallID is 0");
    at_offering.taken = false;
}

static void known_at_offering(void)
{
    at_offering.taken = false;
    session_start((struct setup){0});
    struct line *line = open_line(20);
    atomic_store(&on_callback, look_at_offering);
    place start = log_end();
    control("call 21 20");
    must_know(LINECALLORIGIN_INTERNAL, "21");
    struct call *call = await_new_call(line, start);
    MUST(drop(call));
    control("ring 20 " OUTSIDE);
    must_know(LINECALLORIGIN_EXTERNAL, OUTSIDE_FROM_HERE);
}

/* ---- refused for now ---- */

static void not_taken_for_now(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    new_calls_to_refuse = 2;
    place start = log_end();
    control("call 21 20");
    struct pattern new_call = {.kind = EVENT, .line = line->ht, .message = LINE_NEWCALL,
                               .any_p1 = true};
    place at = start;
    for (;;) {
        at = await_within(at, new_call, TIME_OUT_MS, "another LINE_NEWCALL");
        if (log_at(at)->call != 0) break;
        at++;
    }
    struct call *call = call_of_handle(log_at(at)->call);
    await_state(call, LINECALLSTATE_OFFERING);
    CHECK(log_count(start, &new_call) == 3, "LINE_NEWCALL came %u times",
          log_count(start, &new_call));
    for (place before = start; before < at; before++) {
        const struct entry *entry = log_at(before);
        bool of_a_call = entry->kind == EVENT && (entry->message == LINE_CALLSTATE ||
                                                  entry->message == LINE_CALLINFO);
        CHECK(!of_a_call, "of a call that was not taken came %s", log_text(entry));
    }
    MUST(answer(call));
}

/* ---- a name that comes late ---- */

static void late_name(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    place start = log_end();
    control("ring 20 " OUTSIDE);
    struct call *call = await_new_call(line, start);
    await_state(call, LINECALLSTATE_OFFERING);
    const LINECALLINFO *info = call_info(call);
    CHECK(!(info->dwCallerIDFlags & LINECALLPARTYID_NAME), "there is a name before it is told");
    control("identify 20 Late Arrival");
    struct pattern change = {.kind = EVENT, .call = call->ht, .message = LINE_CALLINFO,
                             .p1_bits = LINECALLINFOSTATE_CALLERID};
    await(start, change, "LINE_CALLINFO(CALLERID)");
    info = call_info(call);
    const WCHAR *name = TEXT_OF(info, CallerIDName);
    CHECK(is_text(name, "Late Arrival"), "the name is %s", name ? utf8(name) : "unknown");
    CHECK(info->dwCallerIDFlags == (LINECALLPARTYID_ADDRESS | LINECALLPARTYID_NAME),
          "dwCallerIDFlags is %#x", (unsigned)info->dwCallerIDFlags);
    struct pattern new_call = {.kind = EVENT, .line = line->ht, .message = LINE_NEWCALL,
                               .any_p1 = true};
    CHECK(log_count(start, &new_call) == 1, "the call was announced again");
}

/* ---- answering ---- */

static struct {
    _Atomic(HDRVCALL) call;
    atomic_uint request, state, seen;
} answered;

static void look_at_answer(const struct entry *entry)
{
    if (entry->kind != COMPLETION || answered.call == NULL) return;
    LINECALLSTATUS status;
    if (peek_call_status(answered.call, &status) != 0) return;
    answered.request = entry->request;
    answered.state = status.dwCallState;
    atomic_fetch_add(&answered.seen, 1);
}

static bool answer_was_seen(void *unused)
{
    (void)unused;
    return answered.seen > 0;
}

static void answer_connects(void)
{
    answered.seen = 0;
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = offered_call(line, 21);
    answered.call = call->hd;
    atomic_store(&on_callback, look_at_answer);
    LONG request = answer(call);
    MUST(request);
    wait_until(answer_was_seen, NULL, SOON_MS);
    CHECK(answered.seen == 1 && (LONG)answered.request == request, "%u completions", answered.seen);
    CHECK(answered.state == LINECALLSTATE_CONNECTED, "at the completion the state was %s",
          name_of_state(answered.state));
    const struct entry *entry = log_at(await_state(call, LINECALLSTATE_CONNECTED));
    CHECK(entry->p2 <= LINECONNECTEDMODE_ACTIVE, "%s", log_text(entry));
}

static LONG outcome(LONG request)
{
    return request > 0 ? await_completion(request) : request;
}

static void nothing_to_answer(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = connected_call(line, 21);
    EXPECT(outcome(answer(call)), ERR(INVALCALLSTATE));
    control("hold 20");
    await_state(call, LINECALLSTATE_ONHOLD);
    EXPECT(outcome(answer(call)), ERR(INVALCALLSTATE));
    control("hangup 21");
    await_state(call, LINECALLSTATE_IDLE);
    EXPECT(outcome(answer(call)), ERR(INVALCALLSTATE));
}

/* ---- abandoned ---- */

static void must_end_unanswered(struct call *call)
{
    await_state(call, LINECALLSTATE_IDLE);
    struct pattern state = {.kind = EVENT, .call = call->ht, .message = LINE_CALLSTATE,
                            .p1 = LINECALLSTATE_DISCONNECTED};
    CHECK(log_count(session.began, &state) == 1, "it was not DISCONNECTED once, %s",
          log_tail(0, call->ht));
    DWORD mode = (DWORD)log_at(log_find(session.began, &state))->p2;
    CHECK(mode != 0 && (mode & (mode - 1)) == 0, "disconnect mode %#x", (unsigned)mode);
    state.p1 = LINECALLSTATE_CONNECTED;
    CHECK(log_count(session.began, &state) == 0, "it was CONNECTED, %s", log_tail(0, call->ht));
}

static void caller_gives_up(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = offered_call(line, 21);
    control("hangup 21");
    must_end_unanswered(call);
    place start = log_end();
    control("ring 20 " OUTSIDE);
    call = await_new_call(line, start);
    await_state(call, LINECALLSTATE_OFFERING);
    control("far hangup 20");
    must_end_unanswered(call);
}

/* ---- ringing ---- */

static void rings_are_counted(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    EXPECT(TSPI(lineSetStatusMessages, line->hd, LINEDEVSTATE_RINGING, LINEADDRESSSTATE_INUSEONE),
           0);
    place start = log_end();
    struct call *call = offered_call(line, 21);
    struct pattern in_use = {.kind = EVENT, .line = line->ht, .message = LINE_ADDRESSSTATE,
                             .any_p1 = true};
    struct pattern ring = {.kind = EVENT, .line = line->ht, .message = LINE_LINEDEVSTATE,
                           .p1_bits = LINEDEVSTATE_RINGING};
    place at = start;
    for (DWORD count = 0; count < 3; count++) {
        at = await_within(at, ring, TIME_OUT_MS, "the next ring");
        const struct entry *entry = log_at(at++);
        CHECK(entry->p1 == LINEDEVSTATE_RINGING && entry->p2 == 1 && entry->p3 == count,
              "ring %u is %s", (unsigned)count, log_text(entry));
        CHECK(log_find(start, &in_use) < at, "the line rings before its address is in use");
    }
    unsigned between_ms = (unsigned)((log_at(at - 1)->at_us - log_at(start)->at_us) / 2000);
    MUST(answer(call));
    place answered_at = await_state(call, LINECALLSTATE_CONNECTED);
    /* Longer than from one ring to the next. */
    pause_ms(between_ms + QUIET_MS);
    CHECK(log_find(answered_at, &ring) == NOWHERE, "it rings on: %s", log_tail(line->ht, 0));
    MUST(drop(call));
    await_state(call, LINECALLSTATE_IDLE);
    /* Nor when the call is over unanswered. */
    start = log_end();
    call = offered_call(line, 21);
    at = await(start, ring, "the first ring");
    CHECK(log_at(at)->p3 == 0, "the first ring is %s", log_text(log_at(at)));
    control("hangup 21");
    place over_at = await_state(call, LINECALLSTATE_DISCONNECTED);
    pause_ms(between_ms + QUIET_MS);
    CHECK(log_find(over_at, &ring) == NOWHERE, "it rings on: %s", log_tail(line->ht, 0));
}

/* ---- one call, two legs ---- */

static void legs_share_an_id(void)
{
    session_start((struct setup){0});
    struct line *a = open_line(20), *b = open_line(21);
    place start = log_end();
    struct call *out = dial(a, "21");
    struct call *in = await_new_call(b, start);
    await_state(out, LINECALLSTATE_RINGBACK);
    DWORD id = call_info(out)->dwCallID;
    CHECK(id != 0 && call_info(in)->dwCallID == id, "the legs have ids %#x and %#x", (unsigned)id,
          (unsigned)call_info(in)->dwCallID);
    MUST(answer(in));
    await_state(out, LINECALLSTATE_CONNECTED);
    CHECK(call_info(out)->dwCallID == call_info(in)->dwCallID, "the ids part when answered");
    struct call *both[] = {out, in};
    for (int i = 0; i < 2; i++) {
        const LINECALLINFO *info = call_info(both[i]);
        DWORD address = 99, call_id = 99, related = 99;
        EXPECT(TSPI(lineGetCallIDs, both[i]->hd, &address, &call_id, &related), 0);
        CHECK(address == info->dwAddressID && call_id == info->dwCallID &&
                  related == info->dwRelatedCallID,
              "lineGetCallIDs says %u, %#x, %#x", (unsigned)address, (unsigned)call_id,
              (unsigned)related);
        address = 99;
        EXPECT(TSPI(lineGetCallAddressID, both[i]->hd, &address), 0);
        CHECK(address == 0, "lineGetCallAddressID says %u", (unsigned)address);
    }
}

const struct item incoming_items[] = {
    {57, "the first message of an incoming call is LINE_NEWCALL", first_messages, 0},
    {58, "who calls is known when the call is offered", known_at_offering, 0},
    {59, "of a call the host does not take nothing is told until it does", not_taken_for_now, 0},
    {60, "a name that comes later changes the call, it makes no new one", late_name, 0},
    {61, "lineAnswer connects before it completes", answer_connects, 0},
    {62, "only a waiting call can be answered", nothing_to_answer, 0},
    {63, "a caller who gives up leaves a disconnected, then idle call", caller_gives_up, 0},
    {64, "rings are counted from 0 and end with the answer", rings_are_counted, 90},
    {65, "both legs of a call have its id", legs_share_an_id, 0},
    {ITEMS_END, NULL, NULL, 0},
};
