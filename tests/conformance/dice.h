/* Generated arguments: any value a careless host may pass, chosen by a seeded dice.
 *
 * What the interface lets a host pass as memory ends at forbidden memory: who reads or writes
 * behind it ends the process, and the case is named on the way out.
 */
#ifndef DICE_H
#define DICE_H

#include "host.h"

/* The same seed gives the same sequence. */
void dice_seed(uint64_t seed);
uint32_t dice(void);
/* From 0 to below n. */
unsigned dice_below(unsigned n);
/* True once in n. */
bool once_in(unsigned n);

/* A value that is none of those an enumeration or a set of bits has, mostly. */
DWORD odd_number(void);
/* A device id, version, extension version, that are right half of the time. */
DWORD some_device(bool *right);
DWORD some_version(bool *right);

/* ---- memory ---- */

enum { WRITTEN = 0xA5 };

/* Memory of so many bytes that ends at forbidden memory, at any alignment its size brings. Four
 * slots; the content of a slot lasts until it is asked for again. */
enum slot { FIRST_SLOT, SECOND_SLOT, THIRD_SLOT, FOURTH_SLOT, SLOTS };
enum { SLOT_ROOM = 1 << 18 };
BYTE *slot_memory(enum slot slot, size_t size);
/* Whether the bytes in front of what the slot last gave are untouched. */
bool slot_is_intact(enum slot slot);
void slots_make(void);

/* A text with its NUL: none, empty, usual, long, of every dialable character, or of any units. */
WCHAR *some_text(enum slot slot);
/* The same without its NUL, with the number of its units. */
WCHAR *some_counted_text(enum slot slot, DWORD *units);
/* A place for an answer of so many bytes; NULL at times. */
void *some_place(enum slot slot, size_t size);
/* Bytes without any end of their own; their number in `size`. */
BYTE *some_bytes(enum slot slot, DWORD *size);

/* A structure to be filled: its total is any, its header what it should be. */
void *some_structure(enum slot slot, DWORD fixed, DWORD *total);
/* A VARSTRING that stays where it is while some hundred others are given. */
VARSTRING *some_lasting_string(void);
/* LINECALLPARAMS, usual or with wrong members; NULL at times. */
LINECALLPARAMS *some_call_params(enum slot slot);
/* LINEFORWARDLIST with wrong sizes, numbers, modes, offsets; NULL at times. */
LINEFORWARDLIST *some_forward_list(enum slot slot);

#endif
