/* Functions of the provider, each called with arguments that dice.h makes up. */
#ifndef BAD_CASES_H
#define BAD_CASES_H

#include <tspi.h>

struct generated_case {
    const char *export;
    /* What its arguments can be wrong in, see drawn.h. */
    unsigned traits;
    /* Calls the function once; what it returned. */
    LONG (*run)(void);
};

/* Each ends with a NULL name. */
extern const struct generated_case generated_requests[];
extern const struct generated_case generated_questions[];

#endif
