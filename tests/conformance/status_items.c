/* Items 92 to 96: what is counted, and what can be set. */

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

static void calls_are_counted(void)
{
    counted_count = 0;
    session_start((struct setup){0});
    struct line *line = open_line(20);
    EXPECT(TSPI(lineSetStatusMessages, line->hd, LINEDEVSTATE_NUMCALLS, 0x1FF), 0);
    atomic_store(&on_callback, look_at_counts);
    struct call *first = connected_call(line, 21);
    struct call *second = offered_call(line, 22);
    MUST(drop(second));
    MUST(drop(first));
    await_state(first, LINECALLSTATE_IDLE);
    struct pattern last = {.kind = EVENT, .line = line->ht, .message = LINE_ADDRESSSTATE};
    /* p1 is the address; the last message of the sequence is found by what it counted. */
    for (uint64_t until = clock_us() + SOON_MS * 1000ull; clock_us() < until;) {
        unsigned n = counted_count;
        if (n > 0 && n <= MESSAGES && counted[n - 1].active == 0 &&
            (counted[n - 1].bits & LINEADDRESSSTATE_INUSEZERO))
            break;
        log_wait(log_end(), 10);
    }
    unsigned n = counted_count;
    CHECK(n >= 4 && n <= MESSAGES, "%u messages, the log has %u", n,
          log_count(session.began, &last));
    const DWORD one = LINEADDRESSSTATE_INUSEONE | LINEADDRESSSTATE_NUMCALLS;
    const DWORD zero = LINEADDRESSSTATE_INUSEZERO | LINEADDRESSSTATE_NUMCALLS;
    CHECK(counted[0].bits == one && counted[0].active >= 1 && counted[0].in_use == 1,
          "at the first call: bits %#x, %u in use, %u active", (unsigned)counted[0].bits,
          (unsigned)counted[0].in_use, (unsigned)counted[0].active);
    CHECK(counted[n - 1].bits == zero && counted[n - 1].active == 0 && counted[n - 1].held == 0 &&
              counted[n - 1].in_use == 0,
          "at the end: bits %#x, %u in use, %u active", (unsigned)counted[n - 1].bits,
          (unsigned)counted[n - 1].in_use, (unsigned)counted[n - 1].active);
    for (unsigned i = 0; i < n; i++)
        CHECK(counted[i].active <= 2 && counted[i].held <= 2, "%u active, %u held",
              (unsigned)counted[i].active, (unsigned)counted[i].held);
    struct pattern calls_changed = {.kind = EVENT, .line = line->ht, .message = LINE_LINEDEVSTATE,
                                    .p1_bits = LINEDEVSTATE_NUMCALLS};
    CHECK(log_count(session.began, &calls_changed) >= 2, "LINEDEVSTATE_NUMCALLS did not come");
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
