/* Items 40 to 46: asynchronous requests, each answered and completed exactly once. */

#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* ---- every function in every state ---- */

/* Asks everything that is asynchronous about these handles. ASK() itself looks at what is
 * returned, and the end of the session at what is completed. */
static void ask_everything(HDRVLINE line, HDRVCALL call, HDRVCALL other)
{
    HDRVCALL none = NULL;
    struct call *spare = call_new(line_of(20), NULL, true);
    BYTE list[8] = {8, 0, 0, 0, 0, 0, 0, 0}; /* LINEFORWARDLIST without entries */
    ASK(lineAnswer, call, NULL, 0);
    ASK(lineSetCallParams, call, LINEBEARERMODE_VOICE, 0, 64000, NULL);
    ASK(lineHold, call);
    ASK(lineUnhold, call);
    ASK(lineSwapHold, call, other);
    ASK(lineBlindTransfer, call, u"", 0);
    ASK(lineCompleteTransfer, call, other, NULL, &none, 3);
    ASK(lineRedirect, call, u"", 0);
    ASK(linePickup, line, 1, spare->ht, &none, u"99", NULL);
    ASK(lineForward, line, 0, 1, (LINEFORWARDLIST *)list, 0, NULL, &none, NULL);
    ASK(lineMakeCall, line, spare->ht, &none, u"1?", 0, NULL);
    if (provider.lineAccept) ASK(lineAccept, call, NULL, 0);
    if (provider.lineDial) ASK(lineDial, call, u"1?", 0);
    if (provider.lineSendUserUserInfo) ASK(lineSendUserUserInfo, call, NULL, 0);
    if (provider.lineSetupTransfer) {
        LONG request = ASK(lineSetupTransfer, call, spare->ht, &spare->hd, NULL);
        if (request > 0) spare->request = (DRV_REQUESTID)request;
    }
    if (provider.linePark) ASK(linePark, call, LINEPARKMODE_NONDIRECTED, NULL, NULL);
    if (provider.lineUnpark) ASK(lineUnpark, line, 1, spare->ht, &none, u"99");
    if (provider.lineSetupConference)
        ASK(lineSetupConference, call, line, spare->ht, &none, spare->ht, &none, 99, NULL);
    if (provider.lineAddToConference) ASK(lineAddToConference, call, other);
    if (provider.lineRemoveFromConference) ASK(lineRemoveFromConference, call);
}

/* All requests so far are completed. */
bool all_completed(void *unused)
{
    (void)unused;
    for (DRV_REQUESTID id = first_request; id < next_request(); id++) {
        const struct request *request = request_of(id);
        if (request->fate == ISSUED || (request->fate == ACCEPTED && request->completions == 0))
            return false;
    }
    return true;
}

void await_all_completed(void)
{
    if (wait_until(all_completed, NULL, TIME_OUT_MS)) return;
    for (DRV_REQUESTID id = first_request; id < next_request(); id++)
        CHECK(request_of(id)->fate != ACCEPTED || request_of(id)->completions > 0,
              "request %u (%s) was accepted and not completed", (unsigned)id,
              request_of(id)->function);
}

/* Handles of no kind, then a call in each of its states; in each, everything is asked. */
static void every_function_in_every_state(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    const HDRVLINE no_line = (HDRVLINE)(uintptr_t)1;
    const HDRVCALL no_call = (HDRVCALL)(uintptr_t)1;
    ask_everything(no_line, no_call, no_call);
    ask_everything(line->hd, no_call, no_call);
    EXPECT(drop(&(struct call){.hd = no_call}), ERR(INVALCALLHANDLE));

    struct call *call = offered_call(line, 21);
    ask_everything(line->hd, call->hd, call->hd);
    await_state(call, LINECALLSTATE_CONNECTED);
    ask_everything(line->hd, call->hd, no_call);
    await_all_completed();
    MUST(drop(call));
    await_state(call, LINECALLSTATE_IDLE);
    ask_everything(line->hd, call->hd, no_call);

    struct call *out = dial(line, "0301234567");
    ask_everything(line->hd, out->hd, call->hd);
    await_all_completed();
    MUST(drop(out));
    await_state(out, LINECALLSTATE_IDLE);
    close_call(call);
    close_call(out);
    ask_everything(line->hd, call->hd, out->hd);
    await_all_completed();
}

static void returned_values(void)
{
    every_function_in_every_state();
    unsigned accepted = 0, refused = 0;
    for (DRV_REQUESTID id = first_request; id < next_request(); id++) {
        accepted += request_of(id)->fate == ACCEPTED;
        refused += request_of(id)->fate == REFUSED;
    }
    CHECK(accepted > 0 && refused > 0, "%u accepted, %u refused: the test asks too little",
          accepted, refused);
}

static void one_completion_each(void)
{
    every_function_in_every_state();
    /* A doubled completion comes later than the first: until something else has happened. */
    struct call *later = offered_call(line_of(20), 21);
    MUST(drop(later));
    for (DRV_REQUESTID id = first_request; id < next_request(); id++) {
        int expected = request_of(id)->fate == ACCEPTED;
        CHECK(request_of(id)->completions == expected, "request %u (%s): %d completions, not %d",
              (unsigned)id, request_of(id)->function, request_of(id)->completions, expected);
    }
}

/* ---- nesting ---- */

static void linger(const struct entry *entry)
{
    /* Long enough for a provider that calls back from many threads, or from within, to show. */
    if (entry->kind == COMPLETION) pause_ms(20);
}

static void never_nested(void)
{
    session_start((struct setup){0});
    atomic_store(&on_callback, linger);
    struct line *a = open_line(20), *b = open_line(22);
    LONG requests[6];
    for (int i = 0; i < 3; i++) {
        requests[i] = make_call(a, "21", NULL, NULL);
        requests[3 + i] = make_call(b, "23", NULL, NULL);
    }
    for (int i = 0; i < 6; i++)
        if (requests[i] > 0) await_completion(requests[i]);
    for (place at = session.began; at < log_end(); at++)
        CHECK(log_at(at)->kind != COMPLETION || log_at(at)->nesting == 0, "%s came inside another "
              "callback", log_text(log_at(at)));
}

/* ---- buffers ---- */

static void buffers_are_the_hosts_again(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    WCHAR *number = calloc(16, sizeof *number);
    LINECALLPARAMS *params = calloc(1, sizeof *params);
    static const WCHAR dialled[] = u"0305550123";
    memcpy(number, dialled, sizeof dialled);
    params->dwTotalSize = sizeof *params;
    params->dwBearerMode = LINEBEARERMODE_VOICE;
    params->dwMediaMode = LINEMEDIAMODE_INTERACTIVEVOICE;
    params->dwAddressMode = LINEADDRESSMODE_ADDRESSID;
    struct call *call = call_new(line, NULL, true);
    LONG request = ASK(lineMakeCall, line->hd, call->ht, &call->hd, number, 0, params);
    memset(number, 0x39, 16 * sizeof *number);
    memset(params, 0xFF, sizeof *params);
    call->request = (DRV_REQUESTID)request;
    MUST(request);
    const char *heard = control("last-dialled");
    CHECK(strcmp(heard, "0305550123") == 0, "the PBX was asked to dial %s", heard);
    free(number);
    free(params);
}

/* ---- calling from inside callbacks ---- */

static atomic_uint calls_inside, drops_inside, closes_inside;

static void use_everything(const struct entry *entry)
{
    static _Thread_local bool busy;
    if (busy) return; /* what our own functions bring about here */
    struct call *call = NULL;
    if (entry->kind == EVENT) call = call_of_handle(entry->call);
    if (entry->kind == COMPLETION)
        for (unsigned i = 0; i < call_count && call == NULL; i++)
            if (calls[i].request == entry->request) call = &calls[i];
    if (call == NULL || call->hd == NULL) return;
    busy = true;
    static _Thread_local BYTE room[ROOM];
    LINECALLSTATUS status;
    if (peek_call_info(call->hd, room) == 0 && peek_call_status(call->hd, &status) == 0)
        atomic_fetch_add(&calls_inside, 1);
    bool connected = entry->kind == EVENT && entry->message == LINE_CALLSTATE &&
                     entry->p1 == LINECALLSTATE_CONNECTED;
    bool idle = entry->kind == EVENT && entry->message == LINE_CALLSTATE &&
                entry->p1 == LINECALLSTATE_IDLE;
    bool offering = entry->kind == EVENT && entry->message == LINE_CALLSTATE &&
                    entry->p1 == LINECALLSTATE_OFFERING;
    if (offering) answer(call);
    if (connected && drop(call) > 0) atomic_fetch_add(&drops_inside, 1);
    if (idle) {
        close_call(call);
        atomic_fetch_add(&closes_inside, 1);
    }
    busy = false;
}

static bool enough_inside(void *unused)
{
    (void)unused;
    return drops_inside >= 4 && closes_inside >= 4;
}

/* The same inside completions: the call that was made is looked at and dropped when lineMakeCall
 * completes, and closed when lineDrop does. */
static struct {
    _Atomic(struct call *) call;
    atomic_uint looks, drops, closes;
} completing;

static void use_completions(const struct entry *entry)
{
    static _Thread_local bool busy;
    struct call *call = atomic_load(&completing.call);
    if (entry->kind != COMPLETION || call == NULL || busy) return;
    busy = true;
    const char *function = request_of(entry->request)->function;
    static _Thread_local BYTE room[ROOM];
    LINECALLSTATUS status;
    if (strcmp(function, "lineMakeCall") == 0) {
        if (peek_call_info(call->hd, room) == 0 && peek_call_status(call->hd, &status) == 0)
            atomic_fetch_add(&completing.looks, 1);
        if (drop(call) > 0) atomic_fetch_add(&completing.drops, 1);
    } else if (strcmp(function, "lineDrop") == 0) {
        close_call(call);
        atomic_store(&completing.call, NULL);
        atomic_fetch_add(&completing.closes, 1);
    }
    busy = false;
}

static bool is_closed_in_completion(void *unused)
{
    (void)unused;
    return completing.call == NULL;
}

static void no_deadlock_inside_completions(struct line *line)
{
    enum { TURNS = 4 };
    completing.looks = completing.drops = completing.closes = 0;
    atomic_store(&on_callback, use_completions);
    for (int i = 0; i < TURNS; i++) {
        /* The completion may come before lineMakeCall returns. */
        atomic_store(&completing.call, &calls[call_count]);
        struct call *call;
        LONG request = make_call(line, "21", NULL, &call);
        CHECK(request > 0, "lineMakeCall gave %s", name_of_result(request));
        CHECK(wait_until(is_closed_in_completion, NULL, SOON_MS),
              "inside completions %u looks, %u drops and %u closes worked", completing.looks,
              completing.drops, completing.closes);
    }
    atomic_store(&on_callback, NULL);
    CHECK(completing.looks == TURNS && completing.drops == TURNS && completing.closes == TURNS,
          "inside completions %u looks, %u drops and %u closes worked", completing.looks,
          completing.drops, completing.closes);
}

static void no_deadlock_inside_callbacks(void)
{
    calls_inside = drops_inside = closes_inside = 0;
    session_start((struct setup){0});
    struct line *a = open_line(20);
    no_deadlock_inside_completions(a);
    open_line(21);
    atomic_store(&on_callback, use_everything);
    for (int i = 0; i < 4; i++) {
        struct call *call;
        LONG request = make_call(a, "21", NULL, &call);
        CHECK(request > 0, "lineMakeCall gave %s", name_of_result(request));
        await_completion(request);
        await_state(call, LINECALLSTATE_IDLE);
    }
    CHECK(wait_until(enough_inside, NULL, SOON_MS),
          "inside callbacks %u drops and %u closes worked, and %u questions", drops_inside,
          closes_inside, calls_inside);
    await_all_completed();
}

/* ---- no answer ---- */

static void silence_is_timed_out(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *offered = offered_call(line, 21);
    control_until_end("silent 20 on", "silent 20 off");
    struct call *made;
    LONG request = make_call(line, "22", NULL, &made);
    LONG result = await_completion_within(request, TIME_OUT_MS);
    CHECK(result < 0, "a lineMakeCall without answer was completed with 0");
    result = await_completion_within(answer(offered), TIME_OUT_MS);
    CHECK(result < 0, "a lineAnswer without effect was completed with 0");
    result = await_completion_within(drop(offered), TIME_OUT_MS);
    CHECK(result == 0, "a lineDrop without effect was completed with %s", name_of_result(result));
    await_state(offered, LINECALLSTATE_IDLE);
}

const struct item request_items[] = {
    {40, "asynchronous functions return their request id or an error", returned_values, 90},
    {41, "what is accepted is completed exactly once, what is refused never", one_completion_each,
     90},
    {42, "completions do not come inside other callbacks", never_nested, 0},
    {43, "buffers are the host's again when the function returns", buffers_are_the_hosts_again, 0},
    {44, "the provider can be called from inside callbacks", no_deadlock_inside_callbacks, 0},
    {45, "sixteen threads at once lose no completion", storm, 240},
    {46, "a request that the PBX does not answer times out", silence_is_timed_out, 90},
    {ITEMS_END, NULL, NULL, 0},
};
