#include "check.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "log.h"
#include "names.h"
#include "platform.h"

/* Room for a whole play beside what was played instead. */
enum { REASON = 4096 };

enum verdict { PASS, FAILED, LATER };

static struct {
    const struct item *item;
    atomic_int verdict;
    const char *at;
    bool proves_nothing;
    char reason[REASON];
} now;

static unsigned totals[3];

static void conclude(enum verdict verdict, const char *reason)
{
    int pass = PASS;
    if (atomic_compare_exchange_strong(&now.verdict, &pass, verdict))
        snprintf(now.reason, sizeof now.reason, "%s", reason);
}

static void conclude_at(const char *file, int line, const char *format, va_list arguments)
{
    const char *name = file;
    for (const char *c = file; *c != 0; c++)
        if (*c == '/' || *c == '\\') name = c + 1;
    char reason[REASON];
    const char *at = now.at;
    int length = snprintf(reason, sizeof reason, "%s:%d: %s%s", name, line, at ? at : "",
                          at ? ": " : "");
    vsnprintf(reason + length, sizeof reason - (size_t)length, format, arguments);
    conclude(FAILED, reason);
}

_Noreturn void fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    conclude_at(file, line, format, arguments);
    va_end(arguments);
    thread_end();
}

void fault(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    conclude_at(file, line, format, arguments);
    va_end(arguments);
}

_Noreturn void not_yet(const char *format, ...)
{
    char reason[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    conclude(LATER, reason);
    thread_end();
}

void expect(const char *file, int line, const char *call, LONG result, LONG expected)
{
    if (result != expected)
        fail(file, line, "%s gave %s, not %s", call, name_of_result(result),
             name_of_result(expected));
}

void item_is_at(const char *text)
{
    now.at = text;
    on_crash(text);
}

bool item_failed(void)
{
    return now.verdict == FAILED;
}

int item_number(void)
{
    return now.item->number;
}

void item_proves_nothing(void)
{
    now.proves_nothing = true;
}

static bool as_json;

void note(const char *format, ...)
{
    if (as_json) return;
    va_list arguments;
    va_start(arguments, format);
    printf("# note %d ", now.item->number);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

/* ---- running ---- */

static void body(void *unused)
{
    (void)unused;
    now.item->body();
}

static void ending(void *unused)
{
    (void)unused;
    session_end();
}

/* Runs one part of an item on a thread of its own; false if it hangs. */
static bool run_part(thread_body *part, unsigned seconds, const char *what)
{
    struct thread *thread = thread_start(part, NULL);
    if (thread_join(thread, seconds * 1000)) return true;
    char reason[REASON];
    snprintf(reason, sizeof reason, "%s not over after %u s, %s", what, seconds, log_tail(0, 0));
    conclude(FAILED, reason);
    return false;
}

static void print_json(const char *verdict, unsigned ms)
{
    printf("{\"item\":%d,\"title\":\"%s\",\"result\":\"%s\",\"ms\":%u,\"reason\":\"",
           now.item->number, now.item->title, verdict, ms);
    for (const char *c = now.reason; *c != 0; c++) {
        if (*c == '"' || *c == '\\') putchar('\\');
        putchar((unsigned char)*c < ' ' ? ' ' : *c);
    }
    printf("\"}\n");
}

/* Which functions did in this item what they are for: answered 0, or were completed with 0. */
static void print_uses(void)
{
    enum { MOST = 80 };
    const char *names[MOST];
    unsigned count = 0;
    for (place at = 0; at < log_end(); at++) {
        const struct entry *entry = log_at(at);
        const char *name = entry->kind == LEAVE && entry->result == 0 ? entry->function : NULL;
        if (entry->kind == COMPLETION && entry->result == 0)
            name = request_of(entry->request)->function;
        bool known = name == NULL;
        for (unsigned i = 0; i < count && !known; i++) known = strcmp(names[i], name) == 0;
        if (!known && count < MOST) names[count++] = name;
    }
    if (count == 0 || now.proves_nothing) return;
    printf("# %d used", now.item->number);
    for (unsigned i = 0; i < count; i++) printf(" %s", names[i]);
    printf("\n");
}

static void print(bool json, unsigned ms)
{
    static const char *const words[] = {"ok", "not ok", "not yet"};
    static const char *const names[] = {"pass", "fail", "not yet"};
    int verdict = now.verdict;
    totals[verdict]++;
    if (json)
        print_json(names[verdict], ms);
    else if (verdict == PASS)
        printf("%s %d %s\n", words[verdict], now.item->number, now.item->title);
    else
        printf("%s %d %s # %s\n", words[verdict], now.item->number, now.item->title, now.reason);
    if (!json) print_uses();
    fflush(stdout);
}

/* Runs one item and ends its session; false if the process is of no more use. */
static bool run_item(const struct item *item, bool json)
{
    uint64_t start = clock_us();
    memset(&now, 0, sizeof now);
    now.item = item;
    log_clear();
    bool fit = run_part(body, item->seconds ? item->seconds : ITEM_SECONDS, "the item is");
    fit = fit && run_part(ending, ENDING_SECONDS, "the end of the session is");
    item_is_at(NULL);
    print(json, (unsigned)((clock_us() - start) / 1000));
    return fit;
}

int run_items(const struct item *const *tables, bool (*wanted)(int number), bool json)
{
    as_json = json;
    for (; *tables != NULL; tables++) {
        for (const struct item *item = *tables; item->number != ITEMS_END; item++) {
            if (!wanted(item->number)) continue;
            if (!run_item(item, json)) return 3;
        }
    }
    if (!json)
        printf("# %u passed, %u failed, %u not yet\n", totals[PASS], totals[FAILED],
               totals[LATER]);
    return totals[FAILED] ? 1 : 0;
}
