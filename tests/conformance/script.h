/* What a line is told, written as a play: the messages of one line in their exact order, with
 * their parameters, and the completions of what was asked there.
 *
 * A word of a play is one message; in front of it stands the number of the call it is about, in
 * the order in which the line's calls appeared (left out for the first):
 *
 *     NEW                  LINE_NEWCALL
 *     C:OFFERING(1)        LINE_CALLSTATE with its state and mode; any mode without parentheses
 *     I:CALLID|CALLERID    LINE_CALLINFO with exactly these bits
 *     R:0                  LINE_LINEDEVSTATE(RINGING) with this count
 *     done                 completion with 0 of the line's first request; 2done of its second
 *     a/b                  one of both
 *     a?                   this, or nothing
 *
 * Other status messages of lines and addresses are no part of a play.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "host.h"

enum { PLAY_REQUESTS = 8, PLAY_TEXT = 1024 };

struct play {
    struct line *line;
    place from;
    DRV_REQUESTID requests[PLAY_REQUESTS];
    unsigned request_count;
    char expected[PLAY_TEXT];
};

/* From here on, of this line. */
void play_begin(struct play *play, struct line *line);
/* A request of this line, which must have been accepted; its id. */
LONG play_request(struct play *play, LONG request);
/* Waits until the line was told this next; stops the item if it was told something else. */
void play_on(struct play *play, const char *next);
/* Stops the item if the line was told more than that. */
void play_end(struct play *play);
/* The n-th call of the line since play_begin(), counted from 1. */
struct call *play_call(const struct play *play, unsigned n);

#endif
