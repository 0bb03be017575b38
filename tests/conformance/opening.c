/* Items 29 to 39: opening, closing, and the state of a line. */

#include <string.h>

#include "handles.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* The lines of the estate from an earlier session, which had them from the standby, and now a PBX
 * that cannot be reached. */
static void session_without_pbx(uint16_t port)
{
    session_start((struct setup){.log = "log", .pbx = port, .is_standby = true});
    session_stop();
    session_start((struct setup){.log = "log", .pbx = port, .without_lines = true});
    CHECK(session.line_count >= EXTENSIONS, "only %u lines are remembered", session.line_count);
}

static void open_in_time(void)
{
    struct line *line = line_of(20);
    uint64_t start = clock_us();
    EXPECT(try_open(line, V3_0), 0);
    unsigned ms = (unsigned)((clock_us() - start) / 1000);
    CHECK(ms < 100, "it took %u ms", ms);
}

static void opens_without_pbx(void)
{
    uint16_t port = dead_port();
    session_without_pbx(port);
    open_in_time();
    session_stop();
    tcp deaf = tcp_deaf(&port);
    session_start((struct setup){.log = "log", .pbx = port, .without_lines = true});
    open_in_time();
    session_stop();
    tcp_close(deaf);
}

static void one_opening_at_a_time(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    EXPECT(try_open(line, V3_0), ERR(ALLOCATED));
    HDRVLINE first = line->hd;
    close_line(line);
    EXPECT(try_open(line, V3_0), 0);
    CHECK(line->hd != first, "the second opening has the handle of the first");
    await_in_service(line);
}

/* ---- status messages ---- */

static bool is_status(const struct entry *entry)
{
    return entry->kind == EVENT &&
           (entry->message == LINE_ADDRESSSTATE ||
            (entry->message == LINE_LINEDEVSTATE && entry->p1 != LINEDEVSTATE_REINIT));
}

static void silence_unless_asked_for(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = connected_call(line, 21);
    control("hold 20");
    await_state(call, LINECALLSTATE_ONHOLD);
    control("retrieve 20");
    await_state(call, LINECALLSTATE_CONNECTED);
    control("register 20 off");
    control("register 20 on");
    control("hangup 21");
    await_state(call, LINECALLSTATE_IDLE);
    await_quiet_pbx();
    for (place at = session.began; at < log_end(); at++)
        CHECK(!is_status(log_at(at)), "nobody asked for %s", log_text(log_at(at)));
}

static void status_masks(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    EXPECT(TSPI(lineSetStatusMessages, line->hd, 0x01FFFFFF, 0x1FF), 0);
    EXPECT(TSPI(lineSetStatusMessages, line->hd, LINEDEVSTATE_BATTERY, LINEADDRESSSTATE_TERMINALS),
           0);
    EXPECT(TSPI(lineSetStatusMessages, line->hd, 0x80000000, 0), ERR(INVALLINESTATE));
    EXPECT(TSPI(lineSetStatusMessages, line->hd, 0, 0x80000000), ERR(INVALADDRESSSTATE));
    EXPECT(TSPI(lineSetStatusMessages, line->hd, 0, 0), 0);
}

static void media_detection(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    EXPECT(TSPI(lineSetDefaultMediaDetection, line->hd, LINEMEDIAMODE_INTERACTIVEVOICE), 0);
    EXPECT(TSPI(lineSetDefaultMediaDetection, line->hd,
                LINEMEDIAMODE_INTERACTIVEVOICE | LINEMEDIAMODE_UNKNOWN),
           0);
    EXPECT(TSPI(lineSetDefaultMediaDetection, line->hd, 0), 0);
    EXPECT(TSPI(lineSetDefaultMediaDetection, line->hd, 0x80000000), ERR(INVALMEDIAMODE));
    /* It does not keep calls from being reported. */
    offered_call(line, 21);
}

/* ---- the PBX goes and comes ---- */

static atomic_uint flags_at_loss, features_at_loss, losses;

static void look_at_loss(const struct entry *entry)
{
    const DWORD lost = LINEDEVSTATE_DISCONNECTED | LINEDEVSTATE_OUTOFSERVICE;
    if (entry->kind != EVENT || entry->message != LINE_LINEDEVSTATE || !(entry->p1 & lost)) return;
    LINEDEVSTATUS status;
    const struct line *line = line_of_handle(entry->line);
    if (line == NULL || peek_line_status(line->hd, &status) != 0) return;
    DWORD expected = (entry->p1 & LINEDEVSTATE_DISCONNECTED ? LINEDEVSTATUSFLAGS_CONNECTED : 0) |
                     (entry->p1 & LINEDEVSTATE_OUTOFSERVICE ? LINEDEVSTATUSFLAGS_INSERVICE : 0);
    atomic_store(&flags_at_loss, status.dwDevStatusFlags & expected);
    atomic_store(&features_at_loss, status.dwLineFeatures);
    atomic_fetch_add(&losses, 1);
}

static bool has_lost(void *unused)
{
    (void)unused;
    return losses > 0;
}

static bool has_recovered(void *from)
{
    struct pattern connected = {.kind = EVENT, .message = LINE_LINEDEVSTATE,
                                .p1_bits = LINEDEVSTATE_CONNECTED};
    struct pattern in_service = connected;
    in_service.p1_bits = LINEDEVSTATE_INSERVICE;
    return log_find(*(place *)from, &connected) != NOWHERE ||
           log_find(*(place *)from, &in_service) != NOWHERE;
}

static void pbx_goes_and_comes(void)
{
    losses = 0;
    session_start((struct setup){0});
    struct line *line = open_line(20);
    EXPECT(TSPI(lineSetStatusMessages, line->hd, 0x01FFFFFF, 0x1FF), 0);
    atomic_store(&on_callback, look_at_loss);
    place start = log_end();
    control("reboot 2");
    CHECK(wait_until(has_lost, NULL, TIME_OUT_MS), "no message told of the loss, %s",
          log_tail(line->ht, 0));
    CHECK(flags_at_loss == 0, "at the message dwDevStatusFlags still had %#x", flags_at_loss);
    CHECK(features_at_loss == 0, "at the message dwLineFeatures was %#x", features_at_loss);
    CHECK(wait_until(has_recovered, &start, 30000), "no message told of the recovery, %s",
          log_tail(line->ht, 0));
    await_in_service(line);
}

static void no_call_without_pbx(void)
{
    session_without_pbx(dead_port());
    struct line *line = line_of(20);
    EXPECT(try_open(line, V3_0), 0);
    struct call *call;
    LONG request = make_call(line, "21", NULL, &call);
    LONG result = request > 0 ? await_completion(request) : request;
    CHECK(result == ERR(INVALLINESTATE), "lineMakeCall gave %s", name_of_result(result));
    struct pattern any = {.kind = EVENT, .call = call->ht, .any_message = true};
    CHECK(log_count(session.began, &any) == 0, "%s", log_tail(0, call->ht));
}

/* ---- closing ---- */

static void close_completes_what_is_open(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    control_until_end("silent 20 on", "silent 20 off");
    struct call *call;
    LONG request = make_call(line, "21", NULL, &call);
    CHECK(request > 0, "lineMakeCall gave %s", name_of_result(request));
    close_line(line);
    struct pattern completion = {.kind = COMPLETION, .request = (DRV_REQUESTID)request};
    place at = log_find(session.began, &completion);
    CHECK(at != NOWHERE && at < line->closed_at, "it was not completed when lineClose returned");
    CHECK(log_at(at)->result == ERR(OPERATIONFAILED), "it was completed with %s",
          name_of_result(log_at(at)->result));
    /* The rest is judged after the session: one completion, and nothing for the closed line. */
    control("silent 20 off");
    offered_call(open_line(22), 23);
}

static void closed_line_is_silent(void)
{
    session_start((struct setup){0});
    struct line *closed = open_line(20), *open = open_line(21);
    EXPECT(TSPI(lineSetStatusMessages, closed->hd, 0x01FFFFFF, 0x1FF), 0);
    struct call *old = connected_call(closed, 22);
    close_line(closed);
    control("hangup 22");
    /* What happens at the open line happens later than what is not told of the closed one. */
    struct call *last = offered_call(open, 20);
    control("hangup 20");
    await_state(last, LINECALLSTATE_IDLE);
    struct pattern any = {.kind = EVENT, .line = closed->ht, .any_message = true};
    CHECK(log_find(closed->closed_at, &any) == NOWHERE, "%s", log_tail(closed->ht, 0));

    struct call *good = connected_call(open, 23);
    struct answered answers[MOST_ANSWERED];
    unsigned count = ask_all_of_a_line(closed->hd, answers);
    for (unsigned i = 0; i < count; i++)
        CHECK(answers[i].result == ERR(INVALLINEHANDLE), "with the closed line %s gave %s",
              answers[i].function, name_of_result(answers[i].result));
    count = ask_all_of_a_call(old->hd, good->hd, answers);
    for (unsigned i = 0; i < count; i++) {
        LONG expected = answers[i].other ? ERR(INVALCONSULTCALLHANDLE) : ERR(INVALCALLHANDLE);
        CHECK(answers[i].result == expected, "with a call of the closed line %s gave %s",
              answers[i].function, name_of_result(answers[i].result));
    }
}

static void close_does_not_hang_up(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    connected_call(line, 21);
    unsigned clears = control_number("count UserClear");
    close_line(line);
    CHECK(strcmp(control("calls"), "[]") != 0, "the PBX has no call any more");
    CHECK(control_number("count UserClear") == clears, "the PBX was asked to clear");
}

static void running_call_is_found(void)
{
    session_start((struct setup){0});
    struct line *later = open_line(22);
    control("call 20 21");
    control("answer 21");
    offered_call(later, 23); /* so the provider has heard of all that was before */
    struct line *line = open_line(20);
    struct call *call = await_new_call(line, session.began);
    struct pattern state = {.kind = EVENT, .call = call->ht, .message = LINE_CALLSTATE,
                            .any_p1 = true};
    place at = await(session.began, state, "LINE_CALLSTATE");
    CHECK(log_at(at)->p1 == LINECALLSTATE_CONNECTED, "the call was found in %s",
          name_of_state((DWORD)log_at(at)->p1));
    struct pattern new_call = {.kind = EVENT, .line = line->ht, .message = LINE_NEWCALL,
                               .any_p1 = true};
    struct pattern returned = {.kind = LEAVE, .function = "lineOpen"};
    place opened = log_find(line->opened_at, &returned);
    CHECK(log_find(session.began, &new_call) > opened, "LINE_NEWCALL came inside lineOpen");
}

const struct item opening_items[] = {
    {29, "lines open at once, also without the PBX", opens_without_pbx, 0},
    {30, "a line is open once at a time", one_opening_at_a_time, 0},
    {31, "no status message comes that nobody asked for", silence_unless_asked_for, 0},
    {32, "every defined status bit can be asked for, no other", status_masks, 0},
    {33, "media detection takes every media mode and none", media_detection, 0},
    {34, "loss and return of the PBX are told, the status first", pbx_goes_and_comes, 120},
    {35, "no call is made without the PBX", no_call_without_pbx, 0},
    {36, "lineClose completes what is open", close_completes_what_is_open, 0},
    {37, "a closed line says nothing and its handles are dead", closed_line_is_silent, 0},
    {38, "lineClose hangs up nothing", close_does_not_hang_up, 0},
    {39, "a running call is announced after lineOpen in the state it has", running_call_is_found,
     0},
    {ITEMS_END, NULL, NULL, 0},
};
