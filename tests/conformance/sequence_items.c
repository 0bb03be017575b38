/* Items 104 and on: whole calls as plays, told to all lines that take part in them. The sequences
 * are those of the interface's reference, section 3.10; what is optional there is decided here as
 * the provider documents it. */

#include <string.h>

#include "features.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "parties.h"
#include "script.h"
#include "stage.h"
#include "structures.h"

/* ---- (a) to (e): two parties ---- */

static void b_answers_a_drops(void)
{
    stage_for(2);
    struct call *out = a_calls_b();
    check_parties(offered_info(out), (struct parties){.origin = LINECALLORIGIN_OUTBOUND,
                                                   .reason = LINECALLREASON_DIRECT,
                                                   .caller = "20", .called = "21"});
    check_parties(offered_info(play_call(&b, 1)),
                  (struct parties){.origin = LINECALLORIGIN_INTERNAL,
                                   .reason = LINECALLREASON_DIRECT,
                                   .caller = "20", .called = "21"});
    answers(&b, &a, 1);
    check_parties(call_info(out), (struct parties){.connected = "21"});
    check_parties(call_info(play_call(&b, 1)), (struct parties){.connected = "20"});
    drops(&a, &b, 2);
    curtain(2);
}

static void a_abandons(void)
{
    stage_for(2);
    a_calls_b();
    drops(&a, &b, 2);
    curtain(2);
}

static void b_is_busy(void)
{
    stage_for(2);
    control_until_end("busy 21 on", "busy 21 off");
    play_request(&a, make_call(a.line, "21", NULL, NULL));
    /* BUSY while the phone still has the tone; DISCONNECTED(BUSY) when the PBX releases it. */
    play_on(&a, "done C:DIALING " IDS_COME " C:PROCEEDING C:BUSY(1) C:DISCONNECTED(32) C:IDLE");
    curtain(2);
}

static void b_rejects(void)
{
    stage_for(2);
    a_calls_b();
    play_request(&b, drop(play_call(&b, 1)));
    play_on(&b, "C:IDLE done");
    play_on(&a, "C:DISCONNECTED(4) C:IDLE");
    curtain(2);
}

static void nobody_answers(void)
{
    stage_for(2);
    a_calls_b();
    control("give-up 21");
    play_on(&a, "C:DISCONNECTED(64) C:IDLE");
    play_on(&b, "C:DISCONNECTED(1) C:IDLE");
    curtain(2);
}

/* ---- (f) to (h): the call goes to somebody else before it is answered ---- */

static void b_redirects(void)
{
    stage_for(3);
    needs_claim(REDIRECT);
    a_calls_b();
    play_request(&b, redirect(play_call(&b, 1), "23"));
    play_on(&b, "C:IDLE done");
    play_on(&c, "NEW C:OFFERING(1)");
    check_parties(offered_info(play_call(&c, 1)),
                  (struct parties){.origin = LINECALLORIGIN_INTERNAL,
                                   .reason = LINECALLREASON_REDIRECT, .caller = "20",
                                   .redirecting = "21", .redirection = "23"});
    play_on(&a, "I:REDIRECTIONID|REDIRECTINGID");
    check_parties(call_info(play_call(&a, 1)),
                  (struct parties){.reason = LINECALLREASON_DIRECT, .caller = "20", .called = "21",
                                   .redirecting = "21", .redirection = "23"});
    answers(&c, &a, 1);
    check_parties(call_info(play_call(&a, 1)), (struct parties){.connected = "23"});
    drops(&a, &c, 2);
    curtain(3);
}

/* Whom it goes to instead may be known with the first events, or after. */
#define FORWARDED_ON_ITS_WAY                                                                       \
    "done C:DIALING I:CALLID|CALLERID I:CALLEDID|REDIRECTIONID|REDIRECTINGID C:PROCEEDING C:RINGBACK"

/* B's phone diverts all calls to C. */
static void b_is_forwarded(void)
{
    stage_for(3);
    needs_claim(FORWARD);
    control_until_end("forward 21 cfu 23", "forward 21 cfu off");
    play_request(&a, make_call(a.line, "21", NULL, NULL));
    play_on(&c, "NEW C:OFFERING(1)");
    check_parties(offered_info(play_call(&c, 1)),
                  (struct parties){.origin = LINECALLORIGIN_INTERNAL,
                                   .reason = LINECALLREASON_FWDUNCOND, .caller = "20",
                                   .called = "21", .redirecting = "21", .redirection = "23"});
    play_on(&a, FORWARDED_ON_ITS_WAY);
    check_parties(call_info(play_call(&a, 1)),
                  (struct parties){.caller = "20", .called = "21", .redirecting = "21",
                                   .redirection = "23"});
    answers(&c, &a, 1);
    hangs_up(&c, &a, 1);
    curtain(3);
}

static bool is_forwarded(void *line)
{
    LINEADDRESSSTATUS status;
    return peek_address_status(((struct line *)line)->hd, &status) == 0 &&
           status.dwForwardNumEntries > 0;
}

/* B's phone diverts to C what comes while it is busy. Why is only known when the provider has read
 * that. */
static void b_is_busy_and_forwarded(void)
{
    stage_for(3);
    needs_claim(FORWARD);
    control_until_end("forward 21 cfb 23", "forward 21 cfb off");
    CHECK(wait_until(is_forwarded, b.line, SOON_MS), "the forward is not known");
    control_until_end("busy 21 on", "busy 21 off");
    play_request(&a, make_call(a.line, "21", NULL, NULL));
    play_on(&c, "NEW C:OFFERING(1)");
    check_parties(offered_info(play_call(&c, 1)),
                  (struct parties){.origin = LINECALLORIGIN_INTERNAL,
                                   .reason = LINECALLREASON_FWDBUSY, .caller = "20",
                                   .called = "21", .redirecting = "21", .redirection = "23"});
    play_on(&a, FORWARDED_ON_ITS_WAY);
    check_parties(call_info(play_call(&a, 1)),
                  (struct parties){.caller = "20", .called = "21", .redirecting = "21",
                                   .redirection = "23"});
    answers(&c, &a, 1);
    check_parties(call_info(play_call(&a, 1)), (struct parties){.connected = "23"});
    hangs_up(&a, &c, 1);
    curtain(3);
}

/* B's phone diverts what it does not answer. */
static void b_does_not_answer(void)
{
    stage_for(3);
    needs_claim(FORWARD);
    control_until_end("forward 21 cfnr 23", "forward 21 cfnr off");
    a_calls_b();
    control("give-up 21");
    play_on(&b, "C:DISCONNECTED(16) C:IDLE");
    play_on(&c, "NEW C:OFFERING(1)");
    check_parties(offered_info(play_call(&c, 1)),
                  (struct parties){.origin = LINECALLORIGIN_INTERNAL,
                                   .reason = LINECALLREASON_FWDNOANSWER, .caller = "20",
                                   .called = "21", .redirecting = "21", .redirection = "23"});
    play_on(&a, "I:REDIRECTIONID|REDIRECTINGID");
    check_parties(call_info(play_call(&a, 1)),
                  (struct parties){.reason = LINECALLREASON_DIRECT, .caller = "20", .called = "21",
                                   .redirecting = "21", .redirection = "23"});
    answers(&c, &a, 1);
    check_parties(call_info(play_call(&a, 1)), (struct parties){.connected = "23"});
    check_parties(call_info(play_call(&c, 1)), (struct parties){.connected = "20"});
    drops(&a, &c, 2);
    curtain(3);
}

static void d_picks_up(void)
{
    stage_for(4);
    needs_claim(PICKUP);
    a_calls_b();
    play_request(&d, pick_up(d.line, "21", NULL, NULL));
    play_on(&d, "done C:CONNECTED(1)");
    check_parties(call_info(play_call(&d, 1)),
                  (struct parties){.reason = LINECALLREASON_PICKUP, .caller = "20",
                                   .called = "21", .connected = "20"});
    play_on(&b, "C:DISCONNECTED(8) C:IDLE");
    play_on(&a, "I:CONNECTEDID C:CONNECTED(1)");
    check_parties(call_info(play_call(&a, 1)), (struct parties){.called = "21", .connected = "24"});
    drops(&d, &a, 2);
    curtain(4);
}

/* ---- (i) and (j): the call is transferred; here B is connected with A and sends it to C ---- */

static void b_transfers_blindly(void)
{
    stage_for(3);
    needs_claim(BLIND);
    a_talks_to_b();
    play_request(&b, blind_transfer(play_call(&b, 1), "23"));
    play_on(&b, "C:IDLE 2done");
    play_on(&c, "NEW C:OFFERING(1)");
    check_parties(offered_info(play_call(&c, 1)),
                  (struct parties){.origin = LINECALLORIGIN_INTERNAL,
                                   .reason = LINECALLREASON_TRANSFER, .caller = "20",
                                   .called = "23", .redirecting = "21", .redirection = "23"});
    play_on(&a, "I:CONNECTEDID|REDIRECTIONID|REDIRECTINGID");
    check_parties(call_info(play_call(&a, 1)),
                  (struct parties){.caller = "20", .called = "21", .connected = "23",
                                   .redirecting = "21", .redirection = "23"});
    control("answer 23");
    play_on(&c, "I:CONNECTEDID C:CONNECTED(1)");
    play_on(&a, "I:CONNECTEDID"); /* it is C as before, who talks now */
    check_parties(call_info(play_call(&c, 1)), (struct parties){.connected = "20"});
    hangs_up(&c, &a, 1);
    curtain(3);
}

/* B holds A and calls C. */
static void b_consults_c(void)
{
    a_talks_to_b();
    play_request(&b, hold(play_call(&b, 1)));
    play_on(&b, "C:ONHOLD 2done");
    play_on(&a, "C:CONNECTED(4)");
    play_request(&b, make_call(b.line, "23", NULL, NULL));
    play_on(&b, "3done 2C:DIALING 2I:CALLID|CALLERID 2I:CALLEDID 2C:PROCEEDING 2C:RINGBACK");
    play_on(&c, "NEW C:OFFERING(1)");
}

static void b_transfers_to_c_who_talks(void)
{
    stage_for(3);
    needs_claim(COMPLETE);
    b_consults_c();
    answers(&c, &b, 2);
    play_request(&b, complete_transfer(play_call(&b, 1), play_call(&b, 2),
                                       LINETRANSFERMODE_TRANSFER));
    play_on(&b, "C:IDLE 2C:IDLE 4done");
    play_on(&a, "I:CONNECTEDID|REDIRECTIONID|REDIRECTINGID C:CONNECTED(1)");
    play_on(&c, "I:CALLID|RELATEDCALLID|REASON|CALLERID|CONNECTEDID|REDIRECTIONID|REDIRECTINGID");
    check_parties(call_info(play_call(&a, 1)), (struct parties){.connected = "23",
                                                                .redirecting = "21",
                                                                .redirection = "23"});
    check_parties(call_info(play_call(&c, 1)), (struct parties){.caller = "20", .connected = "20"});
    CHECK(call_info(play_call(&a, 1))->dwCallID == call_info(play_call(&c, 1))->dwCallID,
          "the joined calls have two ids");
    hangs_up(&c, &a, 1);
    curtain(3);
}

static void b_transfers_to_c_who_rings(void)
{
    stage_for(3);
    needs_claim(COMPLETE);
    b_consults_c();
    play_request(&b, complete_transfer(play_call(&b, 1), play_call(&b, 2),
                                       LINETRANSFERMODE_TRANSFER));
    play_on(&b, "C:IDLE 2C:IDLE 4done");
    play_on(&a, "I:CONNECTEDID|REDIRECTIONID|REDIRECTINGID C:CONNECTED(1)");
    play_on(&c, "I:CALLID|RELATEDCALLID|REASON|CALLERID|REDIRECTIONID|REDIRECTINGID");
    check_parties(call_info(play_call(&c, 1)), (struct parties){.caller = "20"});
    control("answer 23");
    play_on(&c, "I:CONNECTEDID C:CONNECTED(1)");
    play_on(&a, "I:CONNECTEDID"); /* it is C as before, who talks now */
    check_parties(call_info(play_call(&a, 1)), (struct parties){.connected = "23"});
    check_parties(call_info(play_call(&c, 1)), (struct parties){.connected = "20"});
    hangs_up(&a, &c, 1);
    curtain(3);
}

/* ---- (k) to (m): a second call ---- */

/* B is connected with A, D calls B, and B answers that too. */
static void d_calls_b(void)
{
    a_talks_to_b();
    control("call 24 21");
    play_on(&b, "2NEW 2C:OFFERING(1)");
    play_on(&d, "NEW C:DIALING I:CALLEDID C:PROCEEDING C:RINGBACK");
    play_request(&b, answer(play_call(&b, 2)));
    play_on(&b, "C:ONHOLD 2I:CONNECTEDID 2C:CONNECTED(1) 2done");
    play_on(&a, "C:CONNECTED(4)");
    play_on(&d, "I:CONNECTEDID C:CONNECTED(1)");
}

static void b_answers_a_second_call(void)
{
    stage_for(4);
    d_calls_b();
    hangs_up(&d, &b, 2);
    hangs_up(&a, &b, 1);
    curtain(4);
}

static void b_swaps(void)
{
    stage_for(4);
    needs_claim(SWAP);
    d_calls_b();
    play_request(&b, swap(play_call(&b, 2), play_call(&b, 1)));
    play_on(&b, "2C:ONHOLD C:CONNECTED(1) 3done");
    play_on(&a, "C:CONNECTED(1)");
    play_on(&d, "C:CONNECTED(4)");
    hangs_up(&d, &b, 2);
    hangs_up(&a, &b, 1);
    curtain(4);
}

static void who_is_held_hangs_up(void)
{
    stage_for(4);
    d_calls_b();
    DWORD before = features_of(play_call(&b, 2));
    hangs_up(&a, &b, 1);
    /* The other call can do less now; whoever asks sees it, told or not. */
    DWORD after = features_of(play_call(&b, 2));
    CHECK(!(after & (LINECALLFEATURE_SWAPHOLD | LINECALLFEATURE_COMPLETETRANSF)) &&
              (before & ~after) == (before & (LINECALLFEATURE_SWAPHOLD |
                                              LINECALLFEATURE_COMPLETETRANSF)),
          "its features went from %#x to %#x", (unsigned)before, (unsigned)after);
    hangs_up(&d, &b, 2);
    curtain(4);
}

/* ---- (n): what phones do ---- */

static void phone_makes_the_call(void)
{
    stage_for(2);
    control("call 20 21");
    play_on(&a, "NEW C:DIALING I:CALLEDID C:PROCEEDING C:RINGBACK");
    play_on(&b, "NEW C:OFFERING(1)");
    check_parties(call_info(play_call(&a, 1)),
                  (struct parties){.origin = LINECALLORIGIN_OUTBOUND,
                                   .reason = LINECALLREASON_DIRECT,
                                   .caller = "20", .called = "21"});
    answers(&b, &a, 1);
    hangs_up(&a, &b, 1);
    curtain(2);
}

static void phone_holds_the_call(void)
{
    stage_for(2);
    control("call 20 21");
    control("answer 21");
    play_on(&a, "NEW C:DIALING I:CALLEDID C:PROCEEDING C:RINGBACK I:CONNECTEDID C:CONNECTED(1)");
    play_on(&b, "NEW C:OFFERING(1) I:CONNECTEDID C:CONNECTED(1)");
    control("hold 21");
    play_on(&b, "C:ONHOLD");
    play_on(&a, "C:CONNECTED(4)"); /* ACTIVEHELD: the far end holds */
    control("retrieve 21");
    play_on(&b, "C:CONNECTED(1)");
    play_on(&a, "C:CONNECTED(1)");
    hangs_up(&b, &a, 1);
    curtain(2);
}

/* B is connected with A and calls C: first the one call stops being active, then the other begins. */
static void b_makes_a_second_call(void)
{
    stage_for(3);
    a_talks_to_b();
    play_request(&b, make_call(b.line, "23", NULL, NULL));
    play_on(&b, "C:ONHOLD 2done 2C:DIALING 2I:CALLID|CALLERID 2I:CALLEDID 2C:PROCEEDING 2C:RINGBACK");
    play_on(&a, "C:CONNECTED(4)");
    play_on(&c, "NEW C:OFFERING(1)");
    play_request(&b, drop(play_call(&b, 2)));
    play_on(&b, "2C:IDLE 3done");
    play_on(&c, "C:DISCONNECTED(1) C:IDLE");
    play_request(&b, unhold(play_call(&b, 1)));
    play_on(&b, "C:CONNECTED(1) 4done");
    play_on(&a, "C:CONNECTED(1)");
    hangs_up(&a, &b, 1);
    curtain(3);
}

const struct item sequence_items[] = {
    {104, "a call from lineMakeCall to lineDrop, at both lines", b_answers_a_drops, 0},
    {105, "a caller gives up while it rings, at both lines", a_abandons, 0},
    {106, "a call to a busy station, at both lines", b_is_busy, 0},
    {107, "the called rejects by lineDrop, at both lines", b_rejects, 0},
    {108, "nobody answers and the PBX gives up, at both lines", nobody_answers, 0},
    {109, "a redirected call, at all three lines", b_redirects, 0},
    {110, "a call forwarded at once, at all three lines", b_is_forwarded, 0},
    {111, "a call forwarded when nobody answers, at all three lines", b_does_not_answer, 0},
    {112, "a call picked up, at all three lines", d_picks_up, 0},
    {113, "a blind transfer, at all three lines", b_transfers_blindly, 0},
    {114, "a transfer to somebody consulted, at all three lines", b_transfers_to_c_who_talks, 0},
    {115, "a transfer to somebody whose phone rings, at all three lines",
     b_transfers_to_c_who_rings, 0},
    {116, "a second call is answered, at all three lines", b_answers_a_second_call, 0},
    {117, "two calls are swapped, at all three lines", b_swaps, 0},
    {118, "a held party hangs up, at all three lines", who_is_held_hangs_up, 0},
    {119, "a call that the phone makes, at both lines", phone_makes_the_call, 0},
    {120, "a phone holds and takes back, at both lines", phone_holds_the_call, 0},
    {177, "a call made beside another one begins when that is on hold, at all three lines",
     b_makes_a_second_call, 0},
    {128, "a call forwarded because the called is busy, at all three lines",
     b_is_busy_and_forwarded, 0},
    {ITEMS_END, NULL, NULL, 0},
};
