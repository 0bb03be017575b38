/* Items, and how they say what they found. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <tspi.h>

#ifdef __MINGW32__
#define PRINTF_LIKE(text, first) __attribute__((format(gnu_printf, text, first)))
#else
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#endif

/* One assertion about the provider. Runs on a thread of its own, in a session of its own. */
struct item {
    int number;
    const char *title;
    void (*body)(void);
    unsigned seconds; /* the item must be over by then; 0 stands for ITEM_SECONDS */
};

enum { ITEM_SECONDS = 60, ITEMS_END = 0 };

/* A LINEERR as what functions return. */
#define ERR(name) ((LONG)LINEERR_##name)

/* Stops the item, which failed, unless the condition holds. The rest is a printf of what was seen. */
#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) fail(__FILE__, __LINE__, __VA_ARGS__);                                   \
    } while (0)

/* Stops the item unless the call gives this result. */
#define EXPECT(call, expected) expect(__FILE__, __LINE__, #call, (call), (expected))

/* Stops the item: what it is about is not built yet, and nothing claims that it is. */
#define NOT_YET(...) not_yet(__VA_ARGS__)

/* Fails the item without stopping: for callbacks, and for threads that are not the item's own. */
#define FAULT(...) fault(__FILE__, __LINE__, __VA_ARGS__)

_Noreturn void fail(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
_Noreturn void not_yet(const char *format, ...) PRINTF_LIKE(1, 2);
void fault(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
void expect(const char *file, int line, const char *call, LONG result, LONG expected);

/* What the item is at, for the reason of a failure and for a crash; NULL for nothing. */
void item_is_at(const char *text);
/* Whether the present item has failed so far. */
bool item_failed(void);
/* The number of the present item. */
int item_number(void);
/* What the item calls is chance: no function counts as proved by it. */
void item_proves_nothing(void);
/* Something about the item that is worth reading also when it passed. */
void note(const char *format, ...) PRINTF_LIKE(1, 2);

/* Runs the items that `wanted` picks and prints a line for each, then the totals.
 * The exit code: 0 if none failed, 1 if one did, 3 if one hung and the rest was not run. */
int run_items(const struct item *const *tables, bool (*wanted)(int number), bool json);

#endif
