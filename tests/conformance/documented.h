/* The errors that the documentation of each function has, those for every function among them. */
#ifndef DOCUMENTED_H
#define DOCUMENTED_H

#include <stdbool.h>

#include <tspi.h>

/* Whether a function may return this, or complete with it. */
bool is_documented(const char *function, LONG result);

#endif
