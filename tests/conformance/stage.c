#include "stage.h"

#include "features.h"
#include "parties.h"

struct play a, b, c, d;

void stage_for(int parties)
{
    static struct play *const plays[] = {&a, &b, &c, &d};
    static const int extensions[] = {20, 21, 23, 24};
    session_start((struct setup){0});
    watch_offerings();
    for (int i = 0; i < parties; i++) play_begin(plays[i], open_line(extensions[i]));
}

void curtain(int parties)
{
    static struct play *const plays[] = {&a, &b, &c, &d};
    await_quiet_pbx();
    for (int i = 0; i < parties; i++) play_end(plays[i]);
}

struct call *a_calls_b(void)
{
    struct call *call;
    LONG request = make_call(a.line, "21", NULL, &call);
    play_request(&a, request);
    play_on(&a, "done C:DIALING " IDS_COME " C:PROCEEDING C:RINGBACK");
    play_on(&b, "NEW C:OFFERING(1)");
    return call;
}

void a_talks_to_b(void)
{
    a_calls_b();
    play_request(&b, answer(play_call(&b, 1)));
    play_on(&b, "I:CONNECTEDID C:CONNECTED(1) done");
    play_on(&a, "I:CONNECTEDID C:CONNECTED(1)");
}
