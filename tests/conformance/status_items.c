/* Items 92 to 96: what is counted, and what can be set. */

#include "features.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* ---- counts ---- */

enum { MESSAGES = 64 };

/* What lineGetAddressStatus said at each LINE_ADDRESSSTATE. */
static struct {
    DWORD bits, in_use, active, held;
} counted[MESSAGES];
static atomic_uint counted_count;

static void look_at_counts(const struct entry *entry)
{
    if (entry->kind != EVENT || entry->message != LINE_ADDRESSSTATE) return;
    const struct line *line = line_of_handle(entry->line);
    LINEADDRESSSTATUS status;
    if (line == NULL || peek_address_status(line->hd, &status) != 0) return;
    unsigned at = atomic_fetch_add(&counted_count, 1);
    if (at >= MESSAGES) return;
    counted[at].bits = (DWORD)entry->p2;
    counted[at].in_use = status.dwNumInUse;
    counted[at].active = status.dwNumActiveCalls;
    counted[at].held = status.dwNumOnHoldCalls;
}

static bool are_counted(void *count)
{
    return counted_count >= *(unsigned *)count;
}

/* The next message tells of these bits, and at it the address already has these counts. */
static void must_count(DWORD bits, DWORD active, DWORD held)
{
    static unsigned next;
    if (bits & LINEADDRESSSTATE_INUSEONE) next = 0;
    unsigned at = next++, count = next;
    CHECK(wait_until(are_counted, &count, SOON_MS), "message %u did not come", at);
    CHECK(counted[at].bits == bits && counted[at].active == active && counted[at].held == held &&
              counted[at].in_use == (active + held > 0),
          "message %u: bits %#x with %u in use, %u active, %u held; not %#x, %u, %u", at,
          (unsigned)counted[at].bits, (unsigned)counted[at].in_use, (unsigned)counted[at].active,
          (unsigned)counted[at].held, (unsigned)bits, (unsigned)active, (unsigned)held);
}

/* How often the line told that its calls are others. */
static unsigned line_messages(const struct line *line)
{
    struct pattern calls_changed = {.kind = EVENT, .line = line->ht, .message = LINE_LINEDEVSTATE,
                                    .p1_bits = LINEDEVSTATE_NUMCALLS};
    return log_count(session.began, &calls_changed);
}

static bool are_lines_told_as_often(void *line)
{
    return line_messages(line) == counted_count;
}

/* One step after the other, so that no status is ahead of its message. */
static void calls_are_counted(void)
{
    const DWORD more = LINEADDRESSSTATE_NUMCALLS;
    counted_count = 0;
    session_start((struct setup){0});
    struct line *line = open_line(20);
    EXPECT(TSPI(lineSetStatusMessages, line->hd, LINEDEVSTATE_NUMCALLS, 0x1FF), 0);
    atomic_store(&on_callback, look_at_counts);
    struct call *first = offered_call(line, 21);
    must_count(LINEADDRESSSTATE_INUSEONE | more, 1, 0);
    MUST(answer(first)); /* one call as before */
    MUST(hold(first));
    must_count(more, 0, 1);
    struct call *second = offered_call(line, 22);
    must_count(more, 1, 1);
    MUST(drop(second));
    must_count(more, 0, 1);
    MUST(unhold(first));
    must_count(more, 1, 0);
    MUST(drop(first));
    must_count(LINEADDRESSSTATE_INUSEZERO | more, 0, 0);
    await_quiet_pbx();
    CHECK(wait_until(are_lines_told_as_often, line, SOON_MS),
          "LINEDEVSTATE_NUMCALLS came %u times, LINEADDRESSSTATE_NUMCALLS %u times",
          line_messages(line), (unsigned)counted_count);
}

/* ---- setters ---- */

static void application_word(void)
{
    session_start((struct setup){0});
    struct call *call = connected_call(open_line(20), 21);
    CHECK(call_info(call)->dwAppSpecific == 0, "dwAppSpecific is %#x at first",
          (unsigned)call_info(call)->dwAppSpecific);
    place start = log_end();
    EXPECT(TSPI(lineSetAppSpecific, call->hd, 0xCAFE0001), 0);
    struct pattern change = {.kind = EVENT, .call = call->ht, .message = LINE_CALLINFO,
                             .p1_bits = LINECALLINFOSTATE_APPSPECIFIC};
    await(start, change, "LINE_CALLINFO(APPSPECIFIC)");
    CHECK(call_info(call)->dwAppSpecific == 0xCAFE0001, "dwAppSpecific is %#x",
          (unsigned)call_info(call)->dwAppSpecific);
}

static void media_mode(void)
{
    session_start((struct setup){0});
    struct call *call = connected_call(open_line(20), 21);
    EXPECT(TSPI(lineSetMediaMode, call->hd, LINEMEDIAMODE_INTERACTIVEVOICE), 0);
    EXPECT(TSPI(lineSetMediaMode, call->hd, LINEMEDIAMODE_DATAMODEM), ERR(INVALMEDIAMODE));
}

static LONG set_params(struct call *call, DWORD bearer)
{
    LONG request = ASK(lineSetCallParams, call->hd, bearer, 0, 64000, NULL);
    return request > 0 ? await_completion(request) : request;
}

static void call_parameters(void)
{
    session_start((struct setup){0});
    struct call *call = connected_call(open_line(20), 21);
    EXPECT(set_params(call, LINEBEARERMODE_VOICE), 0);
    EXPECT(set_params(call, LINEBEARERMODE_DATA), ERR(BEARERMODEUNAVAIL));
    EXPECT(set_params(call, 0x40000000), ERR(INVALBEARERMODE));
    MUST(drop(call));
    await_state(call, LINECALLSTATE_IDLE);
    EXPECT(set_params(call, LINEBEARERMODE_VOICE), ERR(INVALCALLSTATE));
}

static void location(void)
{
    session_start((struct setup){.without_lines = true});
    static const DWORD places[] = {0, 1, 77, 0xFFFFFFFF};
    for (unsigned i = 0; i < 4; i++) EXPECT(TSPI(lineSetCurrentLocation, places[i]), 0);
    session_stop();
    session_start((struct setup){0});
    connected_call(open_line(20), 21);
    EXPECT(TSPI(lineSetCurrentLocation, 3), 0);
}

const struct item status_items[] = {
    {92, "calls are counted before they are told", calls_are_counted, 0},
    {93, "an application's word stays with the call", application_word, 0},
    {94, "a call's media mode can be voice only", media_mode, 0},
    {95, "a call's parameters can be set to what they are", call_parameters, 0},
    {96, "the location is taken at any time", location, 0},
    {ITEMS_END, NULL, NULL, 0},
};
