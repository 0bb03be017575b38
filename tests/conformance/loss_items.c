/* Items 121 to 123: calls while the PBX is away; sequence (o) of the interface's reference. */

#include "host.h"
#include "items.h"
#include "names.h"
#include "script.h"
#include "structures.h"

static struct play a, b;

/* Lines 20 and 21, connected with each other. */
static void talk(void)
{
    session_start((struct setup){0});
    play_begin(&a, open_line(20));
    play_begin(&b, open_line(21));
    EXPECT(TSPI(lineSetStatusMessages, a.line->hd, LINEDEVSTATE_DISCONNECTED | LINEDEVSTATE_CONNECTED,
                0),
           0);
    control("call 20 21");
    control("answer 21");
    play_on(&a, "NEW C:DIALING I:CALLEDID C:PROCEEDING C:RINGBACK I:CONNECTEDID "
                "C:CONNECTED(1)");
    play_on(&b, "NEW C:OFFERING(1) I:CONNECTEDID C:CONNECTED(1)");
}

static place await_link(place from, DWORD state)
{
    struct pattern told = {.kind = EVENT, .line = a.line->ht, .message = LINE_LINEDEVSTATE,
                           .p1_bits = state};
    return await_within(from, told, 40000, name_of_message(LINE_LINEDEVSTATE));
}

/* The PBX goes and comes; where in the log it was back. */
static void go_and_come(const char *how)
{
    place start = log_end();
    control("%s", how);
    place lost = await_link(start, LINEDEVSTATE_DISCONNECTED);
    await_link(lost, LINEDEVSTATE_CONNECTED);
    await_in_service(a.line);
    await_in_service(b.line);
}

static void calls_go_on(void)
{
    talk();
    go_and_come("reboot 0.5");
    /* They are under their old handles, and nothing was said of them. */
    control("hold 21");
    play_on(&b, "C:ONHOLD");
    play_on(&a, "C:CONNECTED(4)");
    control("hangup 21");
    play_on(&b, "C:DISCONNECTED(1) C:IDLE");
    play_on(&a, "C:DISCONNECTED(1) C:IDLE");
    await_quiet_pbx();
    play_end(&a);
    play_end(&b);
}

/* TEMPFAILURE or UNKNOWN: nobody will ever know why they ended. */
#define ENDED "C:DISCONNECTED(32768)/C:DISCONNECTED(2) C:IDLE"

static void calls_are_gone(void)
{
    talk();
    go_and_come("reboot 0.5 lose-calls");
    play_on(&a, ENDED);
    play_on(&b, ENDED);
    /* The lines are as good as new. */
    control("call 20 21");
    play_on(&a, "2NEW 2C:DIALING 2I:CALLEDID 2C:PROCEEDING 2C:RINGBACK");
    play_on(&b, "2NEW 2C:OFFERING(1)");
    control("hangup 20");
    play_on(&a, "2C:DISCONNECTED(524288) 2C:IDLE");
    play_on(&b, "2C:DISCONNECTED(1) 2C:IDLE");
    await_quiet_pbx();
    play_end(&a);
    play_end(&b);
}

static void calls_end_after_a_time(void)
{
    talk();
    control("reboot 20");
    play_on(&a, ENDED);
    play_on(&b, ENDED);
    /* What still goes on when the PBX is back is new to the host, in the state it has. */
    play_on(&a, "2NEW 2C:CONNECTED(1)");
    play_on(&b, "2NEW 2C:CONNECTED(1)");
    control("hangup 21");
    play_on(&b, "2C:DISCONNECTED(1) 2C:IDLE");
    play_on(&a, "2C:DISCONNECTED(1) 2C:IDLE");
    await_quiet_pbx();
    play_end(&a);
    play_end(&b);
}

const struct item loss_items[] = {
    {121, "calls that outlive the loss of the PBX go on under their handles", calls_go_on, 90},
    {122, "calls that the PBX has lost end when it is back", calls_are_gone, 90},
    {123, "calls end when the PBX stays away, and are new when it is back after all",
     calls_end_after_a_time, 120},
    {ITEMS_END, NULL, NULL, 0},
};
