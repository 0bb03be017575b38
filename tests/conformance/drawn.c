#include "drawn.h"

#include <stdio.h>
#include <string.h>

#include "bad_cases.h"
#include "check.h"
#include "dice.h"

enum { MOST_FUNCTIONS = 80 };

static const char *const names[TRAITS] = {
    [NO_TRAIT] = "cases",
    [NULL_POINTER] = "null",
    [STALE_HANDLE] = "stale",
    [FOREIGN_HANDLE] = "foreign",
    [RANDOM_HANDLE] = "random",
    [NO_DEVICE] = "no device",
    [NO_VERSION] = "no version",
    [WRONG_STATE] = "wrong state",
    [SHORT_SIZE] = "short",
    [MISALIGNED] = "misaligned",
    [NO_END] = "without end",
    [TEXT_OF_1] = "text of 1",
    [TEXT_OF_255] = "of 255",
    [TEXT_OF_100000] = "of 100000",
    [ALL_DIALABLE] = "all dialable",
};

static const struct generated_case *const *functions;
static unsigned function_count, least;
/* The first column counts the cases themselves. */
static unsigned drawn[MOST_FUNCTIONS][TRAITS];

/* The present case. */
static unsigned function;
static enum trait wish;
static bool has[TRAITS];
/* Where to look for what lacks. */
static unsigned cursor;

void draws_begin(const struct generated_case *const *cases, unsigned count, unsigned at_least)
{
    functions = cases, function_count = count, least = at_least;
    cursor = 0;
    memset(drawn, 0, sizeof drawn);
}

static bool lacks(unsigned of, enum trait trait)
{
    bool has_it = trait == NO_TRAIT || functions[of]->traits & BIT(trait);
    return has_it && drawn[of][trait] < least;
}

/* The next thing that has not come often enough; they take turns. */
static bool find_lack(void)
{
    const unsigned all = function_count * TRAITS;
    for (unsigned i = 0; i < all; i++) {
        cursor = (cursor + 1) % all;
        if (lacks(cursor / TRAITS, cursor % TRAITS)) return true;
    }
    return false;
}

const struct generated_case *draw_case(void)
{
    memset(has, 0, sizeof has);
    function = dice_below(function_count);
    wish = NO_TRAIT;
    if (once_in(2) && find_lack()) {
        function = cursor / TRAITS;
        wish = cursor % TRAITS;
    }
    drew(NO_TRAIT);
    return functions[function];
}

bool is_drawn_for(enum trait trait)
{
    return wish == trait;
}

void drew(enum trait trait)
{
    CHECK(trait == NO_TRAIT || functions[function]->traits & BIT(trait),
          "%s was drawn and is not declared", names[trait]);
    if (!has[trait]) drawn[function][trait]++;
    has[trait] = true;
}

void judge_draws(void)
{
    char text[512];
    bool all = true;
    for (unsigned f = 0; f < function_count; f++) {
        size_t length = 0;
        for (enum trait t = NO_TRAIT; t < TRAITS; t++) {
            if (t != NO_TRAIT && !(functions[f]->traits & BIT(t))) continue;
            bool lacking = lacks(f, t);
            all = all && !lacking;
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%u %s%s",
                                       t == NO_TRAIT ? "" : ", ", drawn[f][t], names[t],
                                       lacking ? " (too few)" : "");
        }
        note("%s: %s", functions[f]->export, text);
    }
    CHECK(all, "something was drawn less often than %u times", least);
}
