#include "structures.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"

enum { GUARD = 64, GUARD_BYTE = 0xA5 };

/* ---- one structure ---- */

void *structure(DWORD total, DWORD fixed)
{
    BYTE *memory = fence_alloc(total + 2 * GUARD);
    memset(memory, GUARD_BYTE, total + 2 * GUARD);
    BYTE *data = memory + GUARD;
    memset(data, 0, total);
    DWORD header[3] = {total, fixed, fixed};
    memcpy(data, header, sizeof header);
    return data;
}

bool is_intact(const void *structure, DWORD total)
{
    const BYTE *data = structure;
    for (unsigned i = 1; i <= GUARD; i++)
        if (data[-(int)i] != GUARD_BYTE || data[total + i - 1] != GUARD_BYTE) return false;
    return word_at(structure, 0) == total;
}

void check_intact(const void *structure, DWORD total, const char *name)
{
    CHECK(word_at(structure, 0) == total, "%s.dwTotalSize became %u, it was %u", name,
          (unsigned)word_at(structure, 0), (unsigned)total);
    CHECK(is_intact(structure, total), "%s: bytes outside its %u were written", name,
          (unsigned)total);
}

const WCHAR *text_of(const void *structure, DWORD size, DWORD offset)
{
    return size == 0 ? NULL : (const WCHAR *)((const BYTE *)structure + offset);
}

bool is_text(const WCHAR *text, const char *expected_utf8)
{
    return text != NULL && strcmp(utf8(text), expected_utf8) == 0;
}

DWORD word_at(const void *structure, WORD offset)
{
    DWORD word;
    memcpy(&word, (const BYTE *)structure + offset, sizeof word);
    return word;
}

/* ---- questions that must be answered ---- */

static void *ask(enum shape shape, const struct subject *subject)
{
    void *answer = structure(ROOM, fixed_size(shape, subject->version));
    LONG result = query(shape, subject, answer);
    CHECK(result == 0, "asking for %s gave %s", shapes[shape].name, name_of_result(result));
    check_intact(answer, ROOM, shapes[shape].name);
    return answer;
}

LINEDEVCAPS *device_caps(DWORD device)
{
    struct line line = {.device = device};
    return ask(DEVCAPS, &(struct subject){.version = V3_0, .line = &line});
}

/* The answer about a line, NULL if the line is gone for good. */
static void *ask_if_there(enum shape shape, DWORD device)
{
    struct line line = {.device = device};
    struct subject subject = {.version = V3_0, .line = &line};
    void *answer = structure(ROOM, fixed_size(shape, V3_0));
    LONG result = query(shape, &subject, answer);
    if (result == ERR(NODEVICE)) return NULL;
    CHECK(result == 0, "asking for %s gave %s", shapes[shape].name, name_of_result(result));
    check_intact(answer, ROOM, shapes[shape].name);
    return answer;
}

LINEDEVCAPS *device_caps_if_there(DWORD device)
{
    return ask_if_there(DEVCAPS, device);
}

LINEADDRESSCAPS *address_caps_if_there(DWORD device)
{
    return ask_if_there(ADDRESSCAPS, device);
}

LINEADDRESSCAPS *address_caps(DWORD device)
{
    struct line line = {.device = device};
    return ask(ADDRESSCAPS, &(struct subject){.version = V3_0, .line = &line});
}

LINECALLINFO *call_info(const struct call *call)
{
    return ask(CALLINFO, &(struct subject){.version = V3_0, .call = call});
}

LINECALLSTATUS *call_status(const struct call *call)
{
    return ask(CALLSTATUS, &(struct subject){.version = V3_0, .call = call});
}

LINEDEVSTATUS *line_status(const struct line *line)
{
    return ask(LINESTATUS, &(struct subject){.version = V3_0, .line = line});
}

LINEADDRESSSTATUS *address_status(const struct line *line)
{
    return ask(ADDRESSSTATUS, &(struct subject){.version = V3_0, .line = line});
}

/* ---- the same from inside callbacks ---- */

LONG peek_call_status(HDRVCALL call, LINECALLSTATUS *status)
{
    *status = (LINECALLSTATUS){.dwTotalSize = sizeof *status};
    return TSPI(lineGetCallStatus, call, status);
}

LONG peek_line_status(HDRVLINE line, LINEDEVSTATUS *status)
{
    *status = (LINEDEVSTATUS){.dwTotalSize = sizeof *status};
    return TSPI(lineGetLineDevStatus, line, status);
}

LONG peek_address_status(HDRVLINE line, LINEADDRESSSTATUS *status)
{
    *status = (LINEADDRESSSTATUS){.dwTotalSize = sizeof *status};
    return TSPI(lineGetAddressStatus, line, 0, status);
}

LONG peek_call_info(HDRVCALL call, void *room)
{
    LINECALLINFO *info = room;
    memset(info, 0, ROOM);
    info->dwTotalSize = ROOM;
    return TSPI(lineGetCallInfo, call, info);
}

/* ---- what the structures look like ---- */

const DWORD versions[4] = {V2_0, V2_1, V2_2, V3_0};

DWORD fixed_size(enum shape shape, DWORD version)
{
    static const WORD sizes[SHAPES][4] = {
        [DEVCAPS] = {252, 252, 268, 292},  [ADDRESSCAPS] = {228, 228, 228, 228},
        [LINESTATUS] = {88, 88, 88, 88},   [ADDRESSSTATUS] = {64, 64, 64, 64},
        [CALLINFO] = {324, 324, 324, 344}, [CALLSTATUS] = {56, 56, 56, 56},
    };
    for (unsigned i = 0; i < 4; i++)
        if (versions[i] == version) return sizes[shape][i];
    abort();
}

#define AT(type, name) offsetof(type, dw##name##Size)
#define DATA(type, name) {#name, AT(type, name), false}
#define WORDS(type, name) {#name, AT(type, name), true}
#define OWN(type, member) {offsetof(type, member), sizeof(((type *)0)->member)}
#define OWN_PAIR(type, name) {AT(type, name), 8}

static const struct member devcaps_members[] = {
    WORDS(LINEDEVCAPS, ProviderInfo),  WORDS(LINEDEVCAPS, SwitchInfo),
    WORDS(LINEDEVCAPS, LineName),      DATA(LINEDEVCAPS, TerminalCaps),
    DATA(LINEDEVCAPS, TerminalText),  DATA(LINEDEVCAPS, DevSpecific),
    WORDS(LINEDEVCAPS, DeviceClasses), {NULL, 0, false},
};

static const struct member addresscaps_members[] = {
    WORDS(LINEADDRESSCAPS, Address),
    DATA(LINEADDRESSCAPS, DevSpecific),
    DATA(LINEADDRESSCAPS, CompletionMsgText),
    DATA(LINEADDRESSCAPS, CallTreatmentList),
    WORDS(LINEADDRESSCAPS, DeviceClasses),
    {NULL, 0, false},
};

static const struct member linestatus_members[] = {
    DATA(LINEDEVSTATUS, TerminalModes),
    DATA(LINEDEVSTATUS, DevSpecific),
    DATA(LINEDEVSTATUS, AppInfo),
    {NULL, 0, false},
};

static const struct member addressstatus_members[] = {
    DATA(LINEADDRESSSTATUS, Forward),
    DATA(LINEADDRESSSTATUS, TerminalModes),
    DATA(LINEADDRESSSTATUS, DevSpecific),
    {NULL, 0, false},
};

static const struct member callinfo_members[] = {
    WORDS(LINECALLINFO, CallerID),
    WORDS(LINECALLINFO, CallerIDName),
    WORDS(LINECALLINFO, CalledID),
    WORDS(LINECALLINFO, CalledIDName),
    WORDS(LINECALLINFO, ConnectedID),
    WORDS(LINECALLINFO, ConnectedIDName),
    WORDS(LINECALLINFO, RedirectionID),
    WORDS(LINECALLINFO, RedirectionIDName),
    WORDS(LINECALLINFO, RedirectingID),
    WORDS(LINECALLINFO, RedirectingIDName),
    DATA(LINECALLINFO, AppName),
    DATA(LINECALLINFO, DisplayableAddress),
    DATA(LINECALLINFO, CalledParty),
    DATA(LINECALLINFO, Comment),
    WORDS(LINECALLINFO, Display),
    DATA(LINECALLINFO, UserUserInfo),
    DATA(LINECALLINFO, HighLevelComp),
    DATA(LINECALLINFO, LowLevelComp),
    DATA(LINECALLINFO, ChargingInfo),
    DATA(LINECALLINFO, TerminalModes),
    DATA(LINECALLINFO, DevSpecific),
    DATA(LINECALLINFO, CallData),
    DATA(LINECALLINFO, SendingFlowspec),
    DATA(LINECALLINFO, ReceivingFlowspec),
    {NULL, 0, false},
};

static const struct member callstatus_members[] = {
    DATA(LINECALLSTATUS, DevSpecific),
    {NULL, 0, false},
};

static const struct own nothing[] = {{0, 0}};

static const struct own linestatus_own[] = {
    OWN(LINEDEVSTATUS, dwNumOpens),
    OWN(LINEDEVSTATUS, dwOpenMediaModes),
    OWN_PAIR(LINEDEVSTATUS, AppInfo),
    {0, 0},
};

static const struct own callinfo_own[] = {
    OWN(LINECALLINFO, hLine),
    OWN(LINECALLINFO, dwMonitorDigitModes),
    OWN(LINECALLINFO, dwMonitorMediaModes),
    OWN(LINECALLINFO, dwNumOwners),
    OWN(LINECALLINFO, dwNumMonitors),
    OWN_PAIR(LINECALLINFO, AppName),
    OWN_PAIR(LINECALLINFO, DisplayableAddress),
    OWN_PAIR(LINECALLINFO, CalledParty),
    OWN_PAIR(LINECALLINFO, Comment),
    {0, 0},
};

static const struct own callstatus_own[] = {OWN(LINECALLSTATUS, dwCallPrivilege), {0, 0}};

const struct shape_facts shapes[SHAPES] = {
    [DEVCAPS] = {"LINEDEVCAPS", devcaps_members, nothing},
    [ADDRESSCAPS] = {"LINEADDRESSCAPS", addresscaps_members, nothing},
    [LINESTATUS] = {"LINEDEVSTATUS", linestatus_members, linestatus_own},
    [ADDRESSSTATUS] = {"LINEADDRESSSTATUS", addressstatus_members, nothing},
    [CALLINFO] = {"LINECALLINFO", callinfo_members, callinfo_own},
    [CALLSTATUS] = {"LINECALLSTATUS", callstatus_members, callstatus_own},
};

LONG query(enum shape shape, const struct subject *subject, void *into)
{
    const struct line *line = subject->line;
    const struct call *call = subject->call;
    switch (shape) {
    case DEVCAPS:
        return TSPI(lineGetDevCaps, line->device, subject->version, 0, into);
    case ADDRESSCAPS:
        return TSPI(lineGetAddressCaps, line->device, 0, subject->version, 0, into);
    case LINESTATUS:
        return TSPI(lineGetLineDevStatus, line->hd, into);
    case ADDRESSSTATUS:
        return TSPI(lineGetAddressStatus, line->hd, 0, into);
    case CALLINFO:
        return TSPI(lineGetCallInfo, call->hd, into);
    default:
        return TSPI(lineGetCallStatus, call->hd, into);
    }
}
