/* TAPI's numbers as words, for the reasons of failures. */
#ifndef NAMES_H
#define NAMES_H

#include <tspi.h>

const char *name_of_message(DWORD message);
const char *name_of_state(DWORD state);
/* 0, a request id, or a LINEERR. */
const char *name_of_result(LONG result);
/* Bits of LINE_CALLINFO, joined by |. The text lives until the next call on this thread. */
const char *names_of_info(DWORD bits);
/* The bit of that name, 0 if there is none. */
DWORD info_named(const char *name);
/* UTF-16 as UTF-8; the text lives until the next call but three on this thread. */
const char *utf8(const WCHAR *text);

#endif
