/* TAPI's numbers as words, for the reasons of failures. */
#ifndef NAMES_H
#define NAMES_H

#include <tspi.h>

const char *name_of_message(DWORD message);
const char *name_of_state(DWORD state);
/* 0, a request id, or a LINEERR. */
const char *name_of_result(LONG result);
/* UTF-16 as UTF-8; the text lives until the next call but three on this thread. */
const char *utf8(const WCHAR *text);

#endif
