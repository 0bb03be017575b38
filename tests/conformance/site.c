#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "names.h"
#include "structures.h"

enum { NAME = 64, PEOPLE = 32, LEGS = 32, PBXS = 12, IDS = 64, EVERY_MS = 15 };

/* ---- what is so ---- */

struct person {
    char guid[33], name[NAME], number[16], extension[16], pbx[NAME];
    bool in_service;
};

struct leg {
    DWORD call_id; /* dwCallID that it must have */
    char pbx[NAME], number[16];
    DWORD bits;            /* CallInfo.state */
    char peer_number[16];  /* empty: another PBX, or an older replica, does not know */
};

static struct {
    struct person people[PEOPLE];
    struct leg legs[LEGS];
    unsigned people_count, leg_count;
} truth;

struct pbx {
    char name[NAME], rank[NAME], authority[NAME];
    bool on, serves;
};

static struct pbx pbxs[PBXS];
static unsigned pbx_count;

static struct site_settings in_force;

static void look_at_pbxs(void)
{
    pbx_count = 0;
    const char *at = json_first(control("pbxs"));
    for (; at != NULL; at = json_next(at)) {
        CHECK(pbx_count < PBXS, "more than %d PBXs", PBXS);
        struct pbx *pbx = &pbxs[pbx_count++];
        char url[NAME];
        json_text(at, "name", pbx->name, sizeof pbx->name);
        json_text(at, "rank", pbx->rank, sizeof pbx->rank);
        json_text(at, "url", url, sizeof url);
        pbx->on = json_is(at, "on");
        pbx->serves = json_is(at, "serves");
        const char *host = url + strlen("http://");
        snprintf(pbx->authority, sizeof pbx->authority, "%.*s", (int)strcspn(host, "/"), host);
    }
    CHECK(pbx_count > 1, "the simulator plays one PBX; these items want a site of them");
}

static bool is_standby(const struct pbx *pbx)
{
    return strncmp(pbx->rank, "standby", 7) == 0;
}

static void look_at_people(const struct pbx *pbx)
{
    const char *at = json_first(control("at %s users", pbx->name));
    for (; at != NULL; at = json_next(at)) {
        CHECK(truth.people_count < PEOPLE, "more than %d people", PEOPLE);
        struct person *person = &truth.people[truth.people_count];
        char elsewhere[NAME];
        json_text(at, "loc", elsewhere, sizeof elsewhere);
        json_text(at, "ext", person->number, sizeof person->number);
        json_text(at, "extension", person->extension, sizeof person->extension);
        /* A trunk is no line. */
        if (elsewhere[0] != 0 || strcmp(person->number, "0") == 0) continue;
        json_text(at, "guid", person->guid, sizeof person->guid);
        json_text(at, "cn", person->name, sizeof person->name);
        snprintf(person->pbx, sizeof person->pbx, "%s", pbx->name);
        person->in_service = pbx->on && json_is(at, "registered");
        /* A standby counts while its PBX does not. */
        bool known = false;
        for (unsigned i = 0; i < truth.people_count; i++)
            if (strcmp(truth.people[i].guid, person->guid) == 0) {
                known = true;
                if (person->in_service) truth.people[i] = *person;
            }
        if (!known) truth.people_count++;
    }
}

/* dwCallID: the hash of the call's GUID; no two calls here share one. */
static DWORD call_id_of(const char *guid)
{
    DWORD crc = ~(DWORD)0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned byte = 0;
        sscanf(guid + 2 * i, "%2x", &byte);
        crc ^= byte;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
}

static void look_at_calls(const struct pbx *pbx)
{
    const char *at = json_first(control("at %s calls", pbx->name));
    for (; at != NULL; at = json_next(at)) {
        char guid[33];
        json_text(at, "conf", guid, sizeof guid);
        const unsigned first = truth.leg_count;
        const char *one = json_first(json_member(at, "legs"));
        for (; one != NULL; one = json_next(one)) {
            CHECK(truth.leg_count < LEGS, "more than %d legs", LEGS);
            struct leg *leg = &truth.legs[truth.leg_count++];
            *leg = (struct leg){.call_id = call_id_of(guid),
                                .bits = (DWORD)json_number(one, "state")};
            snprintf(leg->pbx, sizeof leg->pbx, "%s", pbx->name);
            json_text(one, "ext", leg->number, sizeof leg->number);
            json_text(one, "peer", leg->peer_number, sizeof leg->peer_number);
        }
        if (truth.leg_count - first == 2) continue;
        for (unsigned i = first; i < truth.leg_count; i++) truth.legs[i].peer_number[0] = 0;
    }
}

static void look_at_truth(void)
{
    memset(&truth, 0, sizeof truth);
    look_at_pbxs();
    for (unsigned i = 0; i < pbx_count; i++) {
        if (in_force.without_works && strncmp(pbxs[i].name, "works", 5) == 0) continue;
        look_at_people(&pbxs[i]);
        look_at_calls(&pbxs[i]);
    }
}

/* ---- what is read ---- */

/* Why it is not yet as at the PBXs. */
static char difference[512];

#define DIFFERS(...) (snprintf(difference, sizeof difference, __VA_ARGS__), false)

/* Windows writes the first three parts of a GUID as numbers. */
static const char *guid_text(const void *guid)
{
    static const unsigned char order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    static char text[33];
    for (unsigned i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", ((const unsigned char *)guid)[order[i]]);
    return text;
}

/* Asked for again and again, so neither in the host's log nor in front of forbidden memory. */
static const LINEDEVCAPS *glance_at_caps(const struct line *line)
{
    static _Alignas(8) BYTE room[ROOM];
    LINEDEVCAPS *caps = (LINEDEVCAPS *)room;
    memset(room, 0, sizeof room);
    caps->dwTotalSize = ROOM;
    return provider.lineGetDevCaps(line->device, V3_0, 0, caps) == 0 ? caps : NULL;
}

static const char *glance_at_number(const struct line *line)
{
    static _Alignas(8) BYTE room[ROOM];
    LINEADDRESSCAPS *caps = (LINEADDRESSCAPS *)room;
    memset(room, 0, sizeof room);
    caps->dwTotalSize = ROOM;
    if (provider.lineGetAddressCaps(line->device, 0, V3_0, 0, caps) != 0) return "";
    const WCHAR *address = TEXT_OF(caps, Address);
    return address != NULL ? utf8(address) : "";
}

static bool is_gone(const struct line *line)
{
    struct pattern removal = {.kind = CREATION, .message = LINE_REMOVE, .p1 = line->device};
    return log_find(session.began, &removal) != NOWHERE;
}

/* Lines that were removed are closed; others that came are opened. */
static void attend_lines(void)
{
    for (unsigned i = 0; i < session.line_count; i++) {
        struct line *line = &session.lines[i];
        if (is_gone(line)) {
            if (line->open) close_line(line);
        } else if (!line->open) {
            EXPECT(try_open(line, V3_0), 0);
            EXPECT(TSPI(lineSetStatusMessages, line->hd, line->claims.line_states, 0), 0);
        }
    }
}

static struct line *line_with_guid(const char *guid)
{
    for (unsigned i = 0; i < session.line_count; i++) {
        const LINEDEVCAPS *caps =
            session.lines[i].open ? glance_at_caps(&session.lines[i]) : NULL;
        if (caps != NULL && strcmp(guid_text(&caps->PermanentLineGuid), guid) == 0)
            return &session.lines[i];
    }
    return NULL;
}

/* ---- whether they are the same ---- */

/* TAPI's state of a leg, in the words of the PBX's reference. */
static DWORD state_of(DWORD bits)
{
    const bool incoming = bits & 0x80, held = bits & 0x100;
    switch (bits & 0xF) {
    case 5:
        return held ? LINECALLSTATE_ONHOLD : LINECALLSTATE_CONNECTED;
    case 4:
        return incoming ? LINECALLSTATE_OFFERING : LINECALLSTATE_RINGBACK;
    case 3:
        return incoming ? LINECALLSTATE_OFFERING : LINECALLSTATE_PROCEEDING;
    default:
        return incoming ? LINECALLSTATE_OFFERING : LINECALLSTATE_DIALING;
    }
}

static bool lives(const struct call *call, const struct line *line)
{
    return call->ht_line == line->ht && call->state != 0 && call->state != LINECALLSTATE_IDLE &&
           !call->closing;
}

static bool call_agrees(const struct line *line, const struct leg *leg)
{
    static _Alignas(8) BYTE room[ROOM];
    const DWORD wanted = state_of(leg->bits);
    for (unsigned i = 0; i < call_count; i++) {
        if (!lives(&calls[i], line)) continue;
        LINECALLINFO *info = (LINECALLINFO *)room;
        memset(room, 0, sizeof room);
        info->dwTotalSize = ROOM;
        if (provider.lineGetCallInfo(calls[i].hd, info) != 0 || info->dwCallID != leg->call_id)
            continue;
        LINECALLSTATUS status = {.dwTotalSize = sizeof status};
        provider.lineGetCallStatus(calls[i].hd, &status);
        if (status.dwCallState != wanted || calls[i].state != wanted)
            return DIFFERS("line %s: a call reads %s and was told to be %s, it is %s",
                           line->extension, name_of_state(status.dwCallState),
                           name_of_state(calls[i].state), name_of_state(wanted));
        const bool incoming = leg->bits & 0x80;
        const WCHAR *peer = incoming ? TEXT_OF(info, CallerID) : TEXT_OF(info, CalledID);
        if (leg->peer_number[0] != 0 && !is_text(peer, leg->peer_number))
            return DIFFERS("line %s: the other end is %s, not %s", line->extension,
                           peer ? utf8(peer) : "nobody", leg->peer_number);
        if (info->dwOrigin != (incoming ? LINECALLORIGIN_INTERNAL : LINECALLORIGIN_OUTBOUND))
            return DIFFERS("line %s: dwOrigin is %#x", line->extension, (unsigned)info->dwOrigin);
        return true;
    }
    return DIFFERS("line %s has no call with dwCallID %#x", line->extension,
                   (unsigned)leg->call_id);
}

static bool calls_agree(const struct line *line, const struct person *person,
                        const LINEDEVSTATUS *status)
{
    unsigned there = 0, here = 0;
    for (unsigned i = 0; i < truth.leg_count; i++) {
        const struct leg *leg = &truth.legs[i];
        if (strcmp(leg->pbx, person->pbx) != 0 || strcmp(leg->number, person->number) != 0)
            continue;
        there++;
        if (!call_agrees(line, leg)) return false;
    }
    for (unsigned i = 0; i < call_count; i++) here += lives(&calls[i], line);
    const unsigned counted = status->dwNumActiveCalls + status->dwNumOnHoldCalls;
    if (here != there || counted != there)
        return DIFFERS("line %s has %u calls and counts %u; there are %u", line->extension, here,
                       counted, there);
    return true;
}

/* The latest that the line was told of its service. */
static bool was_told(const struct line *line, bool in_service)
{
    const DWORD both = LINEDEVSTATE_INSERVICE | LINEDEVSTATE_OUTOFSERVICE;
    for (place at = log_end(); at-- > line->opened_at;) {
        const struct entry *entry = log_at(at);
        if (entry->kind == EVENT && entry->line == line->ht &&
            entry->message == LINE_LINEDEVSTATE && (entry->p1 & both) != 0)
            return (entry->p1 & LINEDEVSTATE_INSERVICE ? true : false) == in_service;
    }
    return true;
}

static bool person_agrees(const struct person *person)
{
    struct line *line = line_with_guid(person->guid);
    if (line == NULL) return DIFFERS("%s has no line", person->name);
    const WCHAR *wide = TEXT_OF(glance_at_caps(line), LineName);
    const char *name = wide != NULL ? utf8(wide) : "", *number = glance_at_number(line);
    char wanted[NAME + 32];
    snprintf(wanted, sizeof wanted, in_force.numbered ? "%s (%s)" : "%s", person->name,
             person->extension);
    if (strcmp(name, wanted) != 0) return DIFFERS("a line is called %s, not %s", name, wanted);
    if (strcmp(number, person->number) != 0)
        return DIFFERS("the line of %s has the number %s, not %s", person->name, number,
                       person->number);
    LINEDEVSTATUS status = {.dwTotalSize = sizeof status};
    LONG result = provider.lineGetLineDevStatus(line->hd, &status);
    if (result != 0) return DIFFERS("lineGetLineDevStatus gave %s", name_of_result(result));
    const bool in_service = status.dwDevStatusFlags & LINEDEVSTATUSFLAGS_INSERVICE;
    if (in_service != person->in_service)
        return DIFFERS("the line of %s is %s service", person->name, in_service ? "in" : "out of");
    if (!was_told(line, in_service))
        return DIFFERS("the line of %s was told otherwise than it reads", person->name);
    return calls_agree(line, person, &status);
}

static bool is_as_at_the_pbxs(void *unused)
{
    (void)unused;
    attend_lines();
    look_at_truth();
    for (unsigned i = 0; i < truth.people_count; i++)
        if (!person_agrees(&truth.people[i])) {
            pause_ms(EVERY_MS);
            return false;
        }
    unsigned lines = 0;
    for (unsigned i = 0; i < session.line_count; i++)
        lines += session.lines[i].open && session.lines[i].extension[0] != 0;
    if (lines == truth.people_count) return true;
    pause_ms(EVERY_MS);
    return DIFFERS("there are %u lines for %u people", lines, truth.people_count);
}

/* ---- ids ---- */

static struct {
    int item;
    unsigned count;
    struct {
        char guid[33];
        DWORD permanent;
    } ids[IDS];
} known;

/* Once an id, always that id, in all sessions of an item. */
static void judge_ids(const char *after)
{
    if (known.item != item_number()) memset(&known, 0, sizeof known);
    known.item = item_number();
    for (unsigned i = 0; i < session.line_count; i++) {
        if (!session.lines[i].open) continue;
        const LINEDEVCAPS *caps = device_caps(session.lines[i].device);
        const char *guid = guid_text(&caps->PermanentLineGuid);
        unsigned at = 0;
        while (at < known.count && strcmp(known.ids[at].guid, guid) != 0) {
            CHECK(known.ids[at].permanent != caps->dwPermanentLineID,
                  "%s: two lines have the id %u", after, (unsigned)caps->dwPermanentLineID);
            at++;
        }
        CHECK(at < IDS, "more than %d lines", IDS);
        if (at == known.count) {
            strcpy(known.ids[at].guid, guid);
            known.ids[known.count++].permanent = caps->dwPermanentLineID;
        }
        CHECK(known.ids[at].permanent == caps->dwPermanentLineID,
              "%s: the line of %s had the id %u and has %u", after, guid,
              (unsigned)known.ids[at].permanent, (unsigned)caps->dwPermanentLineID);
    }
}

/* ---- for the items ---- */

void site_quiet(const char *after)
{
    bool quiet = wait_until(is_as_at_the_pbxs, NULL, SITE_MS);
    CHECK(quiet, "%s: %s", after, difference);
    judge_ids(after);
}

/* A master and its standby, as the settings name them. */
static size_t write_tree(char *text, size_t size, const char *master)
{
    char rank[NAME];
    snprintf(rank, sizeof rank, "standby of %s", master);
    const char *of_master = NULL, *of_standby = NULL;
    for (unsigned i = 0; i < pbx_count; i++) {
        if (strcmp(pbxs[i].name, master) == 0) of_master = pbxs[i].authority;
        if (strcmp(pbxs[i].rank, rank) == 0) of_standby = pbxs[i].authority;
    }
    CHECK(of_master && of_standby, "the site has no %s with a standby", master);
    return (size_t)snprintf(text, size, "[[pbx]]\nmaster = \"%s\"\nstandby = \"%s\"\n", of_master,
                            of_standby);
}

/* The settings in words; the text lives until the next call. */
static struct setup setup_of(const char *log, struct site_settings settings)
{
    static char text[512];
    look_at_pbxs();
    size_t length = 0;
    if (settings.works_first && !settings.without_works)
        length += write_tree(text, sizeof text, "works");
    length += write_tree(text + length, sizeof text - length, "hq");
    if (!settings.works_first && !settings.without_works)
        write_tree(text + length, sizeof text - length, "works");
    return (struct setup){.log = log, .pbxs = text, .without_lines = true,
                          .lines = settings.numbered ? "name_template = \"%c (%e)\"" : NULL};
}

void site_start(const char *log, struct site_settings settings)
{
    in_force = settings;
    struct setup setup = setup_of(log, settings);
    /* Commands go to a PBX that none of these items switches off. */
    for (unsigned i = 0; i < pbx_count; i++)
        if (strcmp(pbxs[i].rank, "standby of hq") == 0)
            simulator_port = (uint16_t)atoi(strchr(pbxs[i].authority, ':') + 1);
    session_start(setup);
    site_quiet("at the beginning");
    for (unsigned i = 0; i < pbx_count; i++)
        CHECK(is_standby(&pbxs[i]) || !pbxs[i].on ||
                  control_number("at %s sessions", pbxs[i].name) == 1,
              "%s has %s sessions", pbxs[i].name, control("at %s sessions", pbxs[i].name));
}

void site_change_settings(struct site_settings settings)
{
    in_force = settings;
    session_change_settings(setup_of(NULL, settings));
}

void site_spoil_settings(void)
{
    session_change_settings((struct setup){.settings = "account = \"_TA"});
}

struct line *line_named(const char *name)
{
    for (unsigned i = 0; i < session.line_count; i++) {
        const LINEDEVCAPS *caps =
            session.lines[i].open ? glance_at_caps(&session.lines[i]) : NULL;
        if (caps != NULL && is_text(TEXT_OF(caps, LineName), name)) return &session.lines[i];
    }
    CHECK(false, "no line is called %s", name);
    return NULL;
}

struct call *only_call(const struct line *line)
{
    struct call *found = NULL;
    for (unsigned i = 0; i < call_count; i++) {
        if (!lives(&calls[i], line)) continue;
        CHECK(found == NULL, "line %s has more than one call", line->extension);
        found = &calls[i];
    }
    CHECK(found != NULL, "line %s has no call", line->extension);
    return found;
}

unsigned service_changes(const struct line *line, place since)
{
    unsigned count = 0;
    for (place at = since; at < log_end(); at++) {
        const struct entry *entry = log_at(at);
        if (entry->kind == EVENT && entry->line == line->ht &&
            entry->message == LINE_LINEDEVSTATE &&
            (entry->p1 & (LINEDEVSTATE_INSERVICE | LINEDEVSTATE_OUTOFSERVICE)))
            count++;
    }
    return count;
}

struct changes {
    const struct line *line;
    place since;
    unsigned count;
};

static bool has_changed(void *argument)
{
    const struct changes *changes = argument;
    return service_changes(changes->line, changes->since) >= changes->count;
}

void await_service_changes(const struct line *line, place since, unsigned count)
{
    struct changes changes = {line, since, count};
    bool changed = wait_until(has_changed, &changes, SITE_MS);
    CHECK(changed, "line %s has changed its service %u times, not %u", line->extension,
          service_changes(line, since), count);
}

unsigned removals(void)
{
    struct pattern removal = {.kind = CREATION, .message = LINE_REMOVE, .any_p1 = true};
    return log_count(session.began, &removal);
}
