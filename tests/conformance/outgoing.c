/* Items 47 to 56: calls made by lineMakeCall. */

#include <stdio.h>
#include <string.h>

#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

static place first_state(const struct call *call)
{
    struct pattern state = {.kind = EVENT, .call = call->ht, .message = LINE_CALLSTATE,
                            .any_p1 = true};
    return await(session.began, state, "LINE_CALLSTATE");
}

static place completion_of(const struct call *call)
{
    struct pattern completion = {.kind = COMPLETION, .request = call->request};
    return await(session.began, completion, "the completion");
}

/* ---- order ---- */

static _Atomic(struct call *) expected_call;
static atomic_uint looked_at;

static void look_at_handle(const struct entry *entry)
{
    struct call *call = atomic_load(&expected_call);
    if (entry->kind != COMPLETION || call == NULL) return;
    /* The drop of the call before may still be on its way through here. */
    if (strcmp(request_of(entry->request)->function, "lineMakeCall") != 0) return;
    if (*(volatile HDRVCALL *)&call->hd == NULL)
        FAULT("the completion came before the handle was written");
    atomic_fetch_add(&looked_at, 1);
}

static bool enough_looked_at(void *count)
{
    return looked_at >= *(unsigned *)count;
}

static void handle_before_return(void)
{
    looked_at = 0;
    session_start((struct setup){0});
    struct line *line = open_line(20);
    atomic_store(&on_callback, look_at_handle);
    for (int i = 0; i < 10; i++) {
        /* make_call() looks at the handle when the function returns. */
        atomic_store(&expected_call, &calls[call_count]);
        struct call *call;
        MUST(make_call(line, "21", NULL, &call));
        CHECK(call == atomic_load(&expected_call), "the host lost count of its calls");
        unsigned enough = (unsigned)i + 1;
        CHECK(wait_until(enough_looked_at, &enough, SOON_MS), "only %u completions were seen",
              looked_at);
        atomic_store(&expected_call, NULL);
        MUST(drop(call));
    }
}

static DWORD active_calls(const struct line *line)
{
    LINEDEVSTATUS status;
    EXPECT(peek_line_status(line->hd, &status), 0);
    return status.dwNumActiveCalls;
}

static bool is_completed(const struct call *call)
{
    return request_of(call->request)->completions > 0;
}

/* Reads on and on for a while, as long as the call is not made. */
static void must_not_count(const struct line *line, const struct call *call)
{
    for (int i = 0; i < 50 && !is_completed(call); i++) {
        DWORD active = active_calls(line);
        CHECK(active == 0 || is_completed(call), "the call counts before it is made");
        pause_ms(10);
    }
}

static atomic_bool stays, may_go;

static void stay(const struct entry *entry)
{
    if (entry->kind != EVENT || entry->message != LINE_CALLSTATE || stays) return;
    stays = true;
    for (uint64_t end = clock_us() + SOON_MS * 1000; !may_go && clock_us() < end;) pause_ms(1);
}

static bool is_staying(void *unused)
{
    (void)unused;
    return stays;
}

/* The PBX has made the call, and its completion waits for a callback of another line. */
static void nothing_before_a_late_completion(struct line *line, struct line *other)
{
    stays = may_go = false;
    connected_call(other, 25);
    atomic_store(&on_callback, stay);
    control("hold %s", other->extension);
    CHECK(wait_until(is_staying, NULL, SOON_MS), "no message came");
    unsigned asked = control_number("count UserCall");
    struct call *call;
    LONG request = make_call(line, "0301234567", NULL, &call);
    CHECK(request > 0, "lineMakeCall gave %s", name_of_result(request));
    must_not_count(line, call);
    CHECK(!is_completed(call), "the callbacks come by more than one thread");
    CHECK(control_number("count UserCall") == asked + 1, "the PBX was not asked yet");
    may_go = true;
    MUST(request);
    CHECK(active_calls(line) == 1, "a call that is made does not count");
    MUST(drop(call));
    await_state(call, LINECALLSTATE_IDLE);
}

static void nothing_before_completion(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20), *other = open_line(24);
    struct call *call;
    for (int i = 0; i < 5; i++) {
        LONG request = make_call(line, "0301234567", NULL, &call);
        CHECK(request > 0, "lineMakeCall gave %s", name_of_result(request));
        DWORD active = active_calls(line);
        CHECK(active == 0 || is_completed(call), "the call counts before it is made");
        MUST(request);
        CHECK(first_state(call) > completion_of(call), "%s", log_tail(0, call->ht));
        MUST(drop(call));
        await_state(call, LINECALLSTATE_IDLE);
    }
    /* With a host or a PBX that takes its time there is more to see. */
    nothing_before_a_late_completion(line, other);
    control_until_end("silent 20 on", "silent 20 off");
    LONG request = make_call(line, "21", NULL, &call);
    CHECK(request > 0, "lineMakeCall gave %s", name_of_result(request));
    must_not_count(line, call);
    struct pattern any = {.kind = EVENT, .call = call->ht, .any_message = true};
    CHECK(is_completed(call) || log_count(session.began, &any) == 0, "%s", log_tail(0, call->ht));
}

static void first_message_of_a_made_call(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = dial(line, "21");
    const struct entry *state = log_at(first_state(call));
    CHECK(state->p1 != LINECALLSTATE_OFFERING, "the first state is OFFERING");
    struct pattern any = {.kind = EVENT, .call = call->ht, .any_message = true};
    const struct entry *first = log_at(log_find(session.began, &any));
    CHECK(first->message == LINE_CALLSTATE, "the first message is %s", log_text(first));
    const LINECALLINFO *info = call_info(call);
    CHECK(info->dwOrigin == LINECALLORIGIN_OUTBOUND, "dwOrigin is %#x", (unsigned)info->dwOrigin);
    CHECK(info->dwReason == LINECALLREASON_DIRECT, "dwReason is %#x", (unsigned)info->dwReason);
}

static void completed_in_time(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = dial(line, "21");
    await_state(call, LINECALLSTATE_RINGBACK);
    const DWORD later = LINECALLSTATE_PROCEEDING | LINECALLSTATE_RINGBACK |
                        LINECALLSTATE_CONNECTED | LINECALLSTATE_BUSY | LINECALLSTATE_DISCONNECTED;
    place completed = completion_of(call);
    for (place at = session.began; at < completed; at++) {
        const struct entry *entry = log_at(at);
        bool state = entry->kind == EVENT && entry->message == LINE_CALLSTATE;
        CHECK(!state || entry->call != call->ht || !(entry->p1 & later),
              "before the completion came %s", log_text(entry));
    }
}

static void refused_call_is_gone(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    control_until_end("refuse 20 on", "refuse 20 off");
    struct call *call;
    LONG request = make_call(line, "21", NULL, &call);
    LONG result = request > 0 ? await_completion(request) : request;
    CHECK(result < 0, "a refused call was completed with 0");
    LONG closed = TSPI(lineCloseCall, call->hd);
    CHECK(closed == 0 || closed == ERR(INVALCALLHANDLE), "lineCloseCall gave %s",
          name_of_result(closed));
    call->closing = true;
    /* Nothing is told of it until another call has come and gone; the rest is judged later. */
    control("refuse 20 off");
    struct call *next = dial(line, "21");
    MUST(drop(next));
    struct pattern any = {.kind = EVENT, .call = call->ht, .any_message = true};
    CHECK(log_count(session.began, &any) == 0, "%s", log_tail(0, call->ht));
}

/* ---- what is dialled ---- */

static void must_dial(struct line *line, const char *given, const char *expected)
{
    struct call *call = dial(line, given);
    const char *heard = control("last-dialled");
    CHECK(strcmp(heard, expected) == 0, "\"%s\" dialled \"%s\"", given, heard);
    LONG request = drop(call);
    if (request > 0) await_completion(request);
}

static void must_not_dial(struct line *line, const char *given, LONG error)
{
    unsigned before = control_number("count UserCall");
    struct call *call;
    LONG result = make_call(line, given, NULL, &call);
    CHECK(result == error, "\"%s\" gave %s, not %s", given, name_of_result(result),
          name_of_result(error));
    CHECK(control_number("count UserCall") == before, "\"%s\" reached the PBX", given);
}

static void dialable_texts(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    must_dial(line, "T123", "123");
    must_dial(line, "T1-2 3", "123");
    must_not_dial(line, "12?3", ERR(DIALPROMPT));
    must_not_dial(line, "1W2", ERR(DIALDIALTONE));
    must_not_dial(line, "1@2$", ERR(DIALQUIET));
    must_not_dial(line, "1$2", ERR(DIALBILLING));
    must_not_dial(line, "T", ERR(INVALADDRESS));
}

/* ---- call parameters ---- */

enum { PARAMS_2_X = 176 };

static void shorter_parameters(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    /* Behind byte 175 is memory that may not be touched. */
    LINECALLPARAMS *params = fence_alloc(PARAMS_2_X);
    memset(params, 0, PARAMS_2_X);
    params->dwTotalSize = PARAMS_2_X;
    params->dwBearerMode = LINEBEARERMODE_VOICE;
    params->dwMinRate = 0;
    params->dwMaxRate = 64000;
    params->dwMediaMode = LINEMEDIAMODE_INTERACTIVEVOICE;
    params->dwAddressMode = LINEADDRESSMODE_ADDRESSID;
    struct call *call;
    MUST(make_call(line, "21", params, &call));
    await_state(call, LINECALLSTATE_RINGBACK);
}

static LINECALLPARAMS *usual_parameters(void)
{
    LINECALLPARAMS *params = fence_alloc(sizeof *params);
    memset(params, 0, sizeof *params);
    params->dwTotalSize = sizeof *params;
    params->dwAddressMode = LINEADDRESSMODE_ADDRESSID;
    return params;
}

static void wrong_parameters(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    LINECALLPARAMS *params = usual_parameters();
    params->dwMediaMode = LINEMEDIAMODE_DATAMODEM;
    EXPECT(make_call(line, "21", params, NULL), ERR(INVALMEDIAMODE));
    params = usual_parameters();
    params->dwBearerMode = LINEBEARERMODE_DATA;
    EXPECT(make_call(line, "21", params, NULL), ERR(BEARERMODEUNAVAIL));
    params = usual_parameters();
    params->dwAddressID = 1;
    EXPECT(make_call(line, "21", params, NULL), ERR(INVALADDRESSID));
    params = usual_parameters();
    params->dwUserUserInfoSize = 8;
    params->dwUserUserInfoOffset = params->dwTotalSize - 4;
    EXPECT(make_call(line, "21", params, NULL), ERR(INVALCALLPARAMS));
}

static void no_free_appearance(void)
{
    enum { MANY = 16 };
    session_start((struct setup){0});
    struct line *line = open_line(20);
    DWORD most = address_caps(line->device)->dwMaxNumActiveCalls;
    CHECK(most > 0 && most <= MANY, "dwMaxNumActiveCalls is %u", (unsigned)most);
    for (DWORD i = 0; i < most; i++) {
        place start = log_end();
        control("ring 20 3055501%02u", (unsigned)i);
        await_state(await_new_call(line, start), LINECALLSTATE_OFFERING);
    }
    LINECALLPARAMS *params = usual_parameters();
    params->dwCallParamFlags = LINECALLPARAMFLAGS_IDLE;
    LONG request = make_call(line, "21", params, NULL);
    LONG result = request > 0 ? await_completion(request) : request;
    CHECK(result == ERR(CALLUNAVAIL), "with %u calls lineMakeCall gave %s", (unsigned)most,
          name_of_result(result));
}

/* ---- busy ---- */

static void busy_target(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    control_until_end("busy 21 on", "busy 21 off");
    struct call *call = dial(line, "21");
    await_state(call, LINECALLSTATE_IDLE);
    struct pattern busy = {.kind = EVENT, .call = call->ht, .message = LINE_CALLSTATE,
                           .p1 = LINECALLSTATE_BUSY};
    struct pattern gone = busy;
    gone.p1 = LINECALLSTATE_DISCONNECTED;
    place at = log_find(session.began, &busy);
    if (at != NOWHERE) {
        CHECK(log_at(at)->p2 == LINEBUSYMODE_STATION, "%s", log_text(log_at(at)));
    } else {
        at = log_find(session.began, &gone);
        CHECK(at != NOWHERE, "neither BUSY nor DISCONNECTED, %s", log_tail(0, call->ht));
        CHECK(log_at(at)->p2 == LINEDISCONNECTMODE_BUSY, "%s", log_text(log_at(at)));
    }
}

const struct item outgoing_items[] = {
    {47, "lineMakeCall writes the handle before it returns or completes", handle_before_return, 0},
    {48, "a call is neither told nor counted before it is made", nothing_before_completion, 0},
    {49, "the first message of a made call is a state, and not OFFERING",
     first_message_of_a_made_call, 0},
    {50, "lineMakeCall is completed before the PBX proceeds", completed_in_time, 0},
    {51, "of a refused call nothing is told, and closing it does no harm", refused_call_is_gone,
     0},
    {52, "dialable texts are read, and refused, as TAPI has it", dialable_texts, 0},
    {53, "call parameters of version 2 are read no further than they go", shorter_parameters, 0},
    {54, "wrong call parameters have their errors", wrong_parameters, 0},
    {55, "without a free appearance an idle line is not to be had", no_free_appearance, 0},
    {56, "a busy target is told as busy, and the call ends", busy_target, 0},
    {ITEMS_END, NULL, NULL, 0},
};
