/* The lines and calls that generated cases are about, and what they may answer. */
#ifndef GARDEN_H
#define GARDEN_H

#include "host.h"

/* Lines that stay open, of which one may be forwarded, and one has no phone; and one that is closed
 * and opened. */
enum { BED = 20, FORWARDED = 30, WITHOUT_PHONE = 27, RESTLESS = 31 };

/* Opens them; calls are brought about by dig_over(). */
void lay_out(void);
/* Ends all calls and brings about new ones in each state there is. */
void dig_over(void);
/* Leaves nothing behind. */
void clear_up(void);

/* A handle, and whether it is one of an open line, of a call that is not closed. */
HDRVLINE some_line(bool *right);
HDRVCALL some_call(bool *right);
/* Closes the call of that handle. */
void pull_out(HDRVCALL handle);
/* A new call's entry, for functions that make one on that line. */
struct call *fresh(HDRVLINE line);
/* The same on the line of that call. */
struct call *fresh_beside(HDRVCALL call);
/* Notes that a request that makes a call was accepted, and its handle; the request again. */
LONG made(struct call *call, HDRVCALL *place, LONG request);

/* The only result that the latest arguments leave, 0 if there are more. */
extern LONG only_result;
/* Nothing but this error may come of them, unless something before was wrong already. */
void only(LONG error);

#define ON_LINE(handle)                                                                            \
    bool line_right;                                                                               \
    HDRVLINE handle = some_line(&line_right);                                                      \
    if (!line_right) only(ERR(INVALLINEHANDLE))

#define ON_CALL(handle)                                                                            \
    bool call_right;                                                                               \
    HDRVCALL handle = some_call(&call_right);                                                      \
    if (!call_right) only(ERR(INVALCALLHANDLE))

#endif
