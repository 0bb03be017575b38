/* Items 124 to 127: transfers set up by lineSetupTransfer; section 3.6 of the interface's
 * reference. B is connected with A and consults C. */

#include "features.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "parties.h"
#include "script.h"
#include "stage.h"
#include "structures.h"

static void needs_setup(void)
{
    const LINEADDRESSCAPS *caps = address_caps(line_of(21)->device);
    CHECK(caps->dwCallFeatures & LINECALLFEATURE_SETUPTRANSFER, "SETUPTRANSFER is not claimed");
    CHECK(caps->dwCallStates & LINECALLSTATE_ONHOLDPENDTRANSFER, "its state is not claimed");
}

/* B waits with A for C, who is dialled digit by digit and talks. */
static struct call *b_consults_c_by_digits(void)
{
    struct call *consultation;
    a_talks_to_b();
    CHECK(features_of(play_call(&b, 1)) & LINECALLFEATURE_SETUPTRANSFER, "no transfer is offered");
    play_request(&b, setup_transfer(play_call(&b, 1), NULL, &consultation));
    play_on(&b, "C:ONHOLDPENDTRANSFER 2done 2C:DIALTONE 2I:CALLID|CALLERID");
    play_on(&a, "C:CONNECTED(4)");
    CHECK(!(features_of(consultation) & LINECALLFEATURE_SETUPTRANSFER),
          "a consultation can itself be transferred");
    LONG dialled = play_request(&b, dial_digits(consultation, "23"));
    /* That the PBX took the digits, and with it DIALING, comes beside what it does with them: among
     * that once, whose digits they are. */
    play_on(&b, "2I:CALLEDID 2I:CALLEDID? 3done? 2C:DIALING 3done? 2I:CALLEDID? 3done? "
                "2C:PROCEEDING 3done? 2C:RINGBACK 3done?");
    MUST(dialled);
    struct pattern called = {.kind = EVENT, .call = consultation->ht, .message = LINE_CALLINFO,
                             .p1 = LINECALLINFOSTATE_CALLEDID};
    CHECK(log_count(b.from, &called) == 2, "who is called was told %u times",
          log_count(b.from, &called));
    play_on(&c, "NEW C:OFFERING(1)");
    answers(&c, &b, 2);
    return consultation;
}

static void consulted_and_transferred(void)
{
    stage_for(3);
    needs_setup();
    struct call *consultation = b_consults_c_by_digits();
    struct call *original = play_call(&b, 1);
    play_request(&b, swap(consultation, original));
    play_on(&b, "2C:ONHOLDPENDTRANSFER/2C:ONHOLD C:CONNECTED(1) 4done");
    play_on(&a, "C:CONNECTED(1)");
    play_on(&c, "C:CONNECTED(4)");
    play_request(&b, swap(original, consultation));
    play_on(&b, "C:ONHOLDPENDTRANSFER/C:ONHOLD 2C:CONNECTED(1) 5done");
    play_on(&c, "C:CONNECTED(1)");
    play_on(&a, "C:CONNECTED(4)");
    play_request(&b, complete_transfer(original, consultation, LINETRANSFERMODE_TRANSFER));
    play_on(&b, "C:IDLE 2C:IDLE 6done");
    play_on(&a, "I:CONNECTEDID|REDIRECTIONID|REDIRECTINGID C:CONNECTED(1)");
    play_on(&c, "I:CALLID|RELATEDCALLID|REASON|CALLERID|CONNECTEDID|REDIRECTIONID|REDIRECTINGID");
    check_parties(call_info(play_call(&a, 1)), (struct parties){.connected = "23",
                                                                .redirecting = "21",
                                                                .redirection = "23"});
    hangs_up(&c, &a, 1);
    curtain(3);
}

static void consultation_dropped(void)
{
    stage_for(3);
    needs_setup();
    struct call *consultation = b_consults_c_by_digits();
    play_request(&b, drop(consultation));
    play_on(&b, "2C:IDLE 4done? C:CONNECTED(1) 4done?");
    play_on(&c, "C:DISCONNECTED(1) C:IDLE");
    play_on(&a, "C:CONNECTED(1)");
    hangs_up(&a, &b, 1);
    curtain(3);
}

static void original_taken_back(void)
{
    stage_for(3);
    needs_setup();
    b_consults_c_by_digits();
    play_request(&b, unhold(play_call(&b, 1)));
    play_on(&b, "2C:IDLE C:CONNECTED(1) 4done");
    play_on(&c, "C:DISCONNECTED(1) C:IDLE");
    play_on(&a, "C:CONNECTED(1)");
    hangs_up(&a, &b, 1);
    curtain(3);
}

static void consulted_in_one_step(void)
{
    stage_for(3);
    needs_setup();
    struct call *consultation;
    a_talks_to_b();
    play_request(&b, setup_transfer(play_call(&b, 1), "23", &consultation));
    play_on(&b, "C:ONHOLDPENDTRANSFER 2done 2C:DIALING 2I:CALLID|CALLERID 2I:CALLEDID "
                "2C:PROCEEDING 2C:RINGBACK");
    play_on(&a, "C:CONNECTED(4)");
    play_on(&c, "NEW C:OFFERING(1)");
    check_parties(call_info(consultation), (struct parties){.caller = "21", .called = "23"});
    play_request(&b, complete_transfer(play_call(&b, 1), consultation, LINETRANSFERMODE_TRANSFER));
    play_on(&b, "C:IDLE 2C:IDLE 3done");
    play_on(&a, "I:CONNECTEDID|REDIRECTIONID|REDIRECTINGID C:CONNECTED(1)");
    play_on(&c, "I:CALLID|RELATEDCALLID|REASON|CALLERID|REDIRECTIONID|REDIRECTINGID");
    hangs_up(&a, &c, 1);
    curtain(3);
}

const struct item consultation_items[] = {
    {124, "a transfer set up, dialled, swapped and completed, at all three lines",
     consulted_and_transferred, 0},
    {125, "a consultation dropped leads back to the call that waits, at all three lines",
     consultation_dropped, 0},
    {126, "taking the call back ends the consultation, at all three lines", original_taken_back, 0},
    {127, "a transfer set up in one step, at all three lines", consulted_in_one_step, 0},
    {ITEMS_END, NULL, NULL, 0},
};
