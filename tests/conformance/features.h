/* The supplementary functions as the host calls them. */
#ifndef FEATURES_H
#define FEATURES_H

#include "host.h"

/* ---- calls that are there ---- */

LONG hold(struct call *call);
LONG unhold(struct call *call);
LONG swap(struct call *active, struct call *held);
LONG blind_transfer(struct call *call, const char *number);
LONG redirect(struct call *call, const char *number);
/* Fails if the place for a conference call's handle is written. */
LONG complete_transfer(struct call *call, struct call *consultation, DWORD mode);
/* What became of a request: its completion, or the error with which it was refused. */
LONG outcome(LONG request);
/* What lineGetCallStatus says now. */
DWORD state_of(const struct call *call);
DWORD features_of(const struct call *call);

/* ---- new calls ---- */

/* lineSetupTransfer as it is: with a number in one step, without one to the dial tone. */
LONG setup_transfer(struct call *call, const char *number, struct call **consultation);
/* lineDial. */
LONG dial_digits(struct call *call, const char *digits);
/* linePickup as it is; a number or group that is NULL is not given. */
LONG pick_up(struct line *line, const char *number, const char *group, struct call **call);

/* ---- what is claimed ---- */

enum claim { HOLD, SWAP, BLIND, COMPLETE, REDIRECT, PICKUP, FORWARD };

/* Fails the item unless the capabilities claim it: applications offer only what is claimed. */
void needs_claim(enum claim claim);

#endif
