/* The life of a session, in the order of the telephony server:
 * negotiation, providerEnumDevices, providerInit, negotiation per line, ..., lineClose,
 * providerShutdown, FreeLibrary. */

#include <stdio.h>
#include <string.h>

#include "host.h"
#include "names.h"
#include "structures.h"

struct session session;
const char *scratch_folder;
unsigned storm_seconds = 60;

/* ---- settings ---- */

/* A path below the folder of the item. The text lives until the next call but three. */
static const char *item_path(const char *name)
{
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s%citem-%d%c%s", scratch_folder, PATH_SEPARATOR,
             item_number(), PATH_SEPARATOR, name);
    return path;
}

/* The file of this session, and where its log is. */
static char settings_path[512], log_path[512];

static void fill_settings(struct setup setup)
{
    char pbx[128], standby[64] = "", text[2048];
    if (setup.is_standby) {
        snprintf(standby, sizeof standby, "standby = \"127.0.0.1:%u\"\n", simulator_port);
    }
    snprintf(pbx, sizeof pbx, "[[pbx]]\nmaster = \"127.0.0.1:%u\"\n%s",
             setup.pbx ? setup.pbx : simulator_port, standby);
    /* Literal strings, in single quotes: a Windows path needs no escapes in them. */
    snprintf(text, sizeof text,
             "account = \"_TAPI_\"\npassword = \"secret\"\nuser = \"TAPI\"\nhttps = false\n\n"
             "%s\n[lines]\n%s\n[log]\npath = '%s'\n",
             setup.pbxs ? setup.pbxs : pbx, setup.lines ? setup.lines : "", log_path);
    FILE *file = fopen(settings_path, "wb");
    CHECK(file != NULL, "cannot write %s", settings_path);
    fputs(setup.settings ? setup.settings : text, file);
    fclose(file);
}

static void write_settings(struct setup setup)
{
    static unsigned turn;
    char name[32];
    snprintf(name, sizeof name, "log-%u", turn);
    snprintf(log_path, sizeof log_path, "%s", item_path(setup.log ? setup.log : name));
    snprintf(name, sizeof name, "settings-%u.toml", turn++);
    snprintf(settings_path, sizeof settings_path, "%s", item_path(name));
    folder_make(item_path(""));
    fill_settings(setup);
    environment_set("TAPLINE_CONFIG", settings_path);
}

void session_change_settings(struct setup setup)
{
    fill_settings(setup);
}

uint16_t dead_port(void)
{
    uint16_t port = 0;
    tcp_close(tcp_deaf(&port));
    return port;
}

/* ---- beginning ---- */

void session_prepare(struct setup setup)
{
    write_settings(setup);
    char why[256];
    CHECK(provider_load(why, sizeof why), "%s", why);
    session.base = setup.base ? setup.base : DEVICE_BASE;
    session.began = session.creations = log_end();
    session.shut_down = NOWHERE;
    session.attend = true;
    first_request = next_request();
}

/* Negotiation of a line and what its capabilities claim, as applications would ask next. NULL if
 * the PBX does not know the line any more, and has said so by now. */
static struct line *adopt(DWORD device)
{
    CHECK(session.line_count < LINES, "more than %d lines", LINES);
    DWORD version = 0;
    LONG result = TSPI(lineNegotiateTSPIVersion, device, V2_0, V3_0, &version);
    if (result == ERR(NODEVICE)) return NULL;
    CHECK(result == 0, "negotiation of device %u (%u enumerated from %u) gave %s",
          (unsigned)device, (unsigned)session.enumerated, (unsigned)session.base,
          name_of_result(result));
    CHECK(version == V3_0, "line %u negotiated version %#x", (unsigned)device, (unsigned)version);
    const LINEDEVCAPS *line_caps = device_caps_if_there(device);
    const LINEADDRESSCAPS *caps = address_caps_if_there(device);
    if (line_caps == NULL || caps == NULL) return NULL;
    struct line *line = &session.lines[session.line_count];
    *line = (struct line){
        .device = device,
        .permanent_id = line_caps->dwPermanentLineID,
        .closed_at = NOWHERE,
        .claims = {
            .line_states = line_caps->dwLineStates,
            .line_features = line_caps->dwLineFeatures,
            .address_states = caps->dwAddressStates,
            .address_features = caps->dwAddressFeatures,
            .call_states = caps->dwCallStates,
            .call_info_states = caps->dwCallInfoStates,
            .call_features = caps->dwCallFeatures,
            .call_features2 = caps->dwCallFeatures2,
            .disconnect_modes = caps->dwDisconnectModes,
            .busy_modes = caps->dwBusyModes,
            .connected_modes = caps->dwConnectedModes,
            .offering_modes = caps->dwOfferingModes,
            .dial_tone_modes = caps->dwDialToneModes,
        },
    };
    const WCHAR *address = TEXT_OF(caps, Address);
    snprintf(line->extension, sizeof line->extension, "%s", address ? utf8(address) : "");
    session.line_count++;
    return line;
}

void session_init(struct setup setup)
{
    DWORD version = 0;
    EXPECT(TSPI(lineNegotiateTSPIVersion, INITIALIZE_NEGOTIATION, V2_0, V3_0, &version), 0);
    DWORD lines = 0, phones = 0;
    EXPECT(TSPI(providerEnumDevices, PROVIDER_ID, &lines, &phones, the_provider, on_creation, NULL),
           0);
    session.enumerated = lines;
    /* Lines that come later get ids that do not follow on. */
    session.next_device = session.base + lines + 1000;
    DWORD options = 0;
    EXPECT(TSPI(providerInit, V3_0, PROVIDER_ID, session.base, 0, lines, phones, on_completion,
                &options),
           0);
    session.initialised = true;
    CHECK(options == 0, "providerInit asked for options %#x", (unsigned)options);
    for (DWORD i = 0; i < lines; i++) adopt(session.base + i);
    (void)setup;
}

static bool estate_is_known(void *unused)
{
    (void)unused;
    for (int i = 0; i < EXTENSIONS; i++) {
        char extension[16];
        snprintf(extension, sizeof extension, "%d", FIRST_EXTENSION + i);
        if (line_if_known(extension) == NULL) return false;
    }
    return true;
}

void session_start(struct setup setup)
{
    session_prepare(setup);
    session_init(setup);
    if (setup.without_lines) return;
    bool known = wait_until(estate_is_known, NULL, TIME_OUT_MS);
    CHECK(known, "only %u of the PBX's %d lines came", session.line_count, EXTENSIONS);
}

/* ---- lines that come later ---- */

struct line *adopt_created(DWORD_PTR temporary, DWORD device)
{
    EXPECT(TSPI(providerCreateLineDevice, temporary, device), 0);
    struct line *line = adopt(device);
    CHECK(line != NULL, "a line that was just created is gone");
    return line;
}

void attend_creations(void)
{
    if (!session.attend || !session.initialised) return;
    static const struct pattern creation = {.kind = CREATION, .message = LINE_CREATE,
                                            .any_p1 = true};
    for (;;) {
        place end = log_end(), at = log_find(session.creations, &creation);
        if (at == NOWHERE) {
            session.creations = end; /* what was looked through is not looked through again */
            break;
        }
        session.creations = at + 1;
        adopt_created(log_at(at)->p2, session.next_device++);
    }
}

/* ---- the end ---- */

/* As the telephony server leaves calls behind: some are closed before they are idle, some go with
 * their line. */
static void leave_calls(void)
{
    unsigned count = atomic_load(&call_count);
    for (unsigned i = 0; i < count; i++) {
        struct call *call = &calls[i];
        bool with_the_line = i % 2 == 1 && atomic_load(&call->state) != LINECALLSTATE_IDLE;
        if (call->line->open && call->ht_line == call->line->ht && !with_the_line) close_call(call);
    }
}

static void shut_down(void)
{
    leave_calls();
    for (unsigned i = 0; i < session.line_count; i++)
        if (session.lines[i].open) close_line(&session.lines[i]);
    uint64_t start = clock_us();
    LONG result = TSPI(providerShutdown, V3_0, PROVIDER_ID);
    session.initialised = false;
    session.shut_down = log_end();
    unsigned ms = (unsigned)((clock_us() - start) / 1000);
    if (result != 0) FAULT("providerShutdown gave %s", name_of_result(result));
    if (ms > SHUTDOWN_MS) FAULT("providerShutdown took %u ms", ms);
}

void session_stop(void)
{
    atomic_store(&on_callback, NULL);
    atomic_store(&new_calls_to_refuse, 0);
    if (!provider_loaded()) return;
    if (session.initialised) shut_down();
    if (!item_failed()) judge_session();
    provider_unload();
    session_forget();
}

void session_forget(void)
{
    memset(&session, 0, sizeof session);
    calls_before += atomic_exchange(&call_count, 0);
}

void session_end(void)
{
    session_stop();
    control_undo();
    const char *calls = control_clear_calls();
    if (calls != NULL && !item_failed()) FAULT("calls stay at the simulator: %.400s", calls);
    environment_set("TAPLINE_CONFIG", NULL);
    fence_free_all();
}
