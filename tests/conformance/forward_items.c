/* Items 84 to 91, 173 and 174: forwarding. */

#include <stdio.h>
#include <string.h>

#include "features.h"
#include "forwards.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "parties.h"
#include "structures.h"

static place forward_told(const struct line *line, place from)
{
    struct pattern told = {.kind = EVENT, .line = line->ht, .message = LINE_ADDRESSSTATE,
                           .any_p1 = true};
    place at = await(from, told, "LINE_ADDRESSSTATE");
    const struct entry *entry = log_at(at);
    CHECK(entry->p1 == 0 && entry->p2 == LINEADDRESSSTATE_FORWARD && entry->p3 == 0, "%s",
          log_text(entry));
    return at;
}

/* What a request to forward must lead to: its completion, behind that the message, and what is
 * shown. Whoever goes on before the message may take it for that of the next request. */
#define FORWARDS(line, request, count, forwards)                                                   \
    must_forward(__FILE__, __LINE__, (line), (request), (count), (forwards))
static void must_forward(const char *file, int at, struct line *line, LONG request, unsigned count,
                         const struct forward *forwards)
{
    must(file, at, "lineForward", request);
    struct pattern completion = {.kind = COMPLETION, .request = (DRV_REQUESTID)request};
    forward_told(line, log_find(session.began, &completion));
    shows(file, at, line, count, forwards);
}

#define SET_FORWARDS(line, count, forwards)                                                        \
    FORWARDS(line, forward((line), (count), (forwards)), count, forwards)

/* Line 20, without forwards, with all messages of addresses; the simulator's user has none, before
 * and after. */
static struct line *forwarding_line(void)
{
    session_start((struct setup){0});
    needs_claim(FORWARD);
    struct line *line = open_line(20);
    EXPECT(TSPI(lineSetStatusMessages, line->hd, 0, LINEADDRESSSTATE_FORWARD), 0);
    SET_FORWARDS(line, 0, NULL);
    return line;
}

/* Leaves nothing behind for the items after this. */
static void clean(struct line *line)
{
    SET_FORWARDS(line, 0, NULL);
}

static const struct forward always = {LINEFORWARDMODE_UNCOND, NULL, "23"};
static const struct forward when_busy = {LINEFORWARDMODE_BUSY, NULL, "24"};
static const struct forward no_answer = {LINEFORWARDMODE_NOANSW, NULL, "25"};

/* ---- what is shown at the message ---- */

enum { NOT_SEEN = 99 };
static atomic_uint shown_at_message;

static void look_at_forwards(const struct entry *entry)
{
    if (entry->kind != EVENT || entry->message != LINE_ADDRESSSTATE) return;
    const struct line *line = line_of_handle(entry->line);
    LINEADDRESSSTATUS status;
    if (line == NULL || peek_address_status(line->hd, &status) != 0) return;
    shown_at_message = status.dwForwardNumEntries;
}

static bool forwards_were_seen(void *unused)
{
    (void)unused;
    return shown_at_message != NOT_SEEN;
}

static void unconditional(void)
{
    struct line *line = forwarding_line(), *to = open_line(23);
    shown_at_message = NOT_SEEN;
    atomic_store(&on_callback, look_at_forwards);
    SET_FORWARDS(line, 1, &always);
    CHECK(wait_until(forwards_were_seen, NULL, SOON_MS) && shown_at_message == 1,
          "at the message %u forwards were shown", shown_at_message);
    /* It is not only shown. */
    watch_offerings();
    place start = log_end();
    control("call 21 20");
    struct call *call = await_new_call(to, start);
    await_state(call, LINECALLSTATE_OFFERING);
    check_parties(offered_info(call), (struct parties){.reason = LINECALLREASON_FWDUNCOND,
                                                       .caller = "21", .redirecting = "20"});
    clean(line);
}

static void none_at_any_time(void)
{
    struct line *line = forwarding_line();
    for (int turn = 0; turn < 2; turn++) {
        SET_FORWARDS(line, 1, &always);
        for (int again = 0; again < 2; again++) {
            const LINEFORWARDLIST *list = turn ? NULL : forward_list(STRIDE_3_0, 0, NULL);
            FORWARDS(line, forward_by(line, list, 0), 0, NULL);
        }
    }
}

static void replaced(void)
{
    struct line *line = forwarding_line();
    SET_FORWARDS(line, 1, &always);
    SET_FORWARDS(line, 1, &when_busy);
    const struct forward two[] = {always, no_answer};
    SET_FORWARDS(line, 2, two);
    clean(line);
}

/* ---- long lists ---- */

enum { MOST_ENTRIES = 64, MODES_OF_ONE_CALLER = 0x8888 };

/* Everything that the line claims to forward, each once; how many entries that are. */
static unsigned longest_list(const struct line *line, struct forward *list)
{
    static char callers[MOST_ENTRIES][4];
    const LINEADDRESSCAPS *caps = address_caps(line->device);
    unsigned count = 0;
    for (DWORD mode = 1; mode < LINEFORWARDMODE_UNKNOWN; mode <<= 1)
        if (caps->dwForwardModes & mode & ~(DWORD)MODES_OF_ONE_CALLER)
            list[count++] = (struct forward){mode, NULL, "23"};
    CHECK(count + caps->dwMaxSpecificEntries < MOST_ENTRIES, "dwMaxSpecificEntries is %u",
          (unsigned)caps->dwMaxSpecificEntries);
    for (unsigned i = 0; i < caps->dwMaxSpecificEntries; i++) {
        snprintf(callers[i], sizeof callers[i], "%u", 50 + i);
        list[count++] = (struct forward){LINEFORWARDMODE_NOANSWSPECIFIC, callers[i], "23"};
    }
    return count;
}

static void as_many_as_claimed(void)
{
    static struct forward list[MOST_ENTRIES];
    struct line *line = forwarding_line();
    unsigned count = longest_list(line, list);
    SET_FORWARDS(line, count, list);
    clean(line);
}

/* ---- wrong lists ---- */

static void must_refuse(struct line *line, const LINEFORWARDLIST *list, LONG error, const char *what)
{
    LONG result = outcome(forward_by(line, list, 0));
    CHECK(result == error, "%s gave %s, not %s", what, name_of_result(result),
          name_of_result(error));
    SHOWS(line, 1, &always);
}

/* A list of one forward, with a member of it changed. */
static LINEFORWARDLIST *spoilt(DWORD member, DWORD value)
{
    LINEFORWARDLIST *list = forward_list(STRIDE_3_0, 1, &when_busy);
    memcpy((BYTE *)list + member, &value, sizeof value);
    return list;
}

static void wrong_lists(void)
{
    enum { MODE = 8, SIZE = 24, OFFSET = 28 };
    struct line *line = forwarding_line();
    SET_FORWARDS(line, 1, &always);
    const DWORD offered = address_caps(line->device)->dwForwardModes;
    const DWORD most = address_caps(line->device)->dwMaxForwardEntries;
    must_refuse(line, spoilt(MODE, 3), ERR(INVALPARAM), "two modes in one");
    must_refuse(line, spoilt(MODE, 0), ERR(INVALPARAM), "no mode");
    must_refuse(line, spoilt(MODE, LINEFORWARDMODE_UNKNOWN), ERR(INVALPARAM), "mode UNKNOWN");
    must_refuse(line, spoilt(MODE, LINEFORWARDMODE_UNAVAIL), ERR(INVALPARAM), "mode UNAVAIL");
    must_refuse(line, spoilt(MODE, 0x80000000), ERR(INVALPARAM), "a mode that is none");
    must_refuse(line, spoilt(OFFSET, 0xFFFFFFF0), ERR(INVALPARAM), "a text outside");
    must_refuse(line, spoilt(SIZE, 0xFFFFFFF0), ERR(INVALPARAM), "an endless text");
    must_refuse(line, spoilt(SIZE, 3), ERR(INVALPARAM), "a text of one and a half characters");
    must_refuse(line, spoilt(4, 2), ERR(STRUCTURETOOSMALL), "more entries than there is room");
    must_refuse(line, spoilt(0, 4), ERR(STRUCTURETOOSMALL), "a size without its own member");
    must_refuse(line, spoilt(0, 16), ERR(STRUCTURETOOSMALL), "a size without its entry");
    const struct forward twice[] = {when_busy, when_busy};
    must_refuse(line, forward_list(STRIDE_3_0, 2, twice), ERR(INVALPARAM), "one condition twice");
    const struct forward nobody = {LINEFORWARDMODE_UNCONDSPECIFIC, NULL, "23"};
    must_refuse(line, forward_list(STRIDE_3_0, 1, &nobody), ERR(INVALPARAM), "no caller's forward");
    const struct forward letters = {LINEFORWARDMODE_BUSY, NULL, "2x!y"};
    must_refuse(line, forward_list(STRIDE_3_0, 1, &letters), ERR(INVALADDRESS), "a wrong number");
    static struct forward many[MOST_ENTRIES];
    CHECK(longest_list(line, many) == most, "dwMaxForwardEntries is %u", (unsigned)most);
    many[most] = (struct forward){LINEFORWARDMODE_BUSYSPECIFIC, "99", "23"};
    must_refuse(line, forward_list(STRIDE_3_0, most + 1, many), ERR(INVALPARAM), "too many");
    for (DWORD mode = 1; mode < LINEFORWARDMODE_UNKNOWN; mode <<= 1) {
        const bool both = mode >= LINEFORWARDMODE_BUSYNA; /* taken though not claimed */
        if ((offered & mode) || both) continue;
        const struct forward entry = {mode, "21", "23"};
        must_refuse(line, forward_list(STRIDE_3_0, 1, &entry), ERR(INVALPARAM), "an unclaimed mode");
    }
    HDRVCALL none = NULL;
    EXPECT(ASK(lineForward, line->hd, 0, 1, NULL, 0, NULL, &none, NULL), ERR(INVALADDRESSID));
    SHOWS(line, 1, &always);
    clean(line);
}

/* ---- both lengths of entries ---- */

static void both_lengths(void)
{
    struct line *line = forwarding_line();
    const struct forward two[] = {when_busy, no_answer};
    static const DWORD strides[] = {STRIDE_3_0, STRIDE_3_1};
    for (unsigned i = 0; i < 2; i++) {
        FORWARDS(line, forward_by(line, forward_list(strides[i], 2, two), 0), 2, two);
        clean(line);
        FORWARDS(line, forward_by(line, forward_list(strides[i], 1, two), 0), 1, two);
        clean(line);
    }
}

/* ---- every mode ---- */

/* Who is forwarded where, when a user forwards each kind of callers elsewhere. */
static void must_lead(struct line *to, const char *call, DWORD reason)
{
    place start = log_end();
    control("%s", call);
    struct call *forwarded = await_new_call(to, start);
    await_state(forwarded, LINECALLSTATE_OFFERING);
    check_parties(offered_info(forwarded), (struct parties){.reason = reason, .redirecting = "20"});
    MUST(drop(forwarded));
    close_call(forwarded);
    control_clear_calls();
    await_quiet_pbx();
}

static void by_callers(void)
{
    struct line *line = forwarding_line();
    struct line *inside = open_line(23), *outside = open_line(24), *one = open_line(25);
    const DWORD cases[] = {LINEFORWARDMODE_UNCOND, LINEFORWARDMODE_BUSY, LINEFORWARDMODE_NOANSW};
    watch_offerings();
    for (unsigned i = 0; i < 3; i++) {
        const struct forward each[] = {
            {cases[i], NULL, "26"},
            {cases[i] << 1, NULL, "23"},
            {cases[i] << 2, NULL, "24"},
            {cases[i] << 3, "21", "25"},
        };
        CHECK((address_caps(line->device)->dwForwardModes & cases[i] * 0xF) == cases[i] * 0xF,
              "dwForwardModes is %#x", (unsigned)address_caps(line->device)->dwForwardModes);
        for (unsigned k = 0; k < 4; k++) SET_FORWARDS(line, 1, &each[k]);
        SET_FORWARDS(line, 2, each + 1);
        if (i == 0) {
            must_lead(inside, "call 22 20", LINECALLREASON_FWDUNCOND);
            must_lead(outside, "ring 20 305550123", LINECALLREASON_FWDUNCOND);
            SET_FORWARDS(line, 1, each + 3);
            must_lead(one, "call 21 20", LINECALLREASON_FWDUNCOND);
            struct call *unforwarded = offered_call(line, 22);
            MUST(drop(unforwarded));
            await_quiet_pbx();
        }
        SET_FORWARDS(line, 4, each);
    }
    clean(line);
}

/* ---- rings ---- */

static void rings_in_range(void)
{
    struct line *line = forwarding_line();
    const LINEADDRESSCAPS *caps = address_caps(line->device);
    static const DWORD rings[] = {99, 0xFFFFFFFF};
    for (unsigned i = 0; i < 2; i++) {
        const LINEFORWARDLIST *list = forward_list(STRIDE_3_0, 1, &no_answer);
        FORWARDS(line, forward_by(line, list, rings[i]), 1, &no_answer);
        DWORD shown = address_status(line)->dwNumRingsNoAnswer;
        CHECK(shown == caps->dwMaxFwdNumRings, "%u rings show as %u, the limits are %u and %u",
              (unsigned)rings[i], (unsigned)shown, (unsigned)caps->dwMinFwdNumRings,
              (unsigned)caps->dwMaxFwdNumRings);
    }
    clean(line);
}

static void no_consultation(void)
{
    struct line *line = forwarding_line();
    CHECK(!(address_caps(line->device)->dwAddrCapFlags & LINEADDRCAPFLAGS_FWDCONSULT),
          "FWDCONSULT is claimed");
    /* forward() looks at the handle when the function returns; here it is the completion's turn. */
    HDRVCALL none = NULL;
    struct call *spare = call_new(line, NULL, true);
    LINEFORWARDLIST *list = forward_list(STRIDE_3_0, 1, &always);
    FORWARDS(line, ASK(lineForward, line->hd, 1, 0, list, 0, spare->ht, &none, NULL), 1, &always);
    CHECK(none == NULL, "forwarding made a consultation call");
    place start = log_end();
    clean(line);
    struct pattern any = {.kind = EVENT, .call = spare->ht, .any_message = true};
    CHECK(log_count(start, &any) == 0, "of a consultation call was told");
    CHECK(TSPI(lineCloseCall, spare->hd) == ERR(INVALCALLHANDLE), "handle 0 is a call");
}

/* ---- the phone ---- */

static bool shows_one(void *line)
{
    LINEADDRESSSTATUS status;
    return peek_address_status(((struct line *)line)->hd, &status) == 0 &&
           status.dwForwardNumEntries == 1;
}

static bool shows_none(void *line)
{
    LINEADDRESSSTATUS status;
    return peek_address_status(((struct line *)line)->hd, &status) == 0 &&
           status.dwForwardNumEntries == 0;
}

/* What is told is told behind the status: whoever reads at the message reads the new one. */
static void must_hear(struct line *line, bool (*shown)(void *), const char *command)
{
    place start = log_end();
    control("%s", command);
    CHECK(wait_until(shown, line, SOON_MS), "after `%s` %u forwards are shown", command,
          (unsigned)address_status(line)->dwForwardNumEntries);
    forward_told(line, start);
    CHECK(shown(line), "at the message it was forgotten");
}

static void set_at_the_phone(void)
{
    struct line *line = forwarding_line();
    control_until_end("forward 20 cfu off", "forward 20 cfu off");
    must_hear(line, shows_one, "forward 20 cfu 23");
    SHOWS(line, 1, &always);
    must_hear(line, shows_none, "forward 20 cfu off");
    SHOWS(line, 0, NULL);
}

const struct item forward_items[] = {
    {84, "an unconditional forward is completed, told and shown", unconditional, 0},
    {85, "no forwards can be asked for at any time", none_at_any_time, 0},
    {86, "new forwards replace the old ones", replaced, 0},
    {87, "wrong forwards change nothing", wrong_lists, 0},
    {88, "forwards are read in both lengths of their entries", both_lengths, 0},
    {89, "a ring count out of range is brought into it", rings_in_range, 0},
    {90, "forwarding makes no consultation call", no_consultation, 0},
    {91, "forwards set at the phone are told", set_at_the_phone, 0},
    {173, "as many forwards as are claimed are taken at once", as_many_as_claimed, 0},
    {174, "callers of each kind are forwarded where theirs are to go", by_callers, 90},
    {ITEMS_END, NULL, NULL, 0},
};
