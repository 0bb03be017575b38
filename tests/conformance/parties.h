/* Who takes part in a call, as LINECALLINFO says. */
#ifndef PARTIES_H
#define PARTIES_H

#include "host.h"

/* What is expected: a number, "-" for none, NULL for whatever. Numbers 0 are whatever, too. */
struct parties {
    DWORD origin, reason;
    const char *caller, *called, *connected, *redirecting, *redirection;
};

/* Stops the item unless the information is as expected. */
#define check_parties(info, ...) check_parties_at(__FILE__, __LINE__, (info), __VA_ARGS__)
void check_parties_at(const char *file, int line, const LINECALLINFO *info, struct parties parties);

/* From here on, what lineGetCallInfo says inside the first LINE_CALLSTATE of each call the
 * provider announces is kept: applications read it there. */
void watch_offerings(void);
/* What was kept of that call; stops the item if there is nothing. */
const LINECALLINFO *offered_info(const struct call *call);

#endif
