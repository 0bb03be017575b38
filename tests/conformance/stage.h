/* Four lines of the estate as a stage for plays. */
#ifndef STAGE_H
#define STAGE_H

#include "script.h"

/* By custom A calls B, and C, D come in later: extensions 20, 21, 23, 24. */
extern struct play a, b, c, d;

/* What the PBX says of a call it has begun: the call's id and its parties' names. The numbers are
 * there from the first state. */
#define IDS_COME "I:CALLID|CALLERID I:CALLEDID"

/* A session in which so many of them are open; what is said of calls at their first state is kept. */
void stage_for(int parties);
/* Everybody has heard everything, and it was what is written. */
void curtain(int parties);

/* A calls B by lineMakeCall until B alerts; A's call. */
struct call *a_calls_b(void);
/* The same, and B answers by lineAnswer. */
void a_talks_to_b(void);

/* Somebody's phone answers his first call, which is so many-th at the other end. */
void answers(struct play *who, struct play *with, unsigned number);
/* Somebody's phone hangs it up. */
void hangs_up(struct play *who, struct play *with, unsigned number);
/* Somebody's application drops it, which is his so many-th request; the other's first call ends. */
void drops(struct play *who, struct play *with, unsigned request);

#endif
