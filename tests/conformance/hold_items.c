/* Items 73 to 75, 82 and 83: several calls of one line. */

#include "features.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* ---- counts ---- */

/* Active, held, pending; the line's and the address's counts must agree. */
static void check_counts(const struct line *line, DWORD active, DWORD held, DWORD pending)
{
    LINEDEVSTATUS status;
    EXPECT(peek_line_status(line->hd, &status), 0);
    CHECK(status.dwNumActiveCalls == active && status.dwNumOnHoldCalls == held &&
              status.dwNumOnHoldPendCalls == pending,
          "the line counts %u active, %u held, %u pending; not %u, %u, %u",
          (unsigned)status.dwNumActiveCalls, (unsigned)status.dwNumOnHoldCalls,
          (unsigned)status.dwNumOnHoldPendCalls, (unsigned)active, (unsigned)held,
          (unsigned)pending);
    LINEADDRESSSTATUS address;
    EXPECT(peek_address_status(line->hd, &address), 0);
    CHECK(address.dwNumActiveCalls == active && address.dwNumOnHoldCalls == held &&
              address.dwNumOnHoldPendCalls == pending,
          "the address counts %u active, %u held, %u pending", (unsigned)address.dwNumActiveCalls,
          (unsigned)address.dwNumOnHoldCalls, (unsigned)address.dwNumOnHoldPendCalls);
}

/* ---- what is known at the completion ---- */

static struct {
    _Atomic(struct call *) call;
    atomic_uint state, seen;
} completed;

static void look_at_completion(const struct entry *entry)
{
    struct call *call = atomic_load(&completed.call);
    if (entry->kind != COMPLETION || call == NULL) return;
    LINECALLSTATUS status;
    if (peek_call_status(call->hd, &status) != 0) return;
    completed.state = status.dwCallState;
    atomic_fetch_add(&completed.seen, 1);
}

static bool completion_was_seen(void *unused)
{
    (void)unused;
    return completed.seen > 0;
}

/* Completed with 0, and at that moment lineGetCallStatus shows the state. */
static void must_show(LONG request, DWORD state)
{
    MUST(request);
    CHECK(wait_until(completion_was_seen, NULL, SOON_MS), "the completion was not seen");
    CHECK(completed.state == state, "at the completion the state was %s, not %s",
          name_of_state(completed.state), name_of_state(state));
    completed.seen = 0;
}

/* ---- hold ---- */

static void held_and_back(void)
{
    completed.call = NULL;
    completed.seen = 0;
    session_start((struct setup){0});
    needs_claim(HOLD);
    struct line *line = open_line(20), *peer = open_line(21);
    atomic_store(&on_callback, look_at_completion);
    struct call *call = offered_call(line, 21);
    EXPECT(outcome(hold(call)), ERR(INVALCALLSTATE));
    EXPECT(outcome(unhold(call)), ERR(INVALCALLSTATE));
    MUST(answer(call));
    await_state(call, LINECALLSTATE_CONNECTED);
    struct call *peer_call = await_new_call(peer, session.began);
    await_state(peer_call, LINECALLSTATE_CONNECTED);
    for (int turn = 0; turn < 3; turn++) {
        check_counts(line, 1, 0, 0);
        CHECK(features_of(call) & LINECALLFEATURE_HOLD, "a connected call cannot be held");
        EXPECT(outcome(unhold(call)), ERR(INVALCALLSTATE));
        completed.call = call;
        completed.seen = 0;
        must_show(hold(call), LINECALLSTATE_ONHOLD);
        await_state(call, LINECALLSTATE_ONHOLD);
        check_counts(line, 0, 1, 0);
        CHECK(features_of(call) & LINECALLFEATURE_UNHOLD, "a held call cannot be taken back");
        CHECK(!(features_of(call) & LINECALLFEATURE_HOLD), "a held call can be held");
        CHECK(state_of(peer_call) == LINECALLSTATE_CONNECTED, "who is held is %s",
              name_of_state(state_of(peer_call)));
        check_counts(peer, 1, 0, 0);
        completed.call = NULL;
        EXPECT(outcome(hold(call)), ERR(INVALCALLSTATE));
        completed.call = call;
        completed.seen = 0;
        must_show(unhold(call), LINECALLSTATE_CONNECTED);
        await_state(call, LINECALLSTATE_CONNECTED);
        completed.call = NULL;
    }
    MUST(drop(call));
    await_state(call, LINECALLSTATE_IDLE);
    EXPECT(outcome(hold(call)), ERR(INVALCALLSTATE));
    EXPECT(outcome(unhold(call)), ERR(INVALCALLSTATE));
    check_counts(line, 0, 0, 0);
}

/* ---- swap ---- */

/* The most calls of one line that lineGetCallStatus called connected at any message. */
static atomic_uint most_connected;

static void look_for_two(const struct entry *entry)
{
    if (entry->kind != EVENT && entry->kind != COMPLETION) return;
    unsigned connected = 0;
    for (unsigned i = 0; i < call_count; i++) {
        LINECALLSTATUS status;
        struct call *call = &calls[i];
        if (call->line != line_if_known("20") || call->hd == NULL || call->closing) continue;
        if (peek_call_status(call->hd, &status) != 0) continue;
        connected += status.dwCallState == LINECALLSTATE_CONNECTED ||
                     status.dwCallState == LINECALLSTATE_CONFERENCED;
    }
    if (connected > most_connected) most_connected = connected;
}

/* A held call with 21 and a connected one with 22, on line 20. */
static void two_calls(struct line *line, struct call **held, struct call **active)
{
    *held = connected_call(line, 21);
    MUST(hold(*held));
    await_state(*held, LINECALLSTATE_ONHOLD);
    *active = connected_call(line, 22);
}

static void swapped(void)
{
    session_start((struct setup){0});
    needs_claim(SWAP);
    struct line *line = open_line(20);
    struct call *held, *active;
    two_calls(line, &held, &active);
    most_connected = 0;
    atomic_store(&on_callback, look_for_two);
    for (int turn = 0; turn < 4; turn++) {
        CHECK(features_of(active) & LINECALLFEATURE_SWAPHOLD, "there is no swap to be had");
        EXPECT(outcome(swap(held, active)), ERR(INVALCALLSTATE));
        EXPECT(outcome(swap(active, active)), ERR(INVALCALLSTATE));
        place start = log_end();
        MUST(swap(active, held));
        place going = await_state(active, LINECALLSTATE_ONHOLD);
        place coming = await_state(held, LINECALLSTATE_CONNECTED);
        CHECK(start <= going && going < coming, "the other call was connected first: %s",
              log_tail(line->ht, 0));
        CHECK(state_of(active) == LINECALLSTATE_ONHOLD && state_of(held) == LINECALLSTATE_CONNECTED,
              "they are %s and %s", name_of_state(state_of(active)), name_of_state(state_of(held)));
        check_counts(line, 1, 1, 0);
        struct call *was_active = active;
        active = held;
        held = was_active;
    }
    CHECK(most_connected == 1, "%u calls were connected at once", most_connected);
    MUST(drop(active));
    EXPECT(outcome(swap(active, held)), ERR(INVALCALLSTATE));
}

static void swap_over_lines(void)
{
    session_start((struct setup){0});
    needs_claim(SWAP);
    struct line *line = open_line(20), *other = open_line(24);
    struct call *held = connected_call(line, 21);
    MUST(hold(held));
    struct call *active = connected_call(other, 22);
    EXPECT(outcome(swap(active, held)), ERR(INVALCALLHANDLE));
    CHECK(state_of(active) == LINECALLSTATE_CONNECTED && state_of(held) == LINECALLSTATE_ONHOLD,
          "they are %s and %s", name_of_state(state_of(active)), name_of_state(state_of(held)));
}

/* ---- a second call ---- */

static void second_call_answered(void)
{
    session_start((struct setup){0});
    needs_claim(HOLD);
    struct line *line = open_line(20);
    const LINEDEVCAPS *caps = device_caps(line->device);
    CHECK(caps->dwAnswerMode == LINEANSWERMODE_HOLD, "dwAnswerMode is %#x",
          (unsigned)caps->dwAnswerMode);
    struct call *first = connected_call(line, 21);
    most_connected = 0;
    atomic_store(&on_callback, look_for_two);
    struct call *second = offered_call(line, 22);
    MUST(answer(second));
    place held = await_state(first, LINECALLSTATE_ONHOLD);
    place connected = await_state(second, LINECALLSTATE_CONNECTED);
    CHECK(held < connected, "the second call was connected first: %s", log_tail(line->ht, 0));
    CHECK(most_connected == 1, "%u calls were connected at once", most_connected);
    check_counts(line, 1, 1, 0);
}

/* ---- a single active call ---- */

static DWORD shown_connected(struct call *a, struct call *b)
{
    return (state_of(a) == LINECALLSTATE_CONNECTED) + (state_of(b) == LINECALLSTATE_CONNECTED);
}

/* Three parties join at the phone, part, and join again: applications see one active call. */
static void single_active_call(void)
{
    session_start((struct setup){.lines = "single_active_call = true\n"});
    struct line *line = open_line(20);
    most_connected = 0;
    atomic_store(&on_callback, look_for_two);
    struct call *first = connected_call(line, 21);
    struct call *second = offered_call(line, 22);
    control("answer 20");
    await_state(first, LINECALLSTATE_ONHOLD);
    await_state(second, LINECALLSTATE_CONNECTED);
    for (int turn = 0; turn < 2; turn++) {
        control("conference 20 on");
        /* What the PBX has said by then has been told when something after it is. */
        control("identify 20 Third Party");
        struct pattern name = {.kind = EVENT, .call = second->ht, .message = LINE_CALLINFO,
                               .any_p1 = true};
        if (turn == 0) await(session.began, name, "LINE_CALLINFO");
        CHECK(shown_connected(first, second) == 1, "%u calls are shown connected",
              (unsigned)shown_connected(first, second));
        control("conference 20 off");
    }
    control("conference 20 on");
    /* When the call that is shown ends, the other one is shown. */
    control("hangup 22");
    await_state(second, LINECALLSTATE_IDLE);
    await_state(first, LINECALLSTATE_CONNECTED);
    CHECK(most_connected == 1, "%u calls were connected at once", most_connected);
}

const struct item hold_items[] = {
    {73, "a held call counts as held and comes back", held_and_back, 0},
    {74, "a swap never shows two active calls", swapped, 0},
    {75, "calls of two lines cannot be swapped", swap_over_lines, 0},
    {82, "answering a second call holds the first one before", second_call_answered, 0},
    {83, "with a single active call no line ever shows two", single_active_call, 0},
    {ITEMS_END, NULL, NULL, 0},
};
