/* Item 140: every function with generated arguments, most of them wrong.
 *
 * Demanded of each case: the result is one the function's documentation has (each session's
 * judgement demands that of every result), a wrong handle, a missing pointer or a structure too
 * small gets exactly its error, nothing is written in front of or behind what was given, and
 * nothing given is read beyond its end. When all cases are through: each accepted request was
 * completed once, the provider still makes calls, and nothing was left to luck: each function was
 * called with each thing that can be wrong in its arguments so often (drawn.h).
 *
 * A failure names the seed and the case; `--seed` runs the same sequence again.
 */

#include <stdio.h>
#include <string.h>

#include "bad_cases.h"
#include "dice.h"
#include "documented.h"
#include "drawn.h"
#include "garden.h"
#include "host.h"
#include "items.h"
#include "names.h"

uint64_t bad_input_seed;
unsigned bad_input_cases = 20000;

enum { GARDEN_EVERY = 1000, MOST_OPEN = 200, MOST_FUNCTIONS = 80 };

/* Of so many cases, each function has one with each thing that can be wrong, at least. */
enum { CASES_FOR_EACH = 1000 };

static char present_case[160];

static void one_case(const struct generated_case *generated, unsigned number)
{
    snprintf(present_case, sizeof present_case, "seed %llu, case %u, %s",
             (unsigned long long)bad_input_seed, number, generated->export);
    only_result = 0;
    for (int slot = 0; slot < SLOTS; slot++) slot_memory(slot, 0);
    LONG result = generated->run();
    /* To some functions INVALLINESTATE is a matter of bits, not of the line. */
    bool wrong_line = result == ERR(INVALLINESTATE) && generated->traits & BIT(WRONG_STATE);
    if (result == ERR(INVALCALLSTATE) || wrong_line) drew(WRONG_STATE);
    CHECK(is_documented(generated->export + sizeof "TSPI_" - 1, result), "%s is not documented",
          name_of_result(result));
    CHECK(only_result == 0 || result == only_result, "it gave %s, not %s",
          name_of_result(result), name_of_result(only_result));
    for (int slot = 0; slot < SLOTS; slot++)
        CHECK(slot_is_intact(slot), "something in front of what was given was written");
}

static bool few_are_open(void *unused)
{
    (void)unused;
    static DRV_REQUESTID from;
    if (from < first_request) from = first_request;
    unsigned open = 0;
    bool all_before = true;
    for (DRV_REQUESTID id = from; id < next_request(); id++) {
        bool over = request_of(id)->fate != ACCEPTED || request_of(id)->completions > 0;
        if (over && all_before) from = id + 1;
        all_before = all_before && over;
        open += !over;
    }
    return open < MOST_OPEN;
}

/* Adds those of them that the library has; how many there are then. */
static unsigned add(const struct generated_case *cases, const struct generated_case **there,
                    unsigned count)
{
    for (; cases->export != NULL; cases++)
        if (count < MOST_FUNCTIONS && provider_export(cases->export) != NULL)
            there[count++] = cases;
    return count;
}

static bool is_in(const struct generated_case *cases, const char *export)
{
    while (cases->export != NULL && strcmp(cases->export, export) != 0) cases++;
    return cases->export != NULL;
}

/* The end of the provider would be the end of the item; it always succeeds. */
static void must_be_generated(const char *export)
{
    bool is_ours = strncmp(export, "TSPI_", 5) == 0 && strcmp(export, "TSPI_providerShutdown") != 0;
    CHECK(!is_ours || is_in(generated_requests, export) || is_in(generated_questions, export),
          "nothing generates arguments for %s", export);
}

/* Those that the host knows, and whatever else there is where that can be listed. */
static void every_export_is_generated(void)
{
#define X(name)                                                                                    \
    if (provider.name != NULL) must_be_generated("TSPI_" #name);
    PROVIDER_FUNCTIONS(X)
    OPTIONAL_FUNCTIONS(X)
#undef X
    provider_exports(must_be_generated);
}

static void generated_arguments(void)
{
    const struct generated_case *there[MOST_FUNCTIONS];
    dice_seed(bad_input_seed);
    item_proves_nothing();
    session_start((struct setup){0});
    every_export_is_generated();
    unsigned functions = add(generated_questions, there, add(generated_requests, there, 0));
    CHECK(functions >= 36, "the library has %u functions only", functions);
    draws_begin(there, functions, bad_input_cases / CASES_FOR_EACH);
    lay_out();
    item_is_at(present_case);
    for (unsigned i = 0; i < bad_input_cases; i++) {
        if (i % GARDEN_EVERY == 0) dig_over();
        one_case(draw_case(), i);
        CHECK(wait_until(few_are_open, NULL, TIME_OUT_MS), "requests pile up");
    }
    snprintf(present_case, sizeof present_case, "seed %llu, after the last case",
             (unsigned long long)bad_input_seed);
    clear_up();
    judge_draws();
}

const struct item bad_input_items[] = {
    {140, "generated arguments get documented errors and reach no memory but theirs",
     generated_arguments, 240},
    {ITEMS_END, NULL, NULL, 0},
};
