/* TAPI's structures of variable size, asked for as the telephony server asks: zeroed, sizes preset,
 * guard bytes around them and forbidden memory behind those.
 */
#ifndef STRUCTURES_H
#define STRUCTURES_H

#include "host.h"

/* ---- one structure ---- */

enum { ROOM = 4096 }; /* more than any answer needs */

/* Memory for a structure of `total` bytes, whose version's fixed part is `fixed` bytes. */
void *structure(DWORD total, DWORD fixed);
/* Stops the item if something outside the structure or its dwTotalSize was written. */
void check_intact(const void *structure, DWORD total, const char *name);
/* Whether that is so. */
bool is_intact(const void *structure, DWORD total);

/* A text member of a structure: NULL if it is absent. */
#define TEXT_OF(structure, member)                                                                 \
    text_of((structure), (structure)->dw##member##Size, (structure)->dw##member##Offset)
const WCHAR *text_of(const void *structure, DWORD size, DWORD offset);
bool is_text(const WCHAR *text, const char *expected_utf8);

/* ---- questions that must be answered; each stops the item otherwise ---- */

LINEDEVCAPS *device_caps(DWORD device);
/* The same of a line that may be gone by now; NULL if it is. */
LINEDEVCAPS *device_caps_if_there(DWORD device);
LINEADDRESSCAPS *address_caps_if_there(DWORD device);
LINEADDRESSCAPS *address_caps(DWORD device);
LINECALLINFO *call_info(const struct call *call);
LINECALLSTATUS *call_status(const struct call *call);
LINEDEVSTATUS *line_status(const struct line *line);
LINEADDRESSSTATUS *address_status(const struct line *line);

/* ---- the same from inside callbacks: into memory of the caller, without stopping ---- */

LONG peek_call_status(HDRVCALL call, LINECALLSTATUS *status);
LONG peek_line_status(HDRVLINE line, LINEDEVSTATUS *status);
LONG peek_address_status(HDRVLINE line, LINEADDRESSSTATUS *status);
/* `room` is ROOM bytes. */
LONG peek_call_info(HDRVCALL call, void *room);

/* ---- what the structures look like ---- */

enum shape { DEVCAPS, ADDRESSCAPS, LINESTATUS, ADDRESSSTATUS, CALLINFO, CALLSTATUS, SHAPES };

/* A member that points to data: its size at `offset`, the data's offset 4 bytes later. */
struct member {
    const char *name;
    WORD offset;
    bool text; /* UTF-16 with a NUL */
};

/* Bytes that belong to the telephony server. */
struct own {
    WORD offset, length;
};

struct shape_facts {
    const char *name;
    const struct member *members; /* ends with a NULL name */
    const struct own *own;        /* ends with length 0 */
};

extern const struct shape_facts shapes[SHAPES];
extern const DWORD versions[4];
DWORD fixed_size(enum shape shape, DWORD version);

/* Whom to ask. */
struct subject {
    DWORD version;
    const struct line *line;
    const struct call *call;
};
/* Asks for a structure of that shape in the version the subject was opened with. */
LONG query(enum shape shape, const struct subject *subject, void *into);
/* A member's size and offset. */
DWORD word_at(const void *structure, WORD offset);

#endif
