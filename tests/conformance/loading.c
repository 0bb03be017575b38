/* Items 1 to 12: loading, negotiation, beginning and end. */

#include <stdio.h>
#include <string.h>

#include "host.h"
#include "items.h"
#include "names.h"

/* ---- exports ---- */

static void all_exports_are_there(void)
{
    session_prepare((struct setup){0});
#define X(name) CHECK(provider.name != NULL, "TSPI_" #name " is not exported");
    PROVIDER_FUNCTIONS(X)
#undef X
}

static char phone_export[64];

static void look_for_phones(const char *name)
{
    if (strncmp(name, "TSPI_phone", 10) == 0)
        snprintf(phone_export, sizeof phone_export, "%s", name);
}

static void no_phones_no_media(void)
{
    static const char *const phones[] = {
        "phoneClose", "phoneDevSpecific", "phoneGetButtonInfo", "phoneGetData", "phoneGetDevCaps",
        "phoneGetDisplay", "phoneGetExtensionID", "phoneGetGain", "phoneGetHookSwitch",
        "phoneGetIcon", "phoneGetID", "phoneGetLamp", "phoneGetRing", "phoneGetStatus",
        "phoneGetVolume", "phoneNegotiateExtVersion", "phoneNegotiateTSPIVersion", "phoneOpen",
        "phoneSelectExtVersion", "phoneSetButtonInfo", "phoneSetData", "phoneSetDisplay",
        "phoneSetGain", "phoneSetHookSwitch", "phoneSetLamp", "phoneSetRing",
        "phoneSetStatusMessages", "phoneSetVolume"};
    session_prepare((struct setup){0});
    for (size_t i = 0; i < sizeof phones / sizeof *phones; i++) {
        char name[64];
        snprintf(name, sizeof name, "TSPI_%s", phones[i]);
        CHECK(provider_export(name) == NULL, "%s is exported", name);
    }
    phone_export[0] = 0;
    provider_exports(look_for_phones);
    CHECK(phone_export[0] == 0, "%s is exported", phone_export);
    GUID id;
    if (provider.lineMSPIdentify != NULL)
        EXPECT(TSPI(lineMSPIdentify, session.base, &id), ERR(OPERATIONUNAVAIL));
}

/* ---- negotiation ---- */

static DWORD negotiated(DWORD low, DWORD high)
{
    DWORD version = 0xDEAD;
    EXPECT(TSPI(lineNegotiateTSPIVersion, INITIALIZE_NEGOTIATION, low, high, &version), 0);
    return version;
}

static void no_negotiation(DWORD low, DWORD high)
{
    DWORD version = 0xDEAD;
    EXPECT(TSPI(lineNegotiateTSPIVersion, INITIALIZE_NEGOTIATION, low, high, &version),
           ERR(INCOMPATIBLEAPIVERSION));
    CHECK(version == 0xDEAD, "version %#x was written all the same", (unsigned)version);
}

static void widest_range_gives_3_0(void)
{
    session_prepare((struct setup){0});
    DWORD version = negotiated(0x00010003, 0x00030001);
    CHECK(version == V3_0, "it gave %#x", (unsigned)version);
}

static void highest_common_version(void)
{
    session_prepare((struct setup){0});
    DWORD version = negotiated(V2_0, V2_2);
    CHECK(version == V2_2, "2.0 to 2.2 gave %#x", (unsigned)version);
    version = negotiated(V2_1, V2_1);
    CHECK(version == V2_1, "2.1 to 2.1 gave %#x", (unsigned)version);
}

static void no_common_version(void)
{
    session_prepare((struct setup){0});
    no_negotiation(0x00030001, 0x00030001);
    no_negotiation(0x00010003, 0x00010004);
}

static void negotiation_without_lines(void)
{
    session_prepare((struct setup){.pbx = dead_port()});
    negotiated(V2_0, V3_0);
    session_stop();
    /* Without any settings there is nothing that could have lines either. */
    session_prepare((struct setup){.settings = ""});
    negotiated(V2_0, V3_0);
    environment_set("TAPLINE_CONFIG", NULL);
    negotiated(V2_0, V3_0);
}

/* ---- beginning ---- */

static void enumeration_before_init(void)
{
    session_prepare((struct setup){0});
    DWORD lines = 0xDEAD, phones = 0xDEAD;
    EXPECT(TSPI(providerEnumDevices, PROVIDER_ID, &lines, &phones, the_provider, on_creation, NULL),
           0);
    CHECK(phones == 0, "%u phones", (unsigned)phones);
    CHECK(lines == 0, "%u lines in a new log", (unsigned)lines);
}

static void init_times(uint16_t port, const char *what)
{
    struct setup setup = {.pbx = port, .without_lines = true};
    session_prepare(setup);
    DWORD lines = 0, phones = 0, options = 0;
    EXPECT(TSPI(providerEnumDevices, PROVIDER_ID, &lines, &phones, the_provider, on_creation, NULL),
           0);
    uint64_t start = clock_us();
    EXPECT(TSPI(providerInit, V3_0, PROVIDER_ID, session.base, 0, lines, phones, on_completion,
                &options),
           0);
    unsigned ms = (unsigned)((clock_us() - start) / 1000);
    session.initialised = true;
    CHECK(ms <= 1000, "with a PBX that %s it took %u ms", what, ms);
    CHECK(options == 0, "it asked for options %#x", (unsigned)options);
    session_stop();
}

static void init_without_pbx(void)
{
    init_times(dead_port(), "is not there");
    uint16_t port = 0;
    tcp deaf = tcp_deaf(&port);
    init_times(port, "does not answer");
    tcp_close(deaf);
}

static void second_init(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    unsigned lines = session.line_count;
    DWORD options = 0;
    EXPECT(TSPI(providerInit, V3_0, PROVIDER_ID, session.base + 500, 0, lines, 0, on_completion,
                &options),
           0);
    DWORD version;
    EXPECT(TSPI(lineNegotiateTSPIVersion, line->device, V2_0, V3_0, &version), 0);
    EXPECT(TSPI(lineNegotiateTSPIVersion, session.base + 500, V2_0, V3_0, &version),
           ERR(BADDEVICEID));
    DWORD addresses = 0;
    EXPECT(TSPI(lineGetNumAddressIDs, line->hd, &addresses), 0);
    connected_call(line, 21);
    attend_creations();
    CHECK(session.line_count == lines, "there are %u lines instead of %u", session.line_count,
          lines);
}

/* ---- the end ---- */

static void shutdown_ends_everything(void)
{
    /* A first session brings what the process keeps for ever: pools of the runtime libraries. */
    session_start((struct setup){0});
    session_stop();
    unsigned before = process_threads();
    session_start((struct setup){0});
    connected_call(open_line(20), 21);
    offered_call(open_line(22), 23);
    /* Not through session_stop(): lines and calls are open and stay so. */
    EXPECT(TSPI(providerShutdown, V3_0, PROVIDER_ID), 0);
    unsigned after = process_threads();
    session.initialised = false;
    session.shut_down = log_end();
    CHECK(after <= before, "%u threads before the session, %u after it", before, after);
    control("hangup 21");
    control("answer 22");
    control("call 24 20");
    pause_ms(5000);
    place end = log_end();
    CHECK(end == session.shut_down, "afterwards came %s",
          log_text(log_at(session.shut_down)));
}

enum { SESSIONS = 100, WARM_UP = 20 };

static void hundred_sessions(void)
{
    unsigned threads = 0, handles = 0;
    /* Lines of a PBX that leaves the settings would be removed; so it is always the same one, whose
     * standby makes the lines known once. */
    uint16_t pbx = dead_port();
    for (unsigned i = 0; i < SESSIONS; i++) {
        session_start((struct setup){.log = "log", .pbx = pbx, .is_standby = i == 0,
                                     .without_lines = i != 0, .base = DEVICE_BASE + 100 * i});
        if (i > 0) {
            CHECK(session.enumerated >= EXTENSIONS, "session %u knew %u lines", i,
                  (unsigned)session.enumerated);
            const struct line *line = line_of(20);
            CHECK(line->device >= session.base, "device %u below its base %u",
                  (unsigned)line->device, (unsigned)session.base);
            DWORD version;
            EXPECT(TSPI(lineNegotiateTSPIVersion, session.base - 100, V2_0, V3_0, &version),
                   ERR(BADDEVICEID));
        }
        session_stop();
        if (i == WARM_UP) {
            threads = process_threads();
            handles = process_handles();
        }
    }
    unsigned threads_now = process_threads(), handles_now = process_handles();
    CHECK(threads_now <= threads, "threads grew from %u to %u", threads, threads_now);
    CHECK(handles_now <= handles, "handles grew from %u to %u", handles, handles_now);
}

int load_and_unload(void)
{
    char why[256];
    for (int i = 0; i < 10; i++) {
        if (!provider_load(why, sizeof why)) return 1;
        provider_unload();
    }
    return 0;
}

static void loading_alone(void)
{
    const char *arguments[] = {program_path, "--load", provider_path, NULL};
    int code = process_run(arguments, SOON_MS);
    CHECK(code == 0, "a process that did only this ended with %d", code);
}

const struct item loading_items[] = {
    {1, "every function of the set is exported by its plain name", all_exports_are_there, 0},
    {2, "nothing of phones or media providers is exported", no_phones_no_media, 0},
    {3, "versions 1.3 to 3.1 negotiate to 3.0, before providerInit", widest_range_gives_3_0, 0},
    {4, "the highest common version is chosen", highest_common_version, 0},
    {5, "without a common version nothing is written", no_common_version, 0},
    {6, "negotiation works without lines and without settings", negotiation_without_lines, 0},
    {7, "devices are counted before providerInit, and no phones", enumeration_before_init, 0},
    {8, "providerInit does not wait for the PBX", init_without_pbx, 0},
    {9, "a second providerInit changes nothing", second_init, 0},
    {10, "providerShutdown ends every thread and every callback", shutdown_ends_everything, 0},
    {11, "a hundred sessions leave nothing behind, each with its own device ids",
     hundred_sessions, 180},
    {12, "loading and unloading alone does no harm", loading_alone, 0},
    {ITEMS_END, NULL, NULL, 0},
};
