/* The lines and calls that generated cases are about. */

#include "garden.h"

#include <string.h>

#include "dice.h"
#include "drawn.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* ---- lines and calls to use ---- */

enum { GARDEN = 12 };
static struct call *garden[GARDEN];
static unsigned planted;
static HDRVCALL stale_call;
static HDRVLINE stale_line;

static void plant(struct call *call)
{
    if (planted < GARDEN) garden[planted++] = call;
}

void dig_over(void)
{
    await_all_completed();
    control_clear_calls();
    for (unsigned i = 0; i < call_count; i++)
        if (calls[i].line->open && calls[i].ht_line == calls[i].line->ht && !calls[i].closing)
            close_call(&calls[i]);
    planted = 0;
    struct line *line = line_of(BED);
    struct call *over = offered_call(line, 21);
    MUST(drop(over));
    plant(over);
    struct call *first = connected_call(line, 22);
    plant(first);
    control("hold 20");
    await_state(first, LINECALLSTATE_ONHOLD);
    plant(connected_call(line, 23));
    plant(offered_call(line, 24));
    plant(dial(line, "0301234567"));
    plant(connected_call(line_of(FORWARDED), 25));
}

static bool is_out_of_service(void *line)
{
    return !(line_status(line)->dwDevStatusFlags & LINEDEVSTATUSFLAGS_INSERVICE);
}

void lay_out(void)
{
    struct line *gone = open_line(29);
    stale_call = connected_call(gone, 28)->hd;
    stale_line = gone->hd;
    close_line(gone);
    open_line(BED);
    open_line(FORWARDED);
    open_line(RESTLESS);
    open_line(WITHOUT_PHONE);
    control_until_end("register 27 off", "register 27 on");
    CHECK(wait_until(is_out_of_service, line_of(WITHOUT_PHONE), SOON_MS),
          "a line without a phone stays in service");
    slots_make();
}

void clear_up(void)
{
    if (!line_of(RESTLESS)->open) try_open(line_of(RESTLESS), V3_0);
    LONG undone = ASK(lineForward, line_of(FORWARDED)->hd, 1, 0, NULL, 0, NULL, NULL, NULL);
    if (undone > 0) await_completion(undone);
    dig_over();
}

/* What kind of wrong handle it is to be; NO_TRAIT for a right one. */
static enum trait some_wrong(void)
{
    static const enum trait kinds[] = {STALE_HANDLE, FOREIGN_HANDLE, RANDOM_HANDLE};
    enum trait kind = kinds[dice_below(3)];
    bool wished = false;
    for (unsigned i = 0; i < 3; i++)
        if (is_drawn_for(kinds[i])) kind = kinds[i], wished = true;
    if (!wished && (is_drawn_for(WRONG_STATE) || once_in(2))) return NO_TRAIT;
    drew(kind);
    return kind;
}

/* A handle of that kind, beside this one, which is right. */
static uintptr_t wrong_handle(enum trait kind, uintptr_t right, uintptr_t stale, uintptr_t foreign)
{
    if (kind == STALE_HANDLE) return stale;
    if (kind == FOREIGN_HANDLE) return foreign;
    const uintptr_t random[] = {0, 1, ~(uintptr_t)0, right ^ (1u << 30),
                                ((uintptr_t)dice() << 8 << 8 << 8 << 8) | dice() | 1};
    return random[dice_below(sizeof random / sizeof *random)];
}

HDRVLINE some_line(bool *right)
{
    int extension = once_in(2) ? BED : FORWARDED;
    if (is_drawn_for(WRONG_STATE) || once_in(8)) extension = WITHOUT_PHONE;
    uintptr_t line = (uintptr_t)line_of(extension)->hd;
    enum trait kind = some_wrong();
    *right = kind == NO_TRAIT;
    if (*right) return (HDRVLINE)line;
    uintptr_t foreign = (uintptr_t)(once_in(2) ? stale_call : garden[0]->hd);
    return (HDRVLINE)wrong_handle(kind, line, (uintptr_t)stale_line, foreign);
}

HDRVCALL some_call(bool *right)
{
    const struct call *call = garden[dice_below(planted)];
    enum trait kind = some_wrong();
    *right = kind == NO_TRAIT && !call->closing;
    /* One that was closed meanwhile is stale, too. */
    if (kind == NO_TRAIT) return call->hd;
    uintptr_t foreign = (uintptr_t)(once_in(2) ? stale_line : line_of(BED)->hd);
    return (HDRVCALL)wrong_handle(kind, (uintptr_t)call->hd, (uintptr_t)stale_call, foreign);
}

void pull_out(HDRVCALL handle)
{
    for (unsigned i = 0; i < planted; i++)
        if (garden[i]->hd == handle) close_call(garden[i]);
}

/* ---- what may be answered ---- */

LONG only_result;

void only(LONG error)
{
    if (only_result == 0) only_result = error;
}

struct call *fresh(HDRVLINE line)
{
    struct line *known = line_of(BED);
    for (unsigned i = 0; i < session.line_count; i++)
        if (session.lines[i].open && session.lines[i].hd == line) known = &session.lines[i];
    return call_new(known, NULL, true);
}

struct call *fresh_beside(HDRVCALL call)
{
    for (unsigned i = 0; i < planted; i++)
        if (garden[i]->hd == call) return call_new(garden[i]->line, NULL, true);
    return fresh(NULL);
}

LONG made(struct call *call, HDRVCALL *place, LONG result)
{
    if (result <= 0) return result;
    call->request = (DRV_REQUESTID)result;
    if (place != NULL) memcpy(&call->hd, place, sizeof call->hd);
    return result;
}
