/* The lines and calls that generated cases are about. */

#include "garden.h"

#include <string.h>

#include "dice.h"
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

void lay_out(void)
{
    struct line *gone = open_line(29);
    stale_call = connected_call(gone, 28)->hd;
    stale_line = gone->hd;
    close_line(gone);
    open_line(BED);
    open_line(FORWARDED);
    open_line(RESTLESS);
    slots_make();
}

void clear_up(void)
{
    if (!line_of(RESTLESS)->open) try_open(line_of(RESTLESS), V3_0);
    LONG undone = ASK(lineForward, line_of(FORWARDED)->hd, 1, 0, NULL, 0, NULL, NULL, NULL);
    if (undone > 0) await_completion(undone);
    dig_over();
}

HDRVLINE some_line(bool *right)
{
    *right = once_in(2);
    if (*right) return line_of(once_in(2) ? BED : FORWARDED)->hd;
    const uintptr_t wrong[] = {0, 1, ~(uintptr_t)0, (uintptr_t)stale_line, (uintptr_t)stale_call,
                               (uintptr_t)garden[0]->hd, (uintptr_t)line_of(BED)->hd ^ (1u << 30),
                               ((uintptr_t)dice() << 8 << 8 << 8 << 8) | dice() | 1};
    return (HDRVLINE)wrong[dice_below(sizeof wrong / sizeof *wrong)];
}

HDRVCALL some_call(bool *right)
{
    struct call *call = garden[dice_below(planted)];
    *right = once_in(2) && !call->closing;
    if (*right) return call->hd;
    const uintptr_t wrong[] = {0, 1, ~(uintptr_t)0, (uintptr_t)stale_call, (uintptr_t)stale_line,
                               (uintptr_t)line_of(BED)->hd, (uintptr_t)garden[0]->hd ^ (1u << 30),
                               ((uintptr_t)dice() << 8 << 8 << 8 << 8) | dice() | 1};
    return (HDRVCALL)wrong[dice_below(sizeof wrong / sizeof *wrong)];
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
