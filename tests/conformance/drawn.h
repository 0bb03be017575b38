/* What generated arguments are wrong in, and how often that was drawn for each function.
 *
 * Chance alone leaves rare things to luck: of a hundred thousand texts none may be long. So half of
 * the cases are drawn for something that has not come often enough, as long as there is such; the
 * other half is left to chance.
 */
#ifndef DRAWN_H
#define DRAWN_H

#include <stdbool.h>

enum trait {
    NO_TRAIT,
    NULL_POINTER,   /* where something is to be read or written */
    STALE_HANDLE,   /* of what was closed */
    FOREIGN_HANDLE, /* of something else: a line for a call, another session's */
    RANDOM_HANDLE,  /* of nothing */
    NO_DEVICE,      /* an id that no line has */
    NO_VERSION,     /* a version that was never negotiated */
    WRONG_STATE,    /* a call, or line, on which it cannot be asked for now */
    SHORT_SIZE,     /* a structure of less than its fixed part */
    MISALIGNED,     /* a structure at an odd address */
    NO_END,         /* a text or bytes without a NUL, up to forbidden memory */
    TEXT_OF_1,
    TEXT_OF_255,
    TEXT_OF_100000,
    ALL_DIALABLE,   /* a text of every character that can be dialled */
    TRAITS,
};

#define BIT(trait) (1u << (trait))

enum {
    /* What a parameter can be wrong in. */
    A_HANDLE = BIT(STALE_HANDLE) | BIT(FOREIGN_HANDLE) | BIT(RANDOM_HANDLE),
    A_CALL_IN_STATE = A_HANDLE | BIT(WRONG_STATE),
    A_PLACE = BIT(NULL_POINTER),
    A_STRUCTURE = BIT(NULL_POINTER) | BIT(SHORT_SIZE) | BIT(MISALIGNED),
    A_TEXT = BIT(NULL_POINTER) | BIT(TEXT_OF_1) | BIT(TEXT_OF_255) | BIT(TEXT_OF_100000) |
             BIT(ALL_DIALABLE),
    /* Bytes, or a text, with their number. */
    BYTES = BIT(NULL_POINTER) | BIT(NO_END),
    A_COUNTED_TEXT = A_TEXT | BIT(NO_END),
    /* A structure with texts in it, each with its size. */
    WITH_TEXTS = A_STRUCTURE | BIT(NO_END),
    A_DEVICE = BIT(NO_DEVICE),
    A_VERSION = BIT(NO_VERSION),
};

struct generated_case;

/* Every function and each of its traits is to come so often. */
void draws_begin(const struct generated_case *const *cases, unsigned count, unsigned least);
/* The function to try next. */
const struct generated_case *draw_case(void);
/* Whether the present case is drawn for this. */
bool is_drawn_for(enum trait trait);
/* The present case has it. */
void drew(enum trait trait);
/* Says how often each came, and stops the item if something did not come often enough. */
void judge_draws(void);

#endif
