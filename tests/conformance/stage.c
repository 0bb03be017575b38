#include "stage.h"

#include <stdio.h>

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

/* What is said of a call that is so many-th at its line. */
static void play_on_call(struct play *play, const char *format, unsigned number)
{
    char text[PLAY_TEXT], prefix[12] = "";
    if (number > 1) snprintf(prefix, sizeof prefix, "%u", number);
    snprintf(text, sizeof text, format, prefix, prefix);
    play_on(play, text);
}

void answers(struct play *who, struct play *with, unsigned number)
{
    control("answer %s", who->line->extension);
    play_on(who, "I:CONNECTEDID C:CONNECTED(1)");
    play_on_call(with, "%sI:CONNECTEDID %sC:CONNECTED(1)", number);
}

void hangs_up(struct play *who, struct play *with, unsigned number)
{
    control("hangup %s", who->line->extension);
    play_on(who, "C:DISCONNECTED(1) C:IDLE");
    play_on_call(with, "%sC:DISCONNECTED(1) %sC:IDLE", number);
}

void drops(struct play *who, struct play *with, unsigned request)
{
    play_request(who, drop(play_call(who, 1)));
    char text[32];
    snprintf(text, sizeof text, "C:IDLE %udone", request);
    play_on(who, text);
    play_on(with, "C:DISCONNECTED(1) C:IDLE");
}
