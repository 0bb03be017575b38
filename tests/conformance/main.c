/* Conformance of the provider with the service provider interface of TAPI.
 *
 *     conformance --provider FILE --simulator PORT --scratch FOLDER
 *                 [--item 57,60-65] [--quick] [--json] [--list] [--cases N] [--seed N]
 *                 [--dawdle MS]
 *
 * Loads the provider as the telephony server does, plays that server's part, tells the PBX
 * simulator on the other side what its users do, and says of each item whether it holds:
 *
 *     ok 57 the first message of an incoming call is LINE_NEWCALL
 *     not ok 58 ... # incoming.c:71: what was seen
 *     not yet 74 ... # why
 *
 * Exit code: 0 all held, 1 some did not, 2 wrong arguments, 3 an item hung and the rest was not run.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

#include "host.h"
#include "items.h"

static const struct item *const tables[] = {
    loading_items,  structure_items, opening_items,  request_items,      outgoing_items,
    incoming_items, drop_items,      hold_items,     transfer_items,     forward_items,
    status_items,   misuse_items,    text_items,     sequence_items,     loss_items,
    race_items,     bad_input_items, beyond_items,   consultation_items, field_items,
    site_items,     NULL,
};

enum { HIGHEST_ITEM = 999, QUICK_STORM_SECONDS = 5 };

static bool picked[HIGHEST_ITEM + 1];
static bool pick_all = true;

const char *program_path;

static bool wanted(int number)
{
    return pick_all || picked[number];
}

/* "57,60-65"; false if it is anything else. */
static bool pick(const char *list)
{
    pick_all = false;
    while (*list != 0) {
        char *end;
        long first = strtol(list, &end, 10), last = first;
        if (end == list) return false;
        if (*end == '-') {
            list = end + 1;
            last = strtol(list, &end, 10);
            if (end == list) return false;
        }
        if (first < 1 || last < first || last > HIGHEST_ITEM) return false;
        while (first <= last) picked[first++] = true;
        if (*end != 0 && *end != ',') return false;
        list = *end == ',' ? end + 1 : end;
    }
    return true;
}

/* What an item does to the machine. Who runs all of them may let those that wait, or measure no
 * time, run beside the one that storms, in processes and with simulators of their own; "site" are
 * those that want the simulator to play tests/estates/two-trees.toml. */
static const char *manner_of(int number)
{
    static const int waiting[] = {10, 11, 34, 46, 48, 64, 67, 121, 122, 123, 130, 132, 133,
                                  140};
    for (unsigned i = 0; i < sizeof waiting / sizeof *waiting; i++)
        if (waiting[i] == number) return "waits";
    for (const struct item *item = site_items; item->number != ITEMS_END; item++)
        if (item->number == number) return "site";
    return number == 45 ? "storms" : "brief";
}

/* A line for each item: its number, its manner, its title. */
static int list(void)
{
    for (const struct item *const *table = tables; *table != NULL; table++)
        for (const struct item *item = *table; item->number != ITEMS_END; item++)
            if (wanted(item->number))
                printf("%d %s %s\n", item->number, manner_of(item->number), item->title);
    return 0;
}

static int usage(const char *problem)
{
    fprintf(stderr,
            "conformance: %s\n"
            "usage: conformance --provider FILE --simulator PORT --scratch FOLDER\n"
            "                   [--item 57,60-65] [--quick] [--json] [--list] [--cases N] [--seed N]\n"
            "                   [--dawdle MS]\n",
            problem);
    return 2;
}

int main(int argc, char **argv)
{
#ifdef _WIN32
    _setmode(_fileno(stdout), _O_BINARY); /* lines end the same way everywhere */
#endif
    program_path = argv[0];
    bad_input_seed = clock_us();
    bool json = false, only_list = false, only_load = false;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--quick") == 0) {
            storm_seconds = QUICK_STORM_SECONDS;
        } else if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            only_list = true;
        } else if (value == NULL) {
            return usage("an option is unknown or lacks its value");
        } else {
            i++;
            if (strcmp(argv[i - 1], "--provider") == 0)
                provider_path = value;
            else if (strcmp(argv[i - 1], "--load") == 0)
                provider_path = value, only_load = true;
            else if (strcmp(argv[i - 1], "--simulator") == 0)
                simulator_port = (uint16_t)atoi(value);
            else if (strcmp(argv[i - 1], "--scratch") == 0)
                scratch_folder = value;
            else if (strcmp(argv[i - 1], "--cases") == 0)
                bad_input_cases = (unsigned)strtoul(value, NULL, 10);
            else if (strcmp(argv[i - 1], "--dawdle") == 0)
                dawdle_ms = (unsigned)strtoul(value, NULL, 10);
            else if (strcmp(argv[i - 1], "--seed") == 0)
                bad_input_seed = strtoull(value, NULL, 10);
            else if (strcmp(argv[i - 1], "--item") != 0 || !pick(value))
                return usage("an option or its value is unknown");
        }
    }
    if (only_list) return list();
    if (only_load) return load_and_unload();
    if (provider_path == NULL || simulator_port == 0 || scratch_folder == NULL)
        return usage("--provider, --simulator and --scratch are needed");
    /* Not by returning: a thread of a failed item must not outlive the C library. */
    process_exit(run_items(tables, wanted, json));
}
