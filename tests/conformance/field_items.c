/* Items 163 to 172: what stands in the structures, member by member, beyond sizes and texts; and
 * what goes with claims that no other item proves. */

#include <stdio.h>
#include <string.h>

#include "features.h"
#include "forwards.h"
#include "host.h"
#include "items.h"
#include "names.h"
#include "parties.h"
#include "structures.h"

/* ---- expectations ---- */

/* A member that has exactly this value. */
#define IS(structure, member, expected)                                                            \
    CHECK((structure)->member == (DWORD)(expected), #member " is %#x, not %#x",                    \
          (unsigned)(structure)->member, (unsigned)(DWORD)(expected))
/* A member that has all of these bits. */
#define HAS(structure, member, bits)                                                               \
    CHECK(((structure)->member & (DWORD)(bits)) == (DWORD)(bits), #member " is %#x, without %#x",  \
          (unsigned)(structure)->member, (unsigned)(DWORD)(bits))
/* A member of variable size that is not there. */
#define ABSENT(structure, name)                                                                    \
    CHECK((structure)->dw##name##Size == 0 && (structure)->dw##name##Offset == 0,                  \
          #name " has %u bytes", (unsigned)(structure)->dw##name##Size)

static bool is_one_bit(DWORD value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static void check_classes(const void *structure, DWORD size, DWORD offset)
{
    static const WCHAR classes[] = u"tapi/line\0";
    CHECK(size == sizeof classes &&
              memcmp((const BYTE *)structure + offset, classes, sizeof classes) == 0,
          "dwDeviceClasses has %u bytes, or is not tapi/line", (unsigned)size);
}

/* ---- capabilities ---- */

static void fields_of_a_line(void)
{
    static const GUID pstn = {0x831CE2D6, 0x83B5, 0x11D1,
                              {0xBB, 0x5C, 0x00, 0xC0, 0x4F, 0xB6, 0x80, 0x9F}};
    static const GUID nil;
    static const LINEDIALPARAMS not_settable;
    session_start((struct setup){0});
    const LINEDEVCAPS *caps = device_caps(line_of(20)->device);
    CHECK(TEXT_OF(caps, ProviderInfo) != NULL, "who provides the line is not said");
    IS(caps, dwStringFormat, STRINGFORMAT_UNICODE);
    IS(caps, dwAddressModes, LINEADDRESSMODE_ADDRESSID);
    IS(caps, dwNumAddresses, 1);
    IS(caps, dwBearerModes, LINEBEARERMODE_VOICE);
    IS(caps, dwMaxRate, 64000);
    IS(caps, dwMediaModes, LINEMEDIAMODE_INTERACTIVEVOICE);
    IS(caps, dwGenerateToneModes, 0);
    IS(caps, dwGenerateToneMaxNumFreq, 0);
    IS(caps, dwGenerateDigitModes, provider.lineGenerateDigits ? LINEDIGITMODE_DTMF : 0);
    IS(caps, dwMonitorToneMaxNumFreq, 0);
    IS(caps, dwMonitorToneMaxNumEntries, 0);
    IS(caps, dwMonitorDigitModes, 0);
    IS(caps, dwGatherDigitsMinTimeout, 0);
    IS(caps, dwGatherDigitsMaxTimeout, 0);
    IS(caps, dwMedCtlDigitMaxListSize, 0);
    IS(caps, dwMedCtlMediaMaxListSize, 0);
    IS(caps, dwMedCtlToneMaxListSize, 0);
    IS(caps, dwMedCtlCallStateMaxListSize, 0);
    IS(caps, dwDevCapFlags, LINEDEVCAPFLAGS_CALLHUB);
    CHECK(caps->dwMaxNumActiveCalls >= 2, "dwMaxNumActiveCalls is %u",
          (unsigned)caps->dwMaxNumActiveCalls);
    CHECK(is_one_bit(caps->dwAnswerMode), "dwAnswerMode is %#x", (unsigned)caps->dwAnswerMode);
    IS(caps, dwRingModes, 1);
    HAS(caps, dwLineStates,
        LINEDEVSTATE_OTHER | LINEDEVSTATE_RINGING | LINEDEVSTATE_CONNECTED |
            LINEDEVSTATE_DISCONNECTED | LINEDEVSTATE_INSERVICE | LINEDEVSTATE_OUTOFSERVICE |
            LINEDEVSTATE_NUMCALLS | LINEDEVSTATE_CAPSCHANGE | LINEDEVSTATE_REMOVED);
    IS(caps, dwUUIAcceptSize, 0);
    IS(caps, dwUUIAnswerSize, 0);
    IS(caps, dwUUIMakeCallSize, 0);
    IS(caps, dwUUIDropSize, 0);
    CHECK(memcmp(&caps->MinDialParams, &not_settable, sizeof not_settable) == 0 &&
              memcmp(&caps->MaxDialParams, &not_settable, sizeof not_settable) == 0 &&
              memcmp(&caps->DefaultDialParams, &not_settable, sizeof not_settable) == 0,
          "dial parameters can be set");
    IS(caps, dwNumTerminals, 0);
    IS(caps, dwTerminalTextEntrySize, 0);
    ABSENT(caps, TerminalCaps);
    ABSENT(caps, TerminalText);
    ABSENT(caps, DevSpecific);
    IS(caps, dwLineFeatures, LINEFEATURE_MAKECALL | LINEFEATURE_FORWARD | LINEFEATURE_FORWARDFWD);
    IS(caps, dwSettableDevStatus, 0);
    check_classes(caps, caps->dwDeviceClassesSize, caps->dwDeviceClassesOffset);
    CHECK(memcmp(&caps->PermanentLineGuid, &nil, sizeof nil) != 0, "PermanentLineGuid is nil");
    IS(caps, dwAddressTypes, LINEADDRESSTYPE_PHONENUMBER);
    CHECK(memcmp(&caps->ProtocolGuid, &pstn, sizeof pstn) == 0, "ProtocolGuid is not PSTN");
    IS(caps, dwAvailableTracking, 0);
    /* An older telephony server does not know of call hubs. */
    LINEDEVCAPS *older = structure(ROOM, fixed_size(DEVCAPS, V2_2));
    EXPECT(TSPI(lineGetDevCaps, line_of(20)->device, V2_2, 0, older), 0);
    IS(older, dwDevCapFlags, 0);
}

static void check_party_flags(DWORD flags, DWORD more, const char *name)
{
    const DWORD usual = LINECALLPARTYID_ADDRESS | LINECALLPARTYID_NAME | LINECALLPARTYID_UNKNOWN |
                        LINECALLPARTYID_UNAVAIL;
    CHECK(flags == (usual | more), "%s is %#x", name, (unsigned)flags);
}

static void fields_of_an_address(void)
{
    session_start((struct setup){0});
    const struct line *line = line_of(20);
    const LINEADDRESSCAPS *caps = address_caps(line->device);
    const LINEDEVCAPS *device = device_caps(line->device);
    IS(caps, dwLineDeviceID, line->device);
    CHECK(is_text(TEXT_OF(caps, Address), "20"), "the address is not the user's number");
    ABSENT(caps, DevSpecific);
    IS(caps, dwAddressSharing, LINEADDRESSSHARING_PRIVATE);
    HAS(caps, dwAddressStates,
        LINEADDRESSSTATE_OTHER | LINEADDRESSSTATE_INUSEZERO | LINEADDRESSSTATE_INUSEONE |
            LINEADDRESSSTATE_NUMCALLS | LINEADDRESSSTATE_FORWARD | LINEADDRESSSTATE_CAPSCHANGE);
    HAS(caps, dwCallInfoStates, 0x000F83F0); /* media mode to redirecting id */
    check_party_flags(caps->dwCallerIDFlags, LINECALLPARTYID_BLOCKED, "dwCallerIDFlags");
    check_party_flags(caps->dwCalledIDFlags, 0, "dwCalledIDFlags");
    check_party_flags(caps->dwConnectedIDFlags, 0, "dwConnectedIDFlags");
    check_party_flags(caps->dwRedirectionIDFlags, 0, "dwRedirectionIDFlags");
    check_party_flags(caps->dwRedirectingIDFlags, 0, "dwRedirectingIDFlags");
    HAS(caps, dwCallStates,
        LINECALLSTATE_IDLE | LINECALLSTATE_OFFERING | LINECALLSTATE_DIALTONE |
            LINECALLSTATE_DIALING | LINECALLSTATE_PROCEEDING | LINECALLSTATE_RINGBACK |
            LINECALLSTATE_BUSY | LINECALLSTATE_CONNECTED | LINECALLSTATE_ONHOLD |
            LINECALLSTATE_DISCONNECTED);
    IS(caps, dwDialToneModes, LINEDIALTONEMODE_INTERNAL);
    IS(caps, dwBusyModes, LINEBUSYMODE_STATION);
    IS(caps, dwSpecialInfo, LINESPECIALINFO_UNAVAIL);
    IS(caps, dwMaxNumActiveCalls, device->dwMaxNumActiveCalls);
    CHECK(caps->dwMaxNumOnHoldCalls >= 1, "no call can be held");
    IS(caps, dwMaxNumOnHoldPendingCalls, provider.lineSetupTransfer ? 1 : 0);
    IS(caps, dwMaxNumConference, provider.lineSetupConference ? 3 : 0);
    bool joins = caps->dwTransferModes & LINETRANSFERMODE_CONFERENCE;
    IS(caps, dwMaxNumTransConf, joins ? 3 : 0);
    HAS(caps, dwAddrCapFlags,
        LINEADDRCAPFLAGS_DIALED | LINEADDRCAPFLAGS_TRANSFERHELD | LINEADDRCAPFLAGS_TRANSFERMAKE |
            LINEADDRCAPFLAGS_ORIGOFFHOOK | LINEADDRCAPFLAGS_AUTORECONNECT |
            LINEADDRCAPFLAGS_BLOCKIDOVERRIDE | LINEADDRCAPFLAGS_FWDSTATUSVALID |
            LINEADDRCAPFLAGS_FWDNUMRINGS | LINEADDRCAPFLAGS_FWDBUSYNAADDR |
            LINEADDRCAPFLAGS_FWDINTEXTADDR);
    CHECK(!(caps->dwAddrCapFlags & (LINEADDRCAPFLAGS_SECURE | LINEADDRCAPFLAGS_FWDCONSULT |
                                    LINEADDRCAPFLAGS_HOLDMAKESNEW | 0x80000000)),
          "dwAddrCapFlags is %#x", (unsigned)caps->dwAddrCapFlags);
    HAS(caps, dwCallFeatures, 0x0C2208AC); /* what the product lists */
    IS(caps, dwRemoveFromConfCaps,
       provider.lineRemoveFromConference ? LINEREMOVEFROMCONF_ANY : LINEREMOVEFROMCONF_NONE);
    IS(caps, dwRemoveFromConfState, LINECALLSTATE_IDLE);
    HAS(caps, dwTransferModes, LINETRANSFERMODE_TRANSFER);
    CHECK(caps->dwMinFwdNumRings <= caps->dwMaxFwdNumRings, "rings from %u to %u",
          (unsigned)caps->dwMinFwdNumRings, (unsigned)caps->dwMaxFwdNumRings);
    IS(caps, dwMaxCallCompletions, 0);
    IS(caps, dwCallCompletionConds, 0);
    IS(caps, dwCallCompletionModes, 0);
    IS(caps, dwNumCompletionMessages, 0);
    IS(caps, dwCompletionMsgTextEntrySize, 0);
    ABSENT(caps, CompletionMsgText);
    HAS(caps, dwAddressFeatures,
        LINEADDRFEATURE_MAKECALL | LINEADDRFEATURE_FORWARD | LINEADDRFEATURE_FORWARDFWD |
            LINEADDRFEATURE_PICKUP | LINEADDRFEATURE_PICKUPDIRECT | LINEADDRFEATURE_PICKUPGROUP);
    CHECK(!(caps->dwAddressFeatures & LINEADDRFEATURE_FORWARDDND), "FORWARDDND is claimed");
    IS(caps, dwPredictiveAutoTransferStates, 0);
    IS(caps, dwNumCallTreatments, 0);
    ABSENT(caps, CallTreatmentList);
    check_classes(caps, caps->dwDeviceClassesSize, caps->dwDeviceClassesOffset);
    IS(caps, dwMaxCallDataSize, 0);
    HAS(caps, dwCallFeatures2, LINECALLFEATURE2_TRANSFERNORM);
    IS(caps, dwMaxNoAnswerTimeout, 0);
    IS(caps, dwConnectedModes, LINECONNECTEDMODE_ACTIVE | LINECONNECTEDMODE_ACTIVEHELD);
    IS(caps, dwOfferingModes, LINEOFFERINGMODE_ACTIVE);
    IS(caps, dwAvailableMediaModes, LINEMEDIAMODE_INTERACTIVEVOICE);
}

/* ---- calls ---- */

static void check_address_type(DWORD type, DWORD size, const char *name)
{
    CHECK(type == (size > 0 ? LINEADDRESSTYPE_PHONENUMBER : 0), "%s is %u for %u bytes", name,
          (unsigned)type, (unsigned)size);
}

static void check_info(const struct call *call)
{
    static const LINEDIALPARAMS usual;
    const LINECALLINFO *info = call_info(call);
    const LINEADDRESSCAPS *caps = address_caps(call->line->device);
    IS(info, dwLineDeviceID, call->line->device);
    IS(info, dwAddressID, 0);
    IS(info, dwBearerMode, LINEBEARERMODE_VOICE);
    IS(info, dwRate, 64000);
    IS(info, dwMediaMode, LINEMEDIAMODE_INTERACTIVEVOICE);
    IS(info, dwAppSpecific, 0);
    CHECK(info->dwCallID != 0, "dwCallID is 0");
    IS(info, dwRelatedCallID, 0);
    IS(info, dwCallStates, caps->dwCallStates);
    CHECK(memcmp(&info->DialParams, &usual, sizeof usual) == 0, "DialParams are not the usual");
    IS(info, dwCompletionID, 0);
    IS(info, dwTrunk, 0xFFFFFFFF);
    ABSENT(info, Display);
    ABSENT(info, UserUserInfo);
    ABSENT(info, HighLevelComp);
    ABSENT(info, LowLevelComp);
    ABSENT(info, ChargingInfo);
    ABSENT(info, TerminalModes);
    ABSENT(info, DevSpecific);
    IS(info, dwCallTreatment, 0);
    ABSENT(info, CallData);
    ABSENT(info, SendingFlowspec);
    ABSENT(info, ReceivingFlowspec);
    check_address_type(info->dwCallerIDAddressType, info->dwCallerIDSize, "the caller's type");
    check_address_type(info->dwCalledIDAddressType, info->dwCalledIDSize, "the called's type");
    check_address_type(info->dwConnectedIDAddressType, info->dwConnectedIDSize,
                       "the connected's type");
    check_address_type(info->dwRedirectionIDAddressType, info->dwRedirectionIDSize,
                       "the redirection's type");
    check_address_type(info->dwRedirectingIDAddressType, info->dwRedirectingIDSize,
                       "the redirecting's type");
}

static void fields_of_a_call(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20), *peer = open_line(21);
    struct call *in = offered_call(peer, 20);
    check_info(in);
    IS(call_info(in), dwCallParamFlags, 0);
    IS(call_info(in), dwCountryCode, 0);
    /* Nobody is connected before the answer, but somebody will be. */
    IS(call_info(in), dwConnectedIDFlags, LINECALLPARTYID_UNKNOWN);
    MUST(drop(in));
    await_quiet_pbx();
    LINECALLPARAMS *params = fence_alloc(sizeof *params);
    memset(params, 0, sizeof *params);
    params->dwTotalSize = sizeof *params;
    params->dwAddressMode = LINEADDRESSMODE_ADDRESSID;
    params->dwCallParamFlags = LINECALLPARAMFLAGS_IDLE | LINECALLPARAMFLAGS_ORIGOFFHOOK;
    struct call *out = call_new(line, NULL, true);
    LONG request = ASK(lineMakeCall, line->hd, out->ht, &out->hd, u"21", 49, params);
    out->request = (DRV_REQUESTID)request;
    MUST(request);
    await_state(out, LINECALLSTATE_RINGBACK);
    check_info(out);
    IS(call_info(out), dwCallParamFlags, params->dwCallParamFlags);
    IS(call_info(out), dwCountryCode, 49);
    const LINECALLSTATUS *status = call_status(out);
    IS(status, dwCallStateMode, 0);
    ABSENT(status, DevSpecific);
    control("answer 21");
    await_state(out, LINECALLSTATE_CONNECTED);
    status = call_status(out);
    IS(status, dwCallStateMode, LINECONNECTEDMODE_ACTIVE);
    SYSTEMTIME then = status->tStateEntryTime;
    CHECK(then.wYear >= 2024 && then.wMonth >= 1 && then.wMonth <= 12 && then.wDay >= 1 &&
              then.wHour < 24,
          "the state was entered on %u-%u-%u", then.wYear, then.wMonth, then.wDay);
    /* The kinds of a function go with the function. */
    CHECK(!(status->dwCallFeatures2 & LINECALLFEATURE2_TRANSFERNORM), "dwCallFeatures2 is %#x",
          (unsigned)status->dwCallFeatures2);
    MUST(hold(out));
    struct call *second = connected_call(line, 22);
    HAS(call_status(second), dwCallFeatures, LINECALLFEATURE_COMPLETETRANSF);
    HAS(call_status(second), dwCallFeatures2, LINECALLFEATURE2_TRANSFERNORM);
    IS(call_status(out), dwCallStateMode, 0);
}

/* ---- status ---- */

static void check_line_status(const struct line *line, DWORD features, DWORD ring_mode, DWORD flags)
{
    const LINEDEVSTATUS *status = line_status(line);
    IS(status, dwLineFeatures, features);
    IS(status, dwNumCallCompletions, 0);
    IS(status, dwRingMode, ring_mode);
    IS(status, dwSignalLevel, 0xFFFF);
    IS(status, dwBatteryLevel, 0xFFFF);
    IS(status, dwRoamMode, LINEROAMMODE_UNAVAIL);
    IS(status, dwDevStatusFlags, flags);
    ABSENT(status, TerminalModes);
    ABSENT(status, DevSpecific);
    IS(status, dwAvailableMediaModes,
       features & LINEFEATURE_MAKECALL ? LINEMEDIAMODE_INTERACTIVEVOICE : 0);
}

static void fields_of_status(void)
{
    const DWORD both = LINEDEVSTATUSFLAGS_CONNECTED | LINEDEVSTATUSFLAGS_INSERVICE;
    session_start((struct setup){0});
    struct line *line = open_line(20);
    const DWORD all = device_caps(line->device)->dwLineFeatures;
    check_line_status(line, all, 0, both);
    struct call *call = offered_call(line, 21);
    check_line_status(line, all, 1, both);
    MUST(answer(call));
    await_state(call, LINECALLSTATE_CONNECTED);
    check_line_status(line, all, 0, both);
    const LINEADDRESSSTATUS *address = address_status(line);
    IS(address, dwAddressFeatures, address_caps(line->device)->dwAddressFeatures);
    IS(address, dwNumRingsNoAnswer, 0);
    IS(address, dwForwardNumEntries, 0);
    ABSENT(address, Forward);
    ABSENT(address, TerminalModes);
    ABSENT(address, DevSpecific);
}

/* ---- a telephone that is not there ---- */

static bool is_out_of_service(void *line)
{
    LINEDEVSTATUS status;
    return peek_line_status(((struct line *)line)->hd, &status) == 0 &&
           status.dwDevStatusFlags == LINEDEVSTATUSFLAGS_CONNECTED;
}

/* Nothing of the line works; the PBX forwards the user's calls all the same. */
static void without_telephone(void)
{
    control_until_end("register 22 on", "register 22 on");
    session_start((struct setup){0});
    struct line *line = open_line(22), *to = open_line(23);
    EXPECT(TSPI(lineSetStatusMessages, line->hd, 0x01FFFFFF, 0x1FF), 0);
    place start = log_end();
    control("register 22 off");
    await(start, (struct pattern){.kind = EVENT, .line = line->ht, .message = LINE_LINEDEVSTATE,
                                  .p1 = LINEDEVSTATE_OUTOFSERVICE},
          "LINE_LINEDEVSTATE(OUTOFSERVICE)");
    CHECK(is_out_of_service(line), "dwDevStatusFlags is %#x",
          (unsigned)line_status(line)->dwDevStatusFlags);
    check_line_status(line, 0, 0, LINEDEVSTATUSFLAGS_CONNECTED);
    IS(address_status(line), dwAddressFeatures,
       LINEADDRFEATURE_FORWARD | LINEADDRFEATURE_FORWARDFWD);
    EXPECT(make_call(line, "21", NULL, NULL), ERR(INVALLINESTATE));
    EXPECT(pick_up(line, "21", NULL, NULL), ERR(OPERATIONFAILED));
    const struct forward away = {LINEFORWARDMODE_UNCOND, NULL, "23"};
    MUST(forward(line, 1, &away));
    SHOWS(line, 1, &away);
    start = log_end();
    control("call 21 22");
    struct call *forwarded = await_new_call(to, start);
    await_state(forwarded, LINECALLSTATE_OFFERING);
    MUST(drop(forwarded));
    MUST(forward(line, 0, NULL));
    start = log_end();
    control("register 22 on");
    await(start, (struct pattern){.kind = EVENT, .line = line->ht, .message = LINE_LINEDEVSTATE,
                                  .p1 = LINEDEVSTATE_INSERVICE},
          "LINE_LINEDEVSTATE(INSERVICE)");
}

/* ---- call parameters that are claimed ---- */

static void hidden_number(void)
{
    session_start((struct setup){0});
    watch_offerings();
    struct line *line = open_line(20), *peer = open_line(21);
    LINECALLPARAMS *params = fence_alloc(sizeof *params);
    memset(params, 0, sizeof *params);
    params->dwTotalSize = sizeof *params;
    params->dwAddressMode = LINEADDRESSMODE_ADDRESSID;
    params->dwCallParamFlags = LINECALLPARAMFLAGS_BLOCKID;
    place start = log_end();
    struct call *out;
    MUST(make_call(line, "21", params, &out));
    struct call *in = await_new_call(peer, start);
    await_state(in, LINECALLSTATE_OFFERING);
    const LINECALLINFO *info = offered_info(in);
    IS(info, dwCallerIDFlags, LINECALLPARTYID_BLOCKED);
    ABSENT(info, CallerID);
    ABSENT(info, CallerIDName);
    /* Who hides knows who he is. */
    check_parties(call_info(out), (struct parties){.caller = "20", .called = "21"});
}

/* ---- how calls end ---- */

static void modes_of_causes(void)
{
    static const struct {
        unsigned cause;
        DWORD mode;
    } all[] = {
        {1, LINEDISCONNECTMODE_BADADDRESS},     {3, LINEDISCONNECTMODE_UNREACHABLE},
        {16, LINEDISCONNECTMODE_NORMAL},        {18, LINEDISCONNECTMODE_NOANSWER},
        {19, LINEDISCONNECTMODE_NOANSWER},      {20, LINEDISCONNECTMODE_UNREACHABLE},
        {21, LINEDISCONNECTMODE_REJECT},        {22, LINEDISCONNECTMODE_NUMBERCHANGED},
        {27, LINEDISCONNECTMODE_OUTOFORDER},    {28, LINEDISCONNECTMODE_BADADDRESS},
        {31, LINEDISCONNECTMODE_NORMAL},        {34, LINEDISCONNECTMODE_CONGESTION},
        {38, LINEDISCONNECTMODE_TEMPFAILURE},   {41, LINEDISCONNECTMODE_TEMPFAILURE},
        {42, LINEDISCONNECTMODE_CONGESTION},    {44, LINEDISCONNECTMODE_TEMPFAILURE},
        {47, LINEDISCONNECTMODE_TEMPFAILURE},   {49, LINEDISCONNECTMODE_QOSUNAVAIL},
        {52, LINEDISCONNECTMODE_BLOCKED},       {57, LINEDISCONNECTMODE_INCOMPATIBLE},
        {58, LINEDISCONNECTMODE_INCOMPATIBLE},  {65, LINEDISCONNECTMODE_INCOMPATIBLE},
        {88, LINEDISCONNECTMODE_INCOMPATIBLE},  {102, LINEDISCONNECTMODE_NOANSWER},
    };
    session_start((struct setup){0});
    struct line *line = open_line(20);
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        struct call *call = dial(line, "0301234567");
        await_state(call, LINECALLSTATE_DIALING);
        control("far hangup 20 %u", all[i].cause);
        const struct entry *entry = log_at(await_state(call, LINECALLSTATE_DISCONNECTED));
        CHECK(entry->p2 == all[i].mode, "cause %u: %s", all[i].cause, log_text(entry));
        await_state(call, LINECALLSTATE_IDLE);
        close_call(call);
    }
}

/* ---- extensions, of which there are none ---- */

static void no_extensions(void)
{
    static const LINEEXTENSIONID none;
    session_start((struct setup){0});
    struct line *line = open_line(20);
    LINEEXTENSIONID id = {1, 2, 3, 4};
    DWORD version = 0xDEAD;
    EXPECT(TSPI(lineGetExtensionID, line->device, V3_0, &id), 0);
    CHECK(memcmp(&id, &none, sizeof id) == 0, "there is an extension");
    EXPECT(TSPI(lineGetExtensionID, 0x7FFF, V3_0, &id), ERR(BADDEVICEID));
    EXPECT(TSPI(lineNegotiateExtVersion, line->device, V3_0, 0, 0xFFFFFFFF, &version),
           ERR(OPERATIONUNAVAIL));
    CHECK(version == 0xDEAD, "version %#x was written all the same", (unsigned)version);
    EXPECT(TSPI(lineSelectExtVersion, line->hd, 0), 0);
    EXPECT(TSPI(lineSelectExtVersion, line->hd, 1), ERR(INCOMPATIBLEEXTVERSION));
}

static void found_by_its_media(void)
{
    session_start((struct setup){0});
    struct line *line = open_line(20);
    LINECALLPARAMS *params = fence_alloc(sizeof *params);
    memset(params, 0, sizeof *params);
    params->dwTotalSize = sizeof *params;
    const DWORD voice = LINEMEDIAMODE_INTERACTIVEVOICE;
    EXPECT(TSPI(lineConditionalMediaDetection, line->hd, voice, NULL), 0);
    EXPECT(TSPI(lineConditionalMediaDetection, line->hd, voice, params), 0);
    EXPECT(TSPI(lineConditionalMediaDetection, line->hd, LINEMEDIAMODE_DATAMODEM, NULL),
           ERR(INVALMEDIAMODE));
    params->dwBearerMode = LINEBEARERMODE_DATA;
    EXPECT(TSPI(lineConditionalMediaDetection, line->hd, voice, params), ERR(BEARERMODEUNAVAIL));
}

static void obsolete_functions(void)
{
    session_prepare((struct setup){0});
    EXPECT(TSPI(providerInstall, NULL, PROVIDER_ID), 0);
    EXPECT(TSPI(providerConfig, NULL, PROVIDER_ID), 0);
    EXPECT(TSPI(providerRemove, NULL, PROVIDER_ID), 0);
}

const struct item field_items[] = {
    {163, "each member of a line's capabilities says what is so", fields_of_a_line, 0},
    {164, "each member of an address's capabilities says what is so", fields_of_an_address, 0},
    {165, "each member of a call's information and status says what is so", fields_of_a_call, 0},
    {166, "each member of a line's and an address's status says what is so", fields_of_status, 0},
    {167, "without its telephone a line is out of service, and its calls can be forwarded",
     without_telephone, 0},
    {168, "a caller who hides his number is blocked for the called", hidden_number, 0},
    {169, "a call that fails has the disconnect mode of its cause", modes_of_causes, 90},
    {170, "there are no extensions, and nobody is told of any", no_extensions, 0},
    {171, "a line is found for voice, and for nothing else", found_by_its_media, 0},
    {172, "what is only looked for is there and does nothing", obsolete_functions, 0},
    {ITEMS_END, NULL, NULL, 0},
};
