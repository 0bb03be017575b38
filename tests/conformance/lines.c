/* Lines and calls as the host handles them, and how it waits. */

#include <stdio.h>
#include <string.h>

#include "host.h"
#include "names.h"
#include "structures.h"

/* ---- waiting ---- */

bool wait_until(bool (*condition)(void *), void *argument, unsigned ms)
{
    uint64_t deadline = clock_us() + (uint64_t)ms * 1000;
    for (;;) {
        place end = log_end();
        attend_creations();
        if (condition(argument)) return true;
        if (clock_us() >= deadline) return false;
        /* News ring the bell; conditions that are no news are looked at again soon. */
        log_wait(end, 10);
    }
}

struct search {
    place from, found;
    struct pattern pattern;
};

static bool is_found(void *argument)
{
    struct search *search = argument;
    search->found = log_find(search->from, &search->pattern);
    return search->found != NOWHERE;
}

place await_within(place from, struct pattern pattern, unsigned ms, const char *what)
{
    struct search search = {.from = from, .pattern = pattern};
    bool found = wait_until(is_found, &search, ms);
    CHECK(found, "%s did not come within %u ms, %s", what, ms,
          log_tail(pattern.line, pattern.call));
    return search.found;
}

place await(place from, struct pattern pattern, const char *what)
{
    return await_within(from, pattern, SOON_MS, what);
}

LONG await_completion_within(LONG request, unsigned ms)
{
    CHECK(request > 0, "it was refused with %s", name_of_result(request));
    char what[64];
    snprintf(what, sizeof what, "the completion of request %d (%s)", (int)request,
             request_of((DRV_REQUESTID)request)->function);
    struct pattern completion = {.kind = COMPLETION, .request = (DRV_REQUESTID)request};
    return log_at(await_within(session.began, completion, ms, what))->result;
}

LONG await_completion(LONG request)
{
    return await_completion_within(request, TIME_OUT_MS);
}

void must(const char *file, int line, const char *what, LONG request)
{
    if (request <= 0) fail(file, line, "%s was refused with %s", what, name_of_result(request));
    LONG result = await_completion(request);
    if (result != 0)
        fail(file, line, "%s was completed with %s", what, name_of_result(result));
}

void await_quiet_pbx(void)
{
    control("wait-idle %d", SOON_MS);
}

/* ---- lines ---- */

struct line *line_of_device(DWORD device)
{
    for (unsigned i = 0; i < session.line_count; i++)
        if (session.lines[i].device == device) return &session.lines[i];
    return NULL;
}

struct line *line_of_handle(HTAPILINE ht)
{
    for (unsigned i = 0; i < session.line_count; i++)
        if (session.lines[i].ht == ht) return &session.lines[i];
    return NULL;
}

struct line *line_if_known(const char *extension)
{
    for (unsigned i = 0; i < session.line_count; i++)
        if (strcmp(session.lines[i].extension, extension) == 0) return &session.lines[i];
    return NULL;
}

struct line *line_of(int extension)
{
    char text[16];
    snprintf(text, sizeof text, "%d", extension);
    struct line *line = line_if_known(text);
    CHECK(line != NULL, "no line has the address %s", text);
    return line;
}

LONG try_open(struct line *line, DWORD version)
{
    static atomic_uint handles = 0x100;
    HTAPILINE before = line->ht;
    HDRVLINE hd = NULL;
    /* The provider may use the handle before lineOpen returns. */
    if (!line->open) line->ht = (HTAPILINE)(uintptr_t)atomic_fetch_add(&handles, 1);
    place entered = log_end();
    LONG result = TSPI(lineOpen, line->device, line->ht, &hd, version, on_line_event);
    if (result != 0) {
        line->ht = before;
        return result;
    }
    CHECK(hd != NULL, "lineOpen of line %u gave no handle", (unsigned)line->device);
    line->hd = hd;
    line->open = true;
    line->opened_at = entered;
    line->closed_at = NOWHERE;
    return 0;
}

void close_line(struct line *line)
{
    LONG result = TSPI(lineClose, line->hd);
    line->closed_at = left_at();
    line->open = false;
    if (result != 0) FAULT("lineClose gave %s", name_of_result(result));
}

static bool is_in_service(void *argument)
{
    const struct line *line = argument;
    LINEDEVSTATUS status = {.dwTotalSize = sizeof status};
    const DWORD both = LINEDEVSTATUSFLAGS_CONNECTED | LINEDEVSTATUSFLAGS_INSERVICE;
    return provider.lineGetLineDevStatus(line->hd, &status) == 0 &&
           (status.dwDevStatusFlags & both) == both;
}

void await_in_service(struct line *line)
{
    bool in_service = wait_until(is_in_service, line, TIME_OUT_MS);
    CHECK(in_service, "line %s did not come into service, its dwDevStatusFlags are %#x",
          line->extension, (unsigned)line_status(line)->dwDevStatusFlags);
}

struct line *open_line_as(int extension, DWORD version)
{
    struct line *line = line_of(extension);
    EXPECT(try_open(line, version), 0);
    await_in_service(line);
    return line;
}

struct line *open_line(int extension)
{
    return open_line_as(extension, V3_0);
}

/* ---- calls ---- */

WCHAR *fenced_text(const char *text)
{
    if (text == NULL) return NULL;
    size_t length = strlen(text) + 1;
    WCHAR *wide = fence_alloc(length * sizeof *wide);
    for (size_t i = 0; i < length; i++) wide[i] = (unsigned char)text[i];
    return wide;
}

void spoil_text(WCHAR *text)
{
    for (; text != NULL && *text != 0; text++) *text = u'9';
}

LONG make_call(struct line *line, const char *number, LINECALLPARAMS *params, struct call **call)
{
    struct call *made = call_new(line, NULL, true);
    WCHAR *destination = fenced_text(number);
    if (call != NULL) *call = made;
    LONG result = ASK(lineMakeCall, line->hd, made->ht, &made->hd, destination, 0, params);
    spoil_text(destination);
    if (result > 0) {
        made->request = (DRV_REQUESTID)result;
        CHECK(made->hd != NULL, "lineMakeCall returned its id before it wrote the handle");
    }
    return result;
}

struct call *dial(struct line *line, const char *number)
{
    struct call *call;
    MUST(make_call(line, number, NULL, &call));
    return call;
}

struct call *await_new_call(struct line *line, place from)
{
    struct pattern new_call = {.kind = EVENT, .line = line->ht, .message = LINE_NEWCALL,
                               .any_p1 = true};
    place at = await(from, new_call, "LINE_NEWCALL");
    struct call *call = call_of_handle(log_at(at)->call);
    CHECK(call != NULL, "the new call was not taken");
    return call;
}

place await_state(struct call *call, DWORD state)
{
    char what[64];
    snprintf(what, sizeof what, "LINE_CALLSTATE(%s)", name_of_state(state));
    struct pattern pattern = {.kind = EVENT, .call = call->ht, .message = LINE_CALLSTATE,
                              .p1 = state};
    place at = await(call->cursor, pattern, what);
    call->cursor = at + 1;
    return at;
}

LONG answer(struct call *call)
{
    return ASK(lineAnswer, call->hd, NULL, 0);
}

LONG drop(struct call *call)
{
    return ASK(lineDrop, call->hd, NULL, 0);
}

/* Whether the provider must know the call: it announced it, or it completed making it. */
static bool was_made(const struct call *call)
{
    if (!call->outbound) return true;
    const struct request *request = request_of(call->request);
    return call->request != 0 && atomic_load(&request->completions) > 0 &&
           atomic_load(&request->result) == 0;
}

void close_call(struct call *call)
{
    if (call->hd == NULL || atomic_exchange(&call->closing, true)) return;
    bool made = was_made(call);
    LONG result = TSPI(lineCloseCall, call->hd);
    atomic_store(&call->closed_at, left_at());
    if (result != 0 && made) FAULT("lineCloseCall gave %s", name_of_result(result));
}

struct call *offered_call(struct line *line, int from)
{
    place start = log_end();
    control("call %d %s", from, line->extension);
    struct call *call = await_new_call(line, start);
    await_state(call, LINECALLSTATE_OFFERING);
    return call;
}

struct call *connected_call(struct line *line, int from)
{
    struct call *call = offered_call(line, from);
    MUST(answer(call));
    await_state(call, LINECALLSTATE_CONNECTED);
    return call;
}
