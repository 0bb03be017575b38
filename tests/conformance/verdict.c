/* What the host demands of every session, whatever the item is about.
 *
 * Read over the log when the session is over: the rules of requests and completions, of the life
 * of handles, of the states of a call, and that nothing was reported that the capabilities do not
 * claim.
 */

#include <string.h>

#include "documented.h"
#include "host.h"
#include "names.h"

/* One judgement: the text says which rule, the entry what broke it. */
#define RULE(holds, rule)                                                                          \
    do {                                                                                           \
        if (!(holds)) FAULT("in this session: %s, but: %s", rule, log_text(entry));                \
    } while (0)

/* ---- requests ---- */

static void judge_requests(void)
{
    for (DRV_REQUESTID id = first_request; id < next_request(); id++) {
        const struct request *request = request_of(id);
        int completions = request->completions;
        int expected = request->fate == ACCEPTED ? 1 : 0;
        if (completions != expected)
            FAULT("request %u (%s) was %s and completed %d times", (unsigned)id, request->function,
                  expected ? "accepted" : "refused", completions);
    }
}

static void judge_result(const struct entry *entry, const char *function)
{
    RULE(is_documented(function, entry->result), "functions fail with errors they are documented "
         "to have");
}

static void judge_completion(const struct entry *entry)
{
    judge_result(entry, request_of(entry->request)->function);
    RULE(entry->request >= first_request && entry->request < next_request(),
         "only requests of this session are completed");
    RULE(entry->result <= 0, "a completion carries 0 or an error");
}

/* ---- numbers ---- */

static bool is_numeric(const struct entry *entry, unsigned parameter)
{
    if (entry->message == LINE_NEWCALL) return parameter == 3;
    if (entry->message == LINE_CREATE) return parameter == 3;
    if (entry->message == LINE_CALLSTATE && parameter == 2)
        return entry->p1 != LINECALLSTATE_CONFERENCED;
    return true;
}

/* A provider built for 32 bits leaves rubbish in the upper halves. */
static void judge_width(const struct entry *entry)
{
    const DWORD_PTR all[] = {entry->p1, entry->p2, entry->p3};
    for (unsigned i = 0; i < 3; i++)
        if (is_numeric(entry, i + 1))
            RULE((uint64_t)all[i] >> 32 == 0, "upper halves of numbers are 0");
}

/* ---- the states of a call ---- */

#define S(name) LINECALLSTATE_##name

/* Where a call may go from each state. */
static DWORD next_states(DWORD state)
{
    switch (state) {
    case S(DIALTONE):
        return S(DIALING) | S(IDLE) | S(DISCONNECTED);
    case S(DIALING):
        return S(PROCEEDING) | S(RINGBACK) | S(CONNECTED) | S(BUSY) | S(SPECIALINFO) |
               S(DISCONNECTED) | S(IDLE);
    case S(PROCEEDING):
        return S(RINGBACK) | S(CONNECTED) | S(BUSY) | S(SPECIALINFO) | S(DISCONNECTED) | S(IDLE) |
               S(ONHOLD);
    case S(RINGBACK):
        return S(CONNECTED) | S(BUSY) | S(DISCONNECTED) | S(IDLE) | S(PROCEEDING);
    case S(BUSY):
    case S(SPECIALINFO):
        return S(IDLE) | S(DISCONNECTED) | S(RINGBACK) | S(PROCEEDING);
    case S(OFFERING):
        return S(ACCEPTED) | S(CONNECTED) | S(DISCONNECTED) | S(IDLE);
    case S(ACCEPTED):
        return S(CONNECTED) | S(DISCONNECTED) | S(IDLE);
    case S(CONNECTED):
        return S(ONHOLD) | S(ONHOLDPENDTRANSFER) | S(ONHOLDPENDCONF) | S(CONFERENCED) |
               S(DISCONNECTED) | S(IDLE);
    case S(ONHOLD):
        return S(CONNECTED) | S(DISCONNECTED) | S(IDLE) | S(ONHOLDPENDTRANSFER) | S(CONFERENCED) |
               S(OFFERING);
    case S(ONHOLDPENDTRANSFER):
        return S(CONNECTED) | S(ONHOLD) | S(IDLE) | S(DISCONNECTED) | S(CONFERENCED);
    case S(ONHOLDPENDCONF):
        return S(CONNECTED) | S(ONHOLD) | S(IDLE) | S(DISCONNECTED);
    case S(CONFERENCED):
        return S(CONNECTED) | S(IDLE) | S(DISCONNECTED) | S(ONHOLD);
    case S(DISCONNECTED):
        return S(IDLE);
    case S(IDLE):
        return 0;
    default:
        return ~(DWORD)0;
    }
}

static bool is_one_bit(DWORD_PTR value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Whether the host has said something else of a call by lineSetMediaMode. */
static bool media_was_set;

/* The mode that goes with a state. */
static void judge_mode(const struct entry *entry, const struct claims *claims)
{
    DWORD mode = (DWORD)entry->p2;
    switch (entry->p1) {
    case S(DISCONNECTED):
        RULE(is_one_bit(mode) && (mode & claims->disconnect_modes), "a disconnect mode is one bit "
             "of those claimed");
        break;
    case S(BUSY):
        RULE(is_one_bit(mode) && (mode & claims->busy_modes), "a busy mode is one bit of those "
             "claimed");
        break;
    case S(CONNECTED):
        RULE(mode == 0 || (is_one_bit(mode) && (mode & claims->connected_modes)),
             "a connected mode is one bit of those claimed");
        break;
    case S(OFFERING):
        RULE(mode == 0 || (is_one_bit(mode) && (mode & claims->offering_modes)),
             "an offering mode is one bit of those claimed");
        break;
    case S(DIALTONE):
        RULE(is_one_bit(mode) && (mode & claims->dial_tone_modes), "a dial tone mode is one bit "
             "of those claimed");
        break;
    case S(CONFERENCED):
    case S(SPECIALINFO):
        break;
    default:
        RULE(mode == 0, "a state without modes has none");
    }
    RULE(entry->p3 == LINEMEDIAMODE_INTERACTIVEVOICE ||
             (media_was_set && (entry->p3 & ~(DWORD_PTR)(LINEMEDIAMODE_INTERACTIVEVOICE |
                                                         LINEMEDIAMODE_UNKNOWN)) == 0),
         "the media is voice, as long as the host has not said that it does not know");
}

/* The latest state of each call, as the judgement goes through the log. */
static DWORD states[CALLS];

static void judge_state(const struct entry *entry, const struct call *call)
{
    DWORD *state = &states[call - calls];
    RULE(is_one_bit(entry->p1), "a state is one bit");
    RULE((entry->p1 & call->line->claims.call_states) || entry->p1 == S(UNKNOWN),
         "only claimed states are reported");
    judge_mode(entry, &call->line->claims);
    if (*state == 0 && call->outbound)
        RULE(entry->p1 != S(OFFERING), "a call made here is never offered here");
    else if (*state != 0 && *state != entry->p1)
        RULE(next_states(*state) & entry->p1, "calls go through legal states");
    RULE(*state != S(IDLE), "nothing follows IDLE");
    *state = (DWORD)entry->p1;
}

static void judge_call_message(place at, const struct entry *entry)
{
    const struct call *call = call_of_handle(entry->call);
    RULE(entry->call != 0 && call != NULL, "calls are named by the handle the host gave");
    if (call == NULL) return;
    RULE(call->ht_line == entry->line, "a call stays at its line");
    RULE(at < call->closed_at, "nothing comes after lineCloseCall returned");
    if (call->outbound) {
        const struct request *request = request_of(call->request);
        if (call->request == 0 || request->completed_at >= at || request->result != 0)
            FAULT("in this session: nothing is said of a call before it is made, but: %s; request "
                  "%u, %s, was completed with %s at %d, this came at %u",
                  log_text(entry), (unsigned)call->request, request->function,
                  name_of_result(request->result), (int)request->completed_at, (unsigned)at);
    }
    if (entry->message == LINE_CALLSTATE) {
        judge_state(entry, call);
    } else if (entry->message == LINE_CALLINFO) {
        DWORD state = states[call - calls];
        RULE(state != 0, "no LINE_CALLINFO comes before the first LINE_CALLSTATE");
        RULE(state != S(IDLE), "no LINE_CALLINFO follows IDLE");
        RULE((entry->p1 & ~(DWORD_PTR)call->line->claims.call_info_states) == 0,
             "only claimed items change");
        RULE(entry->p2 == 0 && entry->p3 == 0, "LINE_CALLINFO has one parameter");
    }
}

/* ---- messages ---- */

static void judge_line_message(place at, const struct entry *entry)
{
    const struct line *line = line_of_handle(entry->line);
    /* A line may have been opened again under another handle; its first one is then unknown. */
    if (line != NULL) {
        RULE(at > line->opened_at, "nothing comes before lineOpen");
        RULE(at < line->closed_at, "nothing comes after lineClose returned");
    }
    switch (entry->message) {
    case LINE_CALLSTATE:
    case LINE_CALLINFO:
    case LINE_GENERATE:
        judge_call_message(at, entry);
        break;
    case LINE_NEWCALL:
        RULE(entry->p1 != 0 && entry->p2 != 0 && entry->p3 == 0,
             "LINE_NEWCALL brings a handle and a place for the host's");
        break;
    case LINE_ADDRESSSTATE:
        RULE(entry->call == 0 && entry->p1 == 0, "LINE_ADDRESSSTATE is about address 0");
        if (line != NULL)
            RULE((entry->p2 & ~(DWORD_PTR)line->claims.address_states) == 0,
                 "only claimed address states are reported");
        break;
    case LINE_LINEDEVSTATE:
        RULE(entry->call == 0, "LINE_LINEDEVSTATE is about no call");
        if (line != NULL)
            RULE((entry->p1 & ~(DWORD_PTR)(line->claims.line_states | LINEDEVSTATE_REINIT)) == 0,
                 "only claimed line states are reported");
        break;
    case LINE_CLOSE:
        RULE(entry->call == 0, "LINE_CLOSE is about no call");
        break;
    default:
        RULE(false, "only TSPI's messages are sent to a line");
    }
}

static void judge_creation(const struct entry *entry)
{
    RULE(entry->line == 0 && entry->call == 0, "lines come and go without handles");
    if (entry->message == LINE_CREATE)
        RULE(entry->p1 == (DWORD_PTR)the_provider, "LINE_CREATE names the provider");
    else
        RULE(entry->message == LINE_REMOVE, "lines come and go, no more");
}

void judge_session(void)
{
    if (log_lost() > 0) FAULT("%u entries did not fit into the log", (unsigned)log_lost());
    memset(states, 0, sizeof states);
    media_was_set = false;
    judge_requests();
    for (place at = session.began; at < log_end() && !item_failed(); at++) {
        const struct entry *entry = log_at(at);
        if (entry->kind == LEAVE) {
            judge_result(entry, entry->function);
            if (entry->result == 0 && strcmp(entry->function, "lineSetMediaMode") == 0)
                media_was_set = true;
        }
        if (entry->kind == ENTER || entry->kind == LEAVE) continue;
        RULE(!entry->inside_callback, "callbacks are not nested");
        RULE(at < session.shut_down, "nothing comes after providerShutdown");
        if (entry->kind == COMPLETION) {
            judge_completion(entry);
        } else {
            judge_width(entry);
            if (entry->kind == EVENT)
                judge_line_message(at, entry);
            else
                judge_creation(entry);
        }
    }
}
