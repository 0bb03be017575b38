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
#include "structures.h"

/* The lines of a play: by custom A calls B, and C, D come in later. */
enum { A = 20, B = 21, C = 23, D = 24 };

static struct play a, b, c, d;

static void stage_for(int parties)
{
    static struct play *const plays[] = {&a, &b, &c, &d};
    static const int extensions[] = {A, B, C, D};
    session_start((struct setup){0});
    watch_offerings();
    for (int i = 0; i < parties; i++) play_begin(plays[i], open_line(extensions[i]));
}

/* Everybody has heard everything, and it was what is written. */
static void curtain(int parties)
{
    static struct play *const plays[] = {&a, &b, &c, &d};
    await_quiet_pbx();
    for (int i = 0; i < parties; i++) play_end(plays[i]);
}

/* What the PBX says of a call it has begun: the call's id and its parties' names. The numbers are
 * there from the first state. */
#define IDS_COME "I:CALLID|CALLERID I:CALLEDID"

/* A calls B by lineMakeCall until B alerts. */
static struct call *a_calls_b(void)
{
    struct call *call;
    LONG request = make_call(a.line, "21", NULL, &call);
    play_request(&a, request);
    play_on(&a, "done C:DIALING " IDS_COME " C:PROCEEDING C:RINGBACK");
    play_on(&b, "NEW C:OFFERING(1)");
    return call;
}

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
    control("answer 21");
    play_on(&a, "I:CONNECTEDID C:CONNECTED(1)");
    play_on(&b, "I:CONNECTEDID C:CONNECTED(1)");
    check_parties(call_info(out), (struct parties){.connected = "21"});
    check_parties(call_info(play_call(&b, 1)), (struct parties){.connected = "20"});
    play_request(&a, drop(out));
    play_on(&a, "C:IDLE 2done");
    play_on(&b, "C:DISCONNECTED(1) C:IDLE");
    curtain(2);
}

static void a_abandons(void)
{
    stage_for(2);
    play_request(&a, drop(a_calls_b()));
    play_on(&a, "C:IDLE 2done");
    play_on(&b, "C:DISCONNECTED(1) C:IDLE");
    curtain(2);
}

static void b_is_busy(void)
{
    stage_for(2);
    control_until_end("busy 21 on", "busy 21 off");
    play_request(&a, make_call(a.line, "21", NULL, NULL));
    /* BUSY while the phone still has the tone; DISCONNECTED(BUSY) when the PBX releases it. */
    play_on(&a, "done C:DIALING " IDS_COME " C:PROCEEDING? C:BUSY(1)? C:DISCONNECTED(32) C:IDLE");
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

/* ---- (k) to (n): what phones do ---- */

static void phone_makes_the_call(void)
{
    stage_for(2);
    control("call 20 21");
    play_on(&a, "NEW C:DIALTONE? C:DIALING I:CALLEDID C:PROCEEDING C:RINGBACK");
    play_on(&b, "NEW C:OFFERING(1)");
    check_parties(call_info(play_call(&a, 1)),
                  (struct parties){.origin = LINECALLORIGIN_OUTBOUND,
                                   .reason = LINECALLREASON_DIRECT,
                                   .caller = "20", .called = "21"});
    control("answer 21");
    play_on(&a, "I:CONNECTEDID C:CONNECTED(1)");
    play_on(&b, "I:CONNECTEDID C:CONNECTED(1)");
    control("hangup 20");
    play_on(&a, "C:DISCONNECTED(1)? C:IDLE");
    play_on(&b, "C:DISCONNECTED(1) C:IDLE");
    curtain(2);
}

static void phone_holds_the_call(void)
{
    stage_for(2);
    control("call 20 21");
    control("answer 21");
    play_on(&a, "NEW C:DIALTONE? C:DIALING I:CALLEDID C:PROCEEDING C:RINGBACK I:CONNECTEDID C:CONNECTED(1)");
    play_on(&b, "NEW C:OFFERING(1) I:CONNECTEDID C:CONNECTED(1)");
    control("hold 21");
    play_on(&b, "C:ONHOLD");
    play_on(&a, "C:CONNECTED(4)"); /* ACTIVEHELD: the far end holds */
    control("retrieve 21");
    play_on(&b, "C:CONNECTED(1)");
    play_on(&a, "C:CONNECTED(1)");
    control("hangup 21");
    play_on(&b, "C:DISCONNECTED(1)? C:IDLE");
    play_on(&a, "C:DISCONNECTED(1) C:IDLE");
    curtain(2);
}

const struct item sequence_items[] = {
    {104, "a call from lineMakeCall to lineDrop, at both lines", b_answers_a_drops, 0},
    {105, "a caller gives up while it rings, at both lines", a_abandons, 0},
    {106, "a call to a busy station, at both lines", b_is_busy, 0},
    {107, "the called rejects by lineDrop, at both lines", b_rejects, 0},
    {108, "nobody answers and the PBX gives up, at both lines", nobody_answers, 0},
    {119, "a call that the phone makes, at both lines", phone_makes_the_call, 0},
    {120, "a phone holds and takes back, at both lines", phone_holds_the_call, 0},
    {ITEMS_END, NULL, NULL, 0},
};
