#include "parties.h"

#include <stdio.h>
#include <string.h>

#include "names.h"
#include "structures.h"

/* ---- expectations ---- */

struct party {
    const char *name;
    DWORD flags;
    const WCHAR *number;
    const char *expected;
};

static void check_party(const char *file, int line, const struct party *party)
{
    if (party->expected == NULL) return;
    const DWORD why = LINECALLPARTYID_BLOCKED | LINECALLPARTYID_OUTOFAREA |
                      LINECALLPARTYID_UNKNOWN | LINECALLPARTYID_UNAVAIL;
    if (strcmp(party->expected, "-") == 0) {
        DWORD given = party->flags & why;
        if (party->number != NULL || given == 0 || (given & (given - 1)) != 0)
            fail(file, line, "%s is %s (flags %#x), not nobody", party->name,
                 party->number ? utf8(party->number) : "nobody", (unsigned)party->flags);
        return;
    }
    if (!is_text(party->number, party->expected) || !(party->flags & LINECALLPARTYID_ADDRESS))
        fail(file, line, "%s is %s (flags %#x), not %s", party->name,
             party->number ? utf8(party->number) : "nobody", (unsigned)party->flags,
             party->expected);
}

#define PARTY(id) {#id, info->dw##id##Flags, TEXT_OF(info, id), NULL}

void check_parties_at(const char *file, int line, const LINECALLINFO *info, struct parties parties)
{
    struct party all[] = {PARTY(CallerID), PARTY(CalledID), PARTY(ConnectedID),
                          PARTY(RedirectingID), PARTY(RedirectionID)};
    const char *const expected[] = {parties.caller, parties.called, parties.connected,
                                    parties.redirecting, parties.redirection};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        all[i].expected = expected[i];
        check_party(file, line, &all[i]);
    }
    if (parties.origin != 0 && info->dwOrigin != parties.origin)
        fail(file, line, "dwOrigin is %#x, not %#x", (unsigned)info->dwOrigin,
             (unsigned)parties.origin);
    if (parties.reason != 0 && info->dwReason != parties.reason)
        fail(file, line, "dwReason is %#x, not %#x", (unsigned)info->dwReason,
             (unsigned)parties.reason);
}

/* ---- what is said at the first state ---- */

enum { KEPT = 32 };

static struct {
    HTAPICALL call;
    atomic_bool taken;
    LONG result;
    _Alignas(8) BYTE room[ROOM];
} kept[KEPT];
static atomic_uint kept_count;

static void keep(const struct entry *entry)
{
    if (entry->kind != EVENT || entry->message != LINE_CALLSTATE) return;
    struct call *call = call_of_handle(entry->call);
    if (call == NULL) return;
    unsigned count = kept_count;
    for (unsigned i = 0; i < count && i < KEPT; i++)
        if (kept[i].call == entry->call) return;
    unsigned at = atomic_fetch_add(&kept_count, 1);
    if (at >= KEPT) return;
    kept[at].call = entry->call;
    kept[at].result = peek_call_info(call->hd, kept[at].room);
    atomic_store(&kept[at].taken, true);
}

void watch_offerings(void)
{
    kept_count = 0;
    memset(kept, 0, sizeof kept);
    atomic_store(&on_callback, keep);
}

struct wanted {
    HTAPICALL call;
    unsigned at;
};

static bool is_kept(void *argument)
{
    struct wanted *wanted = argument;
    for (unsigned i = 0; i < kept_count && i < KEPT; i++) {
        if (kept[i].call != wanted->call || !kept[i].taken) continue;
        wanted->at = i;
        return true;
    }
    return false;
}

const LINECALLINFO *offered_info(const struct call *call)
{
    struct wanted wanted = {.call = call->ht};
    CHECK(wait_until(is_kept, &wanted, SOON_MS), "the call had no first state");
    CHECK(kept[wanted.at].result == 0, "at the first state lineGetCallInfo gave %s",
          name_of_result(kept[wanted.at].result));
    return (const LINECALLINFO *)kept[wanted.at].room;
}
