/* Forwarding: lists byte by byte, as hosts of any version write them, and what is read back. */
#ifndef FORWARDS_H
#define FORWARDS_H

#include "host.h"

/* One entry; a text that is NULL is absent. */
struct forward {
    DWORD mode;
    const char *caller, *destination;
};

/* The length of an entry before and from version 3.1 on. */
enum { STRIDE_3_0 = 24, STRIDE_3_1 = 32 };

/* A LINEFORWARDLIST in front of forbidden memory. */
LINEFORWARDLIST *forward_list(DWORD stride, unsigned count, const struct forward *forwards);
/* lineForward for the only address. Fails if a consultation call is made. */
LONG forward_by(struct line *line, const LINEFORWARDLIST *list, DWORD rings);
/* The same with a list of so many entries, of the line's version. */
LONG forward(struct line *line, unsigned count, const struct forward *forwards);

/* Stops the item unless lineGetAddressStatus shows exactly these, in any order. */
#define SHOWS(line, count, forwards) shows(__FILE__, __LINE__, (line), (count), (forwards))
void shows(const char *file, int at, struct line *line, unsigned count,
           const struct forward *forwards);

#endif
