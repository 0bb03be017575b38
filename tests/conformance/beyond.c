/* Items 151 to 162, 175 and 176: what goes beyond the product's list of functions. */

#include <string.h>

#include "features.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "structures.h"

/* ---- digits to dial ---- */

static void digits_follow(const char *beginning)
{
    struct line *line = open_line(20);
    CHECK(address_caps(line->device)->dwAddrCapFlags & LINEADDRCAPFLAGS_PARTIALDIAL,
          "PARTIALDIAL is not claimed");
    struct call *call;
    MUST(make_call(line, beginning, NULL, &call));
    DWORD first = beginning == NULL ? LINECALLSTATE_DIALTONE : LINECALLSTATE_DIALING;
    await_state(call, first);
    CHECK(features_of(call) & LINECALLFEATURE_DIAL, "no more digits can be dialled");
    if (beginning == NULL) MUST(dial_digits(call, "2"));
    MUST(dial_digits(call, "T1;"));
    await_state(call, LINECALLSTATE_RINGBACK);
    EXPECT(outcome(dial_digits(call, "1")), ERR(INVALCALLSTATE));
    MUST(drop(call));
    EXPECT(outcome(dial_digits(call, "1")), ERR(INVALCALLSTATE));
    close_line(line);
}

static void dial_later(void)
{
    session_start((struct setup){0});
    digits_follow(NULL);
    control_clear_calls();
    digits_follow("2;");
}

static void dial_wrong(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call;
    MUST(make_call(line, "", NULL, &call));
    await_state(call, LINECALLSTATE_DIALTONE);
    EXPECT(dial_digits(call, ""), ERR(INVALADDRESS));
    EXPECT(dial_digits(call, NULL), ERR(INVALADDRESS));
    EXPECT(dial_digits(call, "1?"), ERR(DIALPROMPT));
    EXPECT(dial_digits(call, "x"), ERR(INVALADDRESS));
    CHECK(state_of(call) == LINECALLSTATE_DIALTONE, "the call is %s",
          name_of_state(state_of(call)));
}

/* ---- digits to hear ---- */

static LONG generate(struct call *call, DWORD tag, DWORD mode, const char *digits)
{
    WCHAR *text = fenced_text(digits);
    LONG result = TSPI(lineGenerateDigits, call->hd, tag, mode, text, 100);
    spoil_text(text);
    return result;
}

static void digits_heard(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    CHECK(device_caps(line->device)->dwGenerateDigitModes == LINEDIGITMODE_DTMF,
          "DTMF is not claimed");
    struct call *call = connected_call(line, 21);
    place from = log_end();
    struct pattern generated = {
        .kind = EVENT, .line = line->ht, .call = call->ht, .message = LINE_GENERATE,
        .p1 = LINEGENERATETERM_DONE,
    };
    uint32_t before = tick_count();
    EXPECT(generate(call, 0xBEEF, LINEDIGITMODE_DTMF, "12,a#"), 0);
    const struct entry *entry = log_at(await(from, generated, "LINE_GENERATE"));
    uint32_t after = tick_count();
    CHECK(entry->p2 == 0xBEEF, "the tag is %#x", (unsigned)entry->p2);
    CHECK((uint32_t)entry->p3 - before <= after - before, "tick %u is not from %u to %u",
          (unsigned)entry->p3, (unsigned)before, (unsigned)after);
    const char *heard = control("heard 21");
    CHECK(strcmp(heard, "12A#") == 0, "the other end heard \"%s\"", heard);
    EXPECT(generate(call, 1, LINEDIGITMODE_PULSE, "1"), ERR(INVALDIGITMODE));
    EXPECT(generate(call, 1, LINEDIGITMODE_DTMF, NULL), 0);
    MUST(hold(call));
    EXPECT(generate(call, 1, LINEDIGITMODE_DTMF, "1"), ERR(INVALCALLSTATE));
}

/* ---- user-user information ---- */

static const WCHAR greeting[] = u"Grüße & 100 %";
/* The same as firmware from 13r3 on carries it. */
static const char greeting_encoded[] = "Gr%C3%BC%C3%9Fe%20%26%20100%20%25";

static bool has_greeting(const struct call *call)
{
    const LINECALLINFO *info = call_info(call);
    return info->dwUserUserInfoSize == sizeof greeting &&
           memcmp((const char *)info + info->dwUserUserInfoOffset, greeting, sizeof greeting) == 0;
}

static void await_user_info(place from, const struct call *call)
{
    struct pattern told = {
        .kind = EVENT, .line = call->ht_line, .call = call->ht, .message = LINE_CALLINFO,
        .p1_bits = LINECALLINFOSTATE_USERUSERINFO,
    };
    await(from, told, "LINE_CALLINFO(USERUSERINFO)");
}

static void user_info_carried(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20), *peer = open_line(21);
    const LINEDEVCAPS *caps = device_caps(line->device);
    CHECK(caps->dwUUISendUserUserInfoSize >= sizeof greeting, "no more than %u bytes can be sent",
          (unsigned)caps->dwUUISendUserUserInfoSize);
    DWORD most = caps->dwUUISendUserUserInfoSize;
    struct call *call = connected_call(line, 21);
    struct call *there = await_new_call(peer, session.began);
    await_state(there, LINECALLSTATE_CONNECTED);
    place from = log_end();
    char copy[sizeof greeting];
    memcpy(copy, greeting, sizeof greeting);
    LONG request = ASK(lineSendUserUserInfo, call->hd, copy, sizeof greeting);
    memset(copy, 0xEE, sizeof copy);
    MUST(request);
    await_user_info(from, there);
    CHECK(has_greeting(there), "another text arrived than was sent");
    static char big[1 << 16];
    memset(big, 'x', sizeof big);
    EXPECT(outcome(ASK(lineSendUserUserInfo, call->hd, big, most + 1)), ERR(USERUSERINFOTOOBIG));
    MUST(hold(call));
    EXPECT(outcome(ASK(lineSendUserUserInfo, call->hd, "x", 2)), ERR(INVALCALLSTATE));
}

static void user_info_arrives(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = connected_call(line, 21);
    place from = log_end();
    control("uui 20 Grüße & 100 %%");
    await_user_info(from, call);
    CHECK(has_greeting(call), "another text arrived");
}

/* Sends the greeting from one line to the other, and lets another one arrive. */
static void user_info_encoded(void)
{
    control_until_end("set firmware 13r3", "set firmware off");
    session_start((struct setup){0});
    struct line *line = open_line(20), *peer = open_line(21);
    struct call *call = connected_call(line, 21);
    struct call *there = await_new_call(peer, session.began);
    await_state(there, LINECALLSTATE_CONNECTED);
    place from = log_end();
    MUST(ASK(lineSendUserUserInfo, call->hd, (LPCSTR)greeting, sizeof greeting));
    const char *sent = control("uui-sent 20");
    CHECK(strcmp(sent, greeting_encoded) == 0, "\"%s\" was sent", sent);
    await_user_info(from, there);
    CHECK(has_greeting(there), "another text arrived than was sent");
    from = log_end();
    control("uui 20 %s", greeting_encoded);
    await_user_info(from, call);
    CHECK(has_greeting(call), "another text arrived than the PBX wrote");
}

/* ---- park ---- */

static LONG park(struct call *call, DWORD mode, const char *number, VARSTRING *address)
{
    WCHAR *text = fenced_text(number);
    LONG result = ASK(linePark, call->hd, mode, text, address);
    spoil_text(text);
    return result;
}

static LONG unpark(struct line *line, const char *number, struct call **call)
{
    struct call *made = call_new(line, NULL, true);
    WCHAR *text = fenced_text(number);
    *call = made;
    LONG result = ASK(lineUnpark, line->hd, 0, made->ht, &made->hd, text);
    spoil_text(text);
    if (result > 0) {
        made->request = (DRV_REQUESTID)result;
        CHECK(made->hd != NULL, "lineUnpark returned its id before it wrote the handle");
    }
    return result;
}

/* The call parked by the first line is taken by another one, and is connected with whom it was. */
static void taken_elsewhere(struct line *taker, const char *from)
{
    struct call *taken;
    MUST(unpark(taker, from, &taken));
    await_state(taken, LINECALLSTATE_CONNECTED);
    const LINECALLINFO *info = call_info(taken);
    CHECK(info->dwReason == LINECALLREASON_UNPARK, "the reason is %#x", (unsigned)info->dwReason);
    MUST(drop(taken));
    EXPECT(outcome(unpark(taker, from, &taken)), ERR(OPERATIONFAILED));
}

static void parked_at_an_address(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20), *place_line = open_line(22), *taker = open_line(23);
    struct line *peer = open_line(21);
    CHECK(address_caps(line->device)->dwParkModes ==
              (LINEPARKMODE_DIRECTED | LINEPARKMODE_NONDIRECTED), "parking is not claimed");
    struct call *call = connected_call(line, 21);
    struct call *there = await_new_call(peer, session.began);
    await_state(there, LINECALLSTATE_CONNECTED);
    place from = log_end();
    MUST(park(call, LINEPARKMODE_DIRECTED, "22", NULL));
    await_state(call, LINECALLSTATE_IDLE);
    struct pattern disconnected = {
        .kind = EVENT, .line = line->ht, .call = call->ht, .message = LINE_CALLSTATE,
        .p1 = LINECALLSTATE_DISCONNECTED,
    };
    CHECK(log_count(from, &disconnected) == 0, "who parks a call has hung up nothing");
    struct call *parked = await_new_call(place_line, from);
    await_state(parked, LINECALLSTATE_ONHOLD);
    CHECK(call_info(parked)->dwReason == LINECALLREASON_PARKED, "the reason is %#x",
          (unsigned)call_info(parked)->dwReason);
    CHECK(state_of(there) == LINECALLSTATE_CONNECTED, "who is parked is %s",
          name_of_state(state_of(there)));
    taken_elsewhere(taker, "22");
}

static void parked_anywhere(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20), *taker = open_line(23);
    struct call *call = connected_call(line, 21);
    struct { VARSTRING string; WCHAR room[8]; DWORD guard; } address = {
        .string.dwTotalSize = sizeof address - sizeof(DWORD), .guard = 0xC0FFEE,
    };
    MUST(park(call, LINEPARKMODE_NONDIRECTED, NULL, &address.string));
    await_state(call, LINECALLSTATE_IDLE);
    const WCHAR *text = (const WCHAR *)((const char *)&address + address.string.dwStringOffset);
    CHECK(address.string.dwStringSize == 6 && memcmp(text, u"20", 6) == 0,
          "the address is not that of the line");
    CHECK(address.guard == 0xC0FFEE, "written past the end");
    taken_elsewhere(taker, "20");
}

static void parked_wrong(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct call *call = connected_call(line, 21);
    VARSTRING small = {.dwTotalSize = sizeof small};
    EXPECT(park(call, LINEPARKMODE_NONDIRECTED, NULL, &small), ERR(STRUCTURETOOSMALL));
    EXPECT(park(call, LINEPARKMODE_NONDIRECTED, NULL, NULL), ERR(INVALPOINTER));
    EXPECT(park(call, 3, "22", NULL), ERR(INVALPARKMODE));
    EXPECT(outcome(park(call, LINEPARKMODE_DIRECTED, "987", NULL)), ERR(INVALADDRESS));
    CHECK(state_of(call) == LINECALLSTATE_CONNECTED, "the call is %s",
          name_of_state(state_of(call)));
    struct call *taken;
    EXPECT(outcome(unpark(line, "22", &taken)), ERR(OPERATIONFAILED));
}

/* ---- handles ---- */

static void failed_call_closed(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    control_until_end("refuse 20 on", "refuse 20 off");
    struct call *call;
    LONG result = outcome(make_call(line, "21", NULL, &call));
    CHECK(result < 0, "a refused call was made");
    EXPECT(TSPI(lineCloseCall, call->hd), 0);
    EXPECT(TSPI(lineCloseCall, call->hd), ERR(INVALCALLHANDLE));
}

/* ---- conferences ---- */

struct trio {
    struct call *first, *second, *parent;
};

/* lineSetupConference; what it returned. */
static LONG setup_conference(struct line *line, struct trio *trio, DWORD parties)
{
    trio->parent = call_new(line, NULL, true);
    trio->second = call_new(line, NULL, true);
    LONG result = ASK(lineSetupConference, trio->first->hd, NULL, trio->parent->ht,
                      &trio->parent->hd, trio->second->ht, &trio->second->hd, parties, NULL);
    if (result > 0) {
        trio->parent->request = trio->second->request = (DRV_REQUESTID)result;
        CHECK(trio->parent->hd != NULL && trio->second->hd != NULL && trio->parent->hd != trio->second->hd,
              "lineSetupConference returned its id before it wrote the handles");
    }
    return result;
}

/* A member must name the host's handle of its conference. */
static void await_member(struct call *member, const struct call *parent)
{
    const struct entry *entry = log_at(await_state(member, LINECALLSTATE_CONFERENCED));
    CHECK(entry->p2 == (DWORD_PTR)parent->ht, "the conference is named %#lx, not %#lx",
          (unsigned long)entry->p2, (unsigned long)(uintptr_t)parent->ht);
    CHECK(call_status(member)->dwCallStateMode == 0, "CONFERENCED has a mode in LINECALLSTATUS");
}

/* 20 has a call with 21, asks for a conference and calls 22, who answers. */
static struct trio conference_begun(struct line *line)
{
    struct trio trio = {.first = connected_call(line, 21)};
    CHECK(features_of(trio.first) & LINECALLFEATURE_SETUPCONF, "no conference can be made");
    MUST(setup_conference(line, &trio, 3));
    await_state(trio.parent, LINECALLSTATE_ONHOLDPENDCONF);
    await_member(trio.first, trio.parent);
    await_state(trio.second, LINECALLSTATE_DIALTONE);
    CHECK(call_info(trio.parent)->dwOrigin == LINECALLORIGIN_CONFERENCE, "dwOrigin is %#x",
          (unsigned)call_info(trio.parent)->dwOrigin);
    MUST(dial_digits(trio.second, "22"));
    await_state(trio.second, LINECALLSTATE_RINGBACK);
    EXPECT(outcome(ASK(lineAddToConference, trio.parent->hd, trio.second->hd)), ERR(INVALCALLSTATE));
    control("answer 22");
    await_state(trio.second, LINECALLSTATE_CONNECTED);
    return trio;
}

static struct trio conference(struct line *line)
{
    struct trio trio = conference_begun(line);
    CHECK(features_of(trio.parent) & LINECALLFEATURE_ADDTOCONF, "nobody can be added");
    MUST(ASK(lineAddToConference, trio.parent->hd, trio.second->hd));
    await_member(trio.second, trio.parent);
    await_state(trio.parent, LINECALLSTATE_CONNECTED);
    CHECK(state_of(trio.first) == LINECALLSTATE_CONFERENCED, "the first member is %s",
          name_of_state(state_of(trio.first)));
    return trio;
}

static void conference_of_three(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20), *peer = open_line(21);
    const LINEADDRESSCAPS *caps = address_caps(line->device);
    CHECK(caps->dwMaxNumConference == 3, "dwMaxNumConference is %u",
          (unsigned)caps->dwMaxNumConference);
    place start = log_end();
    struct trio trio = conference(line);
    struct call *there = await_new_call(peer, start);
    CHECK(state_of(there) == LINECALLSTATE_CONNECTED, "the other end is %s",
          name_of_state(state_of(there)));
    EXPECT(outcome(hold(trio.parent)), ERR(INVALCALLSTATE));
    /* The second member is taken out: the first one is an ordinary call again. */
    MUST(ASK(lineRemoveFromConference, trio.second->hd));
    await_state(trio.second, LINECALLSTATE_IDLE);
    await_state(trio.parent, LINECALLSTATE_IDLE);
    await_state(trio.first, LINECALLSTATE_CONNECTED);
    EXPECT(outcome(ASK(lineRemoveFromConference, trio.first->hd)), ERR(INVALCALLSTATE));
    MUST(drop(trio.first));
}

static void conference_hung_up(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct trio trio = conference(line);
    MUST(drop(trio.parent));
    await_state(trio.parent, LINECALLSTATE_IDLE);
    await_state(trio.first, LINECALLSTATE_IDLE);
    await_state(trio.second, LINECALLSTATE_IDLE);
}

static void conference_given_up(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct trio trio = conference_begun(line);
    MUST(drop(trio.second));
    await_state(trio.parent, LINECALLSTATE_IDLE);
    await_state(trio.first, LINECALLSTATE_CONNECTED);
    EXPECT(setup_conference(line, &trio, 4), ERR(CONFERENCEFULL));
    MUST(hold(trio.first));
    EXPECT(setup_conference(line, &trio, 3), ERR(INVALCALLSTATE));
}

static void conference_taken_back(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct trio trio = conference_begun(line);
    CHECK(features_of(trio.parent) & LINECALLFEATURE_UNHOLD, "it cannot be taken back");
    MUST(unhold(trio.parent));
    /* At the completion all of it is so. */
    const struct {
        struct call *call;
        DWORD state;
    } now[] = {{trio.first, LINECALLSTATE_CONNECTED},
               {trio.second, LINECALLSTATE_IDLE},
               {trio.parent, LINECALLSTATE_IDLE}};
    for (unsigned i = 0; i < sizeof now / sizeof *now; i++)
        CHECK(state_of(now[i].call) == now[i].state, "call %u is %s", i,
              name_of_state(state_of(now[i].call)));
    trio = conference(line);
    CHECK(!(features_of(trio.parent) & LINECALLFEATURE_UNHOLD), "what is not held is taken back");
    EXPECT(outcome(unhold(trio.parent)), ERR(INVALCALLSTATE));
}

static void one_consultation_at_a_time(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    CHECK(address_caps(line->device)->dwMaxNumOnHoldPendingCalls == 1,
          "more than one call can wait");
    struct call *original = connected_call(line, 21), *consultation, *none;
    MUST(setup_transfer(original, "22", &consultation));
    control("answer 22");
    await_state(consultation, LINECALLSTATE_CONNECTED);
    const DWORD both = LINECALLFEATURE_SETUPTRANSFER | LINECALLFEATURE_SETUPCONF;
    CHECK(!(features_of(consultation) & both), "a consultation has a consultation");
    EXPECT(outcome(setup_transfer(consultation, "23", &none)), ERR(INVALCALLSTATE));
    struct trio trio = {.first = consultation};
    EXPECT(setup_conference(line, &trio, 3), ERR(INVALCALLSTATE));
    CHECK(state_of(original) == LINECALLSTATE_ONHOLDPENDTRANSFER, "the original is %s",
          name_of_state(state_of(original)));
}

static void conference_never_joined(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    struct trio trio = conference_begun(line);
    control("hangup 22");
    await_state(trio.second, LINECALLSTATE_DISCONNECTED);
    await_state(trio.second, LINECALLSTATE_IDLE);
    await_state(trio.parent, LINECALLSTATE_IDLE);
    await_state(trio.first, LINECALLSTATE_CONNECTED);
    MUST(drop(trio.first));
}

/* lineCompleteTransfer as a conference; what it returned. */
static LONG confer(struct trio *trio)
{
    trio->parent = call_new(trio->first->line, NULL, true);
    LONG result = ASK(lineCompleteTransfer, trio->first->hd, trio->second->hd, trio->parent->ht,
                      &trio->parent->hd, LINETRANSFERMODE_CONFERENCE);
    if (result > 0) {
        trio->parent->request = (DRV_REQUESTID)result;
        CHECK(trio->parent->hd != NULL, "it returned its id before it wrote the handle");
    }
    return result;
}

static bool offers_conference(const struct call *call)
{
    return call_status(call)->dwCallFeatures2 & LINECALLFEATURE2_TRANSFERCONF;
}

static void transfer_completed_as_conference(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    CHECK(address_caps(line->device)->dwTransferModes & LINETRANSFERMODE_CONFERENCE,
          "LINETRANSFERMODE_CONFERENCE is not claimed");
    struct trio trio = {.first = connected_call(line, 21)};
    MUST(setup_transfer(trio.first, "22", &trio.second));
    await_state(trio.first, LINECALLSTATE_ONHOLDPENDTRANSFER);
    await_state(trio.second, LINECALLSTATE_RINGBACK);
    CHECK(!offers_conference(trio.second), "who only rings cannot be heard");
    EXPECT(outcome(confer(&trio)), ERR(INVALCALLSTATE));
    control("answer 22");
    await_state(trio.second, LINECALLSTATE_CONNECTED);
    CHECK(offers_conference(trio.first) && offers_conference(trio.second),
          "no conference is offered");
    MUST(confer(&trio));
    await_state(trio.parent, LINECALLSTATE_CONNECTED);
    await_member(trio.first, trio.parent);
    await_member(trio.second, trio.parent);
    CHECK(call_info(trio.parent)->dwOrigin == LINECALLORIGIN_CONFERENCE, "dwOrigin is %#x",
          (unsigned)call_info(trio.parent)->dwOrigin);
    control("hangup 21");
    await_state(trio.first, LINECALLSTATE_DISCONNECTED);
    await_state(trio.parent, LINECALLSTATE_IDLE);
    await_state(trio.second, LINECALLSTATE_CONNECTED);
    MUST(drop(trio.second));
}

const struct item beyond_items[] = {
    {141, "user-user information is url-encoded for firmware that wants it", user_info_encoded, 0},
    {142, "a transfer is completed as a conference", transfer_completed_as_conference, 0},
    {143, "a conference whose second member hangs up before joining leads back to the first",
     conference_never_joined, 0},
    {151, "a call without its number takes the digits by lineDial", dial_later, 0},
    {152, "digits that cannot be dialled leave the dial tone", dial_wrong, 0},
    {153, "generated digits are heard and LINE_GENERATE has their tag", digits_heard, 0},
    {154, "user-user information is carried to the other line", user_info_carried, 0},
    {155, "user-user information from the PBX is shown as it is", user_info_arrives, 0},
    {156, "a call parked at an address is taken by another line", parked_at_an_address, 0},
    {157, "a call parked anywhere is found at the address given back", parked_anywhere, 0},
    {158, "what cannot be parked stays connected", parked_wrong, 0},
    {159, "the handle of a call that could not be made can be closed once", failed_call_closed, 0},
    {160, "a conference of three is made, and a member taken out", conference_of_three, 0},
    {161, "who hangs up a conference hangs up its members", conference_hung_up, 0},
    {162, "a conference given up leads back to the first call", conference_given_up, 0},
    {175, "a conference taken back before it began is the first call again",
     conference_taken_back, 0},
    {176, "a consultation is not consulted about itself", one_consultation_at_a_time, 0},
    {ITEMS_END, NULL, NULL, 0},
};
