/* Synchronous functions with generated arguments. */

#include "bad_cases.h"

#include <string.h>

#include "dice.h"
#include "drawn.h"
#include "garden.h"
#include "host.h"
#include "structures.h"

/* A question with a structure for the answer. */
static LONG queried(enum shape shape, const struct subject *subject, bool handle_right,
                    bool version_right)
{
    /* What the version given to lineOpen, or to the question, makes of the fixed part. */
    DWORD fixed = fixed_size(shape, version_right ? subject->version : V3_0), total;
    BYTE *answer = some_structure(FIRST_SLOT, fixed, &total);
    if (handle_right && version_right) {
        if (answer == NULL)
            only(ERR(INVALPOINTER));
        else if (total < fixed)
            only(ERR(STRUCTURETOOSMALL));
    }
    LONG result = query(shape, subject, answer);
    if (answer != NULL) {
        CHECK(word_at(answer, 0) == total, "%s.dwTotalSize was written", shapes[shape].name);
        CHECK(result != 0 || (word_at(answer, 8) <= total && word_at(answer, 4) >= fixed),
              "%s of %u bytes: %u needed, %u used", shapes[shape].name, (unsigned)total,
              (unsigned)word_at(answer, 4), (unsigned)word_at(answer, 8));
    }
    return result;
}

static LONG g_lineGetDevCaps(void)
{
    bool device_right, version_right;
    struct line line = {.device = some_device(&device_right)};
    struct subject subject = {.version = some_version(&version_right), .line = &line};
    if (!device_right && version_right) only(ERR(BADDEVICEID));
    if (device_right && !version_right) only(ERR(INCOMPATIBLEAPIVERSION));
    return queried(DEVCAPS, &subject, device_right, version_right);
}

static LONG g_lineGetAddressCaps(void)
{
    bool device_right, version_right;
    struct line line = {.device = some_device(&device_right)};
    struct subject subject = {.version = some_version(&version_right), .line = &line};
    if (!device_right && version_right) only(ERR(BADDEVICEID));
    if (device_right && !version_right) only(ERR(INCOMPATIBLEAPIVERSION));
    return queried(ADDRESSCAPS, &subject, device_right, version_right);
}

static LONG g_lineGetLineDevStatus(void)
{
    ON_LINE(handle);
    struct line line = {.hd = handle};
    struct subject subject = {.version = V3_0, .line = &line};
    return queried(LINESTATUS, &subject, line_right, true);
}

static LONG g_lineGetAddressStatus(void)
{
    ON_LINE(handle);
    struct line line = {.hd = handle};
    struct subject subject = {.version = V3_0, .line = &line};
    return queried(ADDRESSSTATUS, &subject, line_right, true);
}

static LONG g_lineGetCallInfo(void)
{
    ON_CALL(handle);
    struct call call = {.hd = handle};
    struct subject subject = {.version = V3_0, .call = &call};
    return queried(CALLINFO, &subject, call_right, true);
}

static LONG g_lineGetCallStatus(void)
{
    ON_CALL(handle);
    struct call call = {.hd = handle};
    struct subject subject = {.version = V3_0, .call = &call};
    return queried(CALLSTATUS, &subject, call_right, true);
}

static LONG g_lineGetNumAddressIDs(void)
{
    ON_LINE(line);
    DWORD *place = some_place(FIRST_SLOT, sizeof *place);
    if (place == NULL) only(ERR(INVALPOINTER));
    return TSPI(lineGetNumAddressIDs, line, place);
}

static LONG g_lineGetAddressID(void)
{
    ON_LINE(line);
    DWORD *place = some_place(FIRST_SLOT, sizeof *place);
    /* The size bounds the text, which needs no end of its own then. */
    DWORD units;
    WCHAR *text = some_counted_text(SECOND_SLOT, &units);
    DWORD mode = once_in(2) ? LINEADDRESSMODE_DIALABLEADDR : odd_number();
    return TSPI(lineGetAddressID, line, place, mode, text, units);
}

static LONG g_lineGetID(void)
{
    static const DWORD selects[] = {LINECALLSELECT_LINE, LINECALLSELECT_ADDRESS,
                                    LINECALLSELECT_CALL, 0x8, 0x10, 0, 7};
    bool line_right, call_right;
    HDRVLINE line = some_line(&line_right);
    HDRVCALL call = some_call(&call_right);
    DWORD select = selects[dice_below(once_in(3) ? 7 : 3)], total;
    if (select == LINECALLSELECT_CALL ? !call_right : select < 3 && select > 0 && !line_right)
        only(select == LINECALLSELECT_CALL ? ERR(INVALCALLHANDLE) : ERR(INVALLINEHANDLE));
    VARSTRING *answer = some_structure(FIRST_SLOT, sizeof(VARSTRING), &total);
    WCHAR *class = some_text(SECOND_SLOT);
    if (once_in(2)) {
        class = (WCHAR *)slot_memory(SECOND_SLOT, sizeof u"tapi/line");
        memcpy(class, u"tapi/line", sizeof u"tapi/line");
    }
    LONG result = TSPI(lineGetID, line, once_in(2) ? 0 : odd_number(), call, select, answer, class,
                       (HANDLE)(uintptr_t)odd_number());
    CHECK(answer == NULL || word_at(answer, 0) == total, "VARSTRING.dwTotalSize was written");
    return result;
}

static LONG g_lineGetCallAddressID(void)
{
    ON_CALL(call);
    DWORD *place = some_place(FIRST_SLOT, sizeof *place);
    if (place == NULL) only(ERR(INVALPOINTER));
    return TSPI(lineGetCallAddressID, call, place);
}

static LONG g_lineGetCallIDs(void)
{
    ON_CALL(call);
    DWORD *a = some_place(FIRST_SLOT, sizeof *a), *b = some_place(SECOND_SLOT, sizeof *b);
    DWORD *c = some_place(THIRD_SLOT, sizeof *c);
    if (a == NULL || b == NULL || c == NULL) only(ERR(INVALPOINTER));
    return TSPI(lineGetCallIDs, call, a, b, c);
}

static LONG g_lineSetAppSpecific(void)
{
    ON_CALL(call);
    return TSPI(lineSetAppSpecific, call, odd_number());
}

static LONG g_lineSetMediaMode(void)
{
    ON_CALL(call);
    return TSPI(lineSetMediaMode, call, odd_number());
}

static LONG g_lineSetStatusMessages(void)
{
    ON_LINE(line);
    return TSPI(lineSetStatusMessages, line, odd_number(), odd_number());
}

static LONG g_lineSetDefaultMediaDetection(void)
{
    ON_LINE(line);
    return TSPI(lineSetDefaultMediaDetection, line, odd_number());
}

static LONG g_lineConditionalMediaDetection(void)
{
    ON_LINE(line);
    return TSPI(lineConditionalMediaDetection, line, odd_number(), some_call_params(FIRST_SLOT));
}

static LONG g_lineSetCurrentLocation(void)
{
    return TSPI(lineSetCurrentLocation, odd_number());
}

static LONG g_lineNegotiateTSPIVersion(void)
{
    bool right, low_right, high_right;
    DWORD device = once_in(4) ? INITIALIZE_NEGOTIATION : some_device(&right);
    DWORD low = some_version(&low_right), high = some_version(&high_right), *place;
    place = some_place(FIRST_SLOT, sizeof *place);
    LONG result = TSPI(lineNegotiateTSPIVersion, device, low, high, place);
    CHECK(result != 0 || (*place >= low && *place <= high), "%#x to %#x negotiated to %#x",
          (unsigned)low, (unsigned)high, (unsigned)*place);
    return result;
}

static LONG g_lineNegotiateExtVersion(void)
{
    bool right, version_right;
    DWORD device = some_device(&right), version = some_version(&version_right);
    return TSPI(lineNegotiateExtVersion, device, version, odd_number(), odd_number(),
                some_place(FIRST_SLOT, sizeof(DWORD)));
}

static LONG g_lineGetExtensionID(void)
{
    bool right, version_right;
    DWORD device = some_device(&right), version = some_version(&version_right);
    return TSPI(lineGetExtensionID, device, version,
                some_place(FIRST_SLOT, sizeof(LINEEXTENSIONID)));
}

static LONG g_lineSelectExtVersion(void)
{
    ON_LINE(line);
    return TSPI(lineSelectExtVersion, line, odd_number());
}

static LONG g_lineGenerateDigits(void)
{
    ON_CALL(call);
    DWORD mode = once_in(2) ? LINEDIGITMODE_DTMF : odd_number();
    return TSPI(lineGenerateDigits, call, odd_number(), mode, some_text(FIRST_SLOT), odd_number());
}

static LONG g_lineMonitorDigits(void)
{
    ON_CALL(call);
    return TSPI(lineMonitorDigits, call, odd_number());
}

/* ---- lines and calls that go ---- */

static LONG g_lineOpen(void)
{
    bool device_right, version_right;
    DWORD device = some_device(&device_right), version = some_version(&version_right);
    const struct line *line = line_of_device(device);
    /* What would open is not asked here: its messages would come to nobody. */
    if (device_right && version_right && !line->open) version = 0x00040000, version_right = false;
    HDRVLINE *place = some_place(FIRST_SLOT, sizeof *place);
    LONG result = TSPI(lineOpen, device, (HTAPILINE)(uintptr_t)odd_number(), place, version,
                       once_in(4) ? NULL : on_line_event);
    CHECK(result != 0, "device %u opened as version %#x", (unsigned)device, (unsigned)version);
    return result;
}

static LONG g_lineClose(void)
{
    if (once_in(16)) {
        struct line *line = line_of(RESTLESS);
        if (line->open) {
            close_line(line);
            return 0;
        }
        return try_open(line, V3_0);
    }
    bool right;
    HDRVLINE line = some_line(&right);
    if (right) line = NULL;
    only(ERR(INVALLINEHANDLE));
    return TSPI(lineClose, line);
}

static LONG g_lineCloseCall(void)
{
    bool right;
    HDRVCALL handle = some_call(&right);
    if (!right) {
        only(ERR(INVALCALLHANDLE));
        return TSPI(lineCloseCall, handle);
    }
    if (once_in(4)) pull_out(handle);
    return 0;
}

/* ---- the provider itself: all but its end, which always succeeds ---- */

static LONG g_providerEnumDevices(void)
{
    DWORD *lines = some_place(FIRST_SLOT, sizeof *lines);
    DWORD *phones = some_place(SECOND_SLOT, sizeof *phones);
    return TSPI(providerEnumDevices, PROVIDER_ID, lines, phones, the_provider, on_creation, NULL);
}

static LONG g_providerInit(void)
{
    bool right;
    DWORD version = some_version(&right), *options = some_place(FIRST_SLOT, sizeof *options);
    return TSPI(providerInit, version, PROVIDER_ID, odd_number(), odd_number(), odd_number(),
                odd_number(), on_completion, options);
}

static LONG g_providerCreateLineDevice(void)
{
    bool right;
    DWORD device = some_device(&right);
    only(ERR(BADDEVICEID));
    return TSPI(providerCreateLineDevice, (DWORD_PTR)dice() << 1 << 16 | 0xF00D, device);
}

static LONG g_providerUIIdentify(void)
{
    return TSPI(providerUIIdentify, some_place(FIRST_SLOT, MAX_PATH * sizeof(WCHAR)));
}

static LONG g_providerInstall(void)
{
    return TSPI(providerInstall, (HWND)(uintptr_t)odd_number(), odd_number());
}

static LONG g_providerConfig(void)
{
    return TSPI(providerConfig, (HWND)(uintptr_t)odd_number(), odd_number());
}

static LONG g_providerRemove(void)
{
    return TSPI(providerRemove, (HWND)(uintptr_t)odd_number(), odd_number());
}

/* Exported by providers of media streams only. */
static LONG g_lineMSPIdentify(void)
{
    bool right;
    DWORD device = some_device(&right);
    return TSPI(lineMSPIdentify, device, some_place(FIRST_SLOT, sizeof(GUID)));
}

#define F(name, traits) {"TSPI_" #name, traits, g_##name}

const struct generated_case generated_questions[] = {
    F(lineGetDevCaps, A_DEVICE | A_VERSION | A_STRUCTURE),
    F(lineGetAddressCaps, A_DEVICE | A_VERSION | A_STRUCTURE),
    F(lineGetLineDevStatus, A_HANDLE | A_STRUCTURE),
    F(lineGetAddressStatus, A_HANDLE | A_STRUCTURE),
    F(lineGetCallInfo, A_HANDLE | A_STRUCTURE),
    F(lineGetCallStatus, A_HANDLE | A_STRUCTURE),
    F(lineGetNumAddressIDs, A_HANDLE | A_PLACE),
    F(lineGetAddressID, A_HANDLE | A_PLACE | A_COUNTED_TEXT),
    F(lineGetID, A_HANDLE | A_STRUCTURE | A_TEXT),
    F(lineGetCallAddressID, A_HANDLE | A_PLACE),
    F(lineGetCallIDs, A_HANDLE | A_PLACE),
    F(lineSetAppSpecific, A_HANDLE),
    F(lineSetMediaMode, A_HANDLE),
    F(lineSetStatusMessages, A_HANDLE),
    F(lineSetDefaultMediaDetection, A_HANDLE),
    F(lineConditionalMediaDetection, A_HANDLE | WITH_TEXTS),
    F(lineSetCurrentLocation, 0),
    F(lineNegotiateTSPIVersion, A_DEVICE | A_VERSION | A_PLACE),
    F(lineNegotiateExtVersion, A_DEVICE | A_VERSION | A_PLACE),
    F(lineGetExtensionID, A_DEVICE | A_VERSION | A_PLACE),
    F(lineSelectExtVersion, A_HANDLE),
    F(lineGenerateDigits, A_CALL_IN_STATE | A_TEXT),
    F(lineMonitorDigits, A_HANDLE),
    F(lineMSPIdentify, A_DEVICE | A_PLACE),
    F(lineOpen, A_DEVICE | A_VERSION | A_PLACE),
    F(lineClose, A_HANDLE),
    F(lineCloseCall, A_HANDLE),
    F(providerEnumDevices, A_PLACE),
    F(providerInit, A_VERSION | A_PLACE),
    F(providerCreateLineDevice, A_DEVICE),
    F(providerUIIdentify, A_PLACE),
    F(providerInstall, 0),
    F(providerConfig, 0),
    F(providerRemove, 0),
    {NULL, 0, NULL},
};
