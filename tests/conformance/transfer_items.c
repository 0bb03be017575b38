/* Items 76 to 81: calls that are sent on to another station, or fetched from one. */

#include <string.h>

#include "features.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "parties.h"
#include "structures.h"

/* Messages about a call from there on, completions not counted. */
static unsigned messages_of(const struct call *call, place from)
{
    struct pattern any = {.kind = EVENT, .call = call->ht, .any_message = true};
    return log_count(from, &any);
}

static place state_told(const struct call *call, DWORD state)
{
    struct pattern pattern = {.kind = EVENT, .call = call->ht, .message = LINE_CALLSTATE,
                              .p1 = state};
    return log_find(session.began, &pattern);
}

static place completion_place(LONG request)
{
    struct pattern completion = {.kind = COMPLETION, .request = (DRV_REQUESTID)request};
    return await(session.began, completion, "the completion");
}

/* ---- blind transfer ---- */

static void blind_transfer_for_all_three(void)
{
    session_start((struct setup){0});
    needs_claim(BLIND);
    watch_offerings();
    struct line *from = open_line(20), *transferred = open_line(21), *to = open_line(23);
    struct call *call = connected_call(from, 21);
    struct call *peer_call = await_new_call(transferred, session.began);
    await_state(peer_call, LINECALLSTATE_CONNECTED);
    CHECK(features_of(call) & LINECALLFEATURE_BLINDTRANSFER, "the call cannot be transferred");
    place start = log_end();
    LONG request = blind_transfer(call, "23");
    MUST(request);
    await_state(call, LINECALLSTATE_IDLE);
    CHECK(state_told(call, LINECALLSTATE_DISCONNECTED) == NOWHERE, "the call was disconnected");
    /* Its handle is of use until it is closed. */
    CHECK(state_of(call) == LINECALLSTATE_IDLE, "the call is %s", name_of_state(state_of(call)));
    struct call *target = await_new_call(to, start);
    await_state(target, LINECALLSTATE_OFFERING);
    check_parties(offered_info(target), (struct parties){.reason = LINECALLREASON_TRANSFER,
                                                         .caller = "21", .redirecting = "20"});
    place before = log_end();
    control("answer 23");
    await_state(target, LINECALLSTATE_CONNECTED);
    struct pattern connected = {.kind = EVENT, .call = peer_call->ht, .message = LINE_CALLINFO,
                                .p1_bits = LINECALLINFOSTATE_CONNECTEDID};
    await(before, connected, "LINE_CALLINFO(CONNECTEDID) at the transferred line");
    check_parties(call_info(peer_call), (struct parties){.connected = "23"});
    CHECK(state_of(peer_call) == LINECALLSTATE_CONNECTED, "the transferred call is %s",
          name_of_state(state_of(peer_call)));
}

static void must_stay(struct call *call, LONG request, LONG error, const char *what)
{
    LONG result = outcome(request);
    CHECK(error != 0 ? result == error : result < 0, "%s: %s", what, name_of_result(result));
    CHECK(state_of(call) == LINECALLSTATE_CONNECTED, "%s left the call %s", what,
          name_of_state(state_of(call)));
}

static void refused_blind_transfer(void)
{
    session_start((struct setup){0});
    needs_claim(BLIND);
    struct line *line = open_line(20);
    struct call *offered = offered_call(line, 21);
    EXPECT(outcome(blind_transfer(offered, "23")), ERR(INVALCALLSTATE));
    MUST(answer(offered));
    struct call *call = offered;
    place connected = await_state(call, LINECALLSTATE_CONNECTED);
    must_stay(call, blind_transfer(call, "77"), 0, "a transfer to nobody");
    control_until_end("busy 23 on", "busy 23 off");
    must_stay(call, blind_transfer(call, "23"), 0, "a transfer to somebody busy");
    must_stay(call, blind_transfer(call, NULL), ERR(INVALADDRESS), "a transfer to NULL");
    must_stay(call, blind_transfer(call, ""), ERR(INVALADDRESS), "a transfer to nothing");
    must_stay(call, blind_transfer(call, "2?"), ERR(DIALPROMPT), "a transfer to ?");
    CHECK(messages_of(call, connected + 1) == 0, "of the call was told: %s",
          log_tail(line->ht, call->ht));
    /* It goes on as if nothing had been asked. */
    control("busy 23 off");
    MUST(blind_transfer(call, "23"));
    await_state(call, LINECALLSTATE_IDLE);
    EXPECT(outcome(blind_transfer(call, "23")), ERR(INVALCALLSTATE));
}

/* ---- transfer with consultation ---- */

/* Line 20 holds a call with 21 and has called 23. */
static void consult(struct line *line, struct call **held, struct call **consultation)
{
    *held = connected_call(line, 21);
    MUST(hold(*held));
    await_state(*held, LINECALLSTATE_ONHOLD);
    *consultation = dial(line, "23");
    await_state(*consultation, LINECALLSTATE_RINGBACK);
}

static void transfer_and_end(struct call *held, struct call *consultation)
{
    CHECK(features_of(held) & LINECALLFEATURE_COMPLETETRANSF, "the held call has no transfer");
    CHECK(features_of(consultation) & LINECALLFEATURE_COMPLETETRANSF,
          "the consultation call has no transfer");
    LONG request = complete_transfer(held, consultation, LINETRANSFERMODE_TRANSFER);
    MUST(request);
    place first = await_state(held, LINECALLSTATE_IDLE);
    place second = await_state(consultation, LINECALLSTATE_IDLE);
    place done = completion_place(request);
    CHECK(first < second && second < done, "they did not end one after the other: %s",
          log_tail(held->line->ht, 0));
}

static void held_and_made_call(void)
{
    session_start((struct setup){0});
    needs_claim(COMPLETE);
    const DWORD flags = address_caps(line_of(20)->device)->dwAddrCapFlags;
    const DWORD both = LINEADDRCAPFLAGS_TRANSFERHELD | LINEADDRCAPFLAGS_TRANSFERMAKE;
    CHECK((flags & both) == both, "dwAddrCapFlags is %#x", (unsigned)flags);
    struct line *line = open_line(20), *transferred = open_line(21), *to = open_line(23);
    struct call *held, *consultation;
    for (int answered = 0; answered < 2; answered++) {
        place start = log_end();
        consult(line, &held, &consultation);
        struct call *peer_call = await_new_call(transferred, start), *target = await_new_call(to, start);
        if (answered) {
            control("answer 23");
            await_state(consultation, LINECALLSTATE_CONNECTED);
        }
        place asked = log_end();
        transfer_and_end(held, consultation);
        if (!answered) {
            CHECK(state_of(target) == LINECALLSTATE_OFFERING, "the target's call is %s",
                  name_of_state(state_of(target)));
            control("answer 23");
        }
        await_state(target, LINECALLSTATE_CONNECTED);
        struct pattern who = {.kind = EVENT, .call = peer_call->ht, .message = LINE_CALLINFO,
                              .p1_bits = LINECALLINFOSTATE_CONNECTEDID};
        await(asked, who, "LINE_CALLINFO(CONNECTEDID)");
        check_parties(call_info(peer_call), (struct parties){.connected = "23"});
        check_parties(call_info(target), (struct parties){.connected = "21"});
        CHECK(call_info(peer_call)->dwCallID == call_info(target)->dwCallID,
              "the joined calls have ids %#x and %#x", (unsigned)call_info(peer_call)->dwCallID,
              (unsigned)call_info(target)->dwCallID);
        control("hangup 21");
        await_quiet_pbx();
    }
}

static void wrong_transfers(void)
{
    session_start((struct setup){0});
    needs_claim(COMPLETE);
    struct line *line = open_line(20);
    struct call *held, *consultation;
    consult(line, &held, &consultation);
    static const DWORD modes[] = {0, 3, 4, 0x80000000};
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
        EXPECT(outcome(complete_transfer(held, consultation, modes[i])), ERR(INVALTRANSFERMODE));
    if (!(address_caps(line->device)->dwTransferModes & LINETRANSFERMODE_CONFERENCE))
        EXPECT(outcome(complete_transfer(held, consultation, LINETRANSFERMODE_CONFERENCE)),
               ERR(OPERATIONUNAVAIL));
    LONG result = outcome(complete_transfer(held, held, LINETRANSFERMODE_TRANSFER));
    CHECK(result < 0, "a call was transferred to itself");
    result = outcome(complete_transfer(consultation, consultation, LINETRANSFERMODE_TRANSFER));
    CHECK(result < 0, "a call was transferred to itself");
    CHECK(state_of(held) == LINECALLSTATE_ONHOLD && state_of(consultation) == LINECALLSTATE_RINGBACK,
          "they are %s and %s", name_of_state(state_of(held)), name_of_state(state_of(consultation)));
    struct line *other = open_line(24);
    struct call *elsewhere = connected_call(other, 25);
    result = outcome(complete_transfer(held, elsewhere, LINETRANSFERMODE_TRANSFER));
    CHECK(result == ERR(INVALCONSULTCALLHANDLE) || result == ERR(INVALCALLHANDLE),
          "a transfer over two lines gave %s", name_of_result(result));
    MUST(unhold(held));
    MUST(drop(consultation));
    EXPECT(outcome(complete_transfer(held, consultation, LINETRANSFERMODE_TRANSFER)),
           ERR(INVALCALLSTATE));
}

/* ---- redirection ---- */

static void redirected(void)
{
    session_start((struct setup){0});
    needs_claim(REDIRECT);
    watch_offerings();
    struct line *line = open_line(20), *to = open_line(23);
    struct call *call = offered_call(line, 21);
    CHECK(features_of(call) & LINECALLFEATURE_REDIRECT, "the call cannot be redirected");
    EXPECT(outcome(redirect(call, NULL)), ERR(INVALADDRESS));
    EXPECT(outcome(redirect(call, "")), ERR(INVALADDRESS));
    LONG result = outcome(redirect(call, "77"));
    CHECK(result < 0, "a call was redirected to nobody");
    CHECK(state_of(call) == LINECALLSTATE_OFFERING, "the call is %s", name_of_state(state_of(call)));
    place start = log_end();
    MUST(redirect(call, "23"));
    await_state(call, LINECALLSTATE_IDLE);
    CHECK(state_told(call, LINECALLSTATE_DISCONNECTED) == NOWHERE, "the call was disconnected");
    struct call *target = await_new_call(to, start);
    await_state(target, LINECALLSTATE_OFFERING);
    check_parties(offered_info(target), (struct parties){.reason = LINECALLREASON_REDIRECT,
                                                         .caller = "21", .redirecting = "20"});
    EXPECT(outcome(redirect(call, "23")), ERR(INVALCALLSTATE));
    MUST(answer(target));
    EXPECT(outcome(redirect(target, "24")), ERR(INVALCALLSTATE));
    CHECK(!(features_of(target) & LINECALLFEATURE_REDIRECT), "a connected call has REDIRECT");
}

/* ---- pickup ---- */

static place first_message(const struct call *call)
{
    struct pattern any = {.kind = EVENT, .call = call->ht, .any_message = true};
    return await(session.began, any, "a message of the call");
}

static void must_pick(struct line *line, struct line *from, const char *number, const char *group)
{
    place start = log_end();
    control("call 21 %s", from->extension);
    struct call *ringing = await_new_call(from, start), *picked;
    await_state(ringing, LINECALLSTATE_OFFERING);
    LONG request = pick_up(line, number, group, &picked);
    MUST(request);
    CHECK(first_message(picked) > completion_place(request), "the call was told before it was made");
    await_state(picked, LINECALLSTATE_CONNECTED);
    check_parties(call_info(picked), (struct parties){.reason = LINECALLREASON_PICKUP,
                                                      .caller = "21"});
    place gone = await_state(ringing, LINECALLSTATE_DISCONNECTED);
    CHECK(log_at(gone)->p2 == LINEDISCONNECTMODE_PICKUP, "%s", log_text(log_at(gone)));
    await_state(ringing, LINECALLSTATE_IDLE);
    MUST(drop(picked));
    await_quiet_pbx();
}

static void picked_up(void)
{
    session_start((struct setup){0});
    needs_claim(PICKUP);
    struct line *line = open_line(23), *from = open_line(20);
    const DWORD offered = address_caps(line->device)->dwAddressFeatures;
    must_pick(line, from, "20", NULL);
    if (offered & LINEADDRFEATURE_PICKUPGROUP) {
        must_pick(line, from, NULL, NULL);
        must_pick(line, from, NULL, "tapi");
    }
    struct call *none;
    LONG result = outcome(pick_up(line, "20", NULL, &none));
    CHECK(result == ERR(OPERATIONFAILED), "with nothing to pick up it gave %s",
          name_of_result(result));
    CHECK(messages_of(none, session.began) == 0, "of a call that was not picked up was told: %s",
          log_tail(line->ht, none->ht));
    result = outcome(pick_up(line, "77", NULL, &none));
    CHECK(result == ERR(INVALADDRESS), "from an unknown station: %s", name_of_result(result));
    result = outcome(pick_up(line, NULL, "no such group", &none));
    CHECK(result == ERR(INVALGROUPID) || result == ERR(OPERATIONFAILED),
          "from an unknown group: %s", name_of_result(result));
}

const struct item transfer_items[] = {
    {76, "a blind transfer is told to all three parties", blind_transfer_for_all_three, 0},
    {77, "a refused blind transfer leaves the call as it was", refused_blind_transfer, 0},
    {78, "a held and a made call can be transferred to each other", held_and_made_call, 0},
    {79, "a transfer of no known mode, or of a call to itself, fails", wrong_transfers, 0},
    {80, "an offered call can be redirected, a connected one not", redirected, 0},
    {81, "a picked up call is told here as picked up, there as gone", picked_up, 0},
    {ITEMS_END, NULL, NULL, 0},
};
