/* Every function that takes the handle of a line, or of a call, asked once about a handle that is to
 * be tried. Everything else that is asked with it is as it should be. */
#ifndef HANDLES_H
#define HANDLES_H

#include "host.h"

struct answered {
    const char *function;
    LONG result;
    bool other; /* the handle is not the one by which the function looks for its line or call */
};

enum { MOST_ANSWERED = 48 };

/* How many functions were asked; `into` has room for MOST_ANSWERED. */
unsigned ask_all_of_a_line(HDRVLINE line, struct answered *into);
/* `good` is a call that there is, for functions that take two. */
unsigned ask_all_of_a_call(HDRVCALL call, HDRVCALL good, struct answered *into);

#endif
