#include "features.h"

#include <string.h>

#include "names.h"
#include "structures.h"

/* ---- calls that are there ---- */

LONG hold(struct call *call)
{
    return ASK(lineHold, call->hd);
}

LONG unhold(struct call *call)
{
    return ASK(lineUnhold, call->hd);
}

LONG swap(struct call *active, struct call *held)
{
    return ASK(lineSwapHold, active->hd, held->hd);
}

/* A number lies in front of forbidden memory, and is the host's again afterwards. */
LONG blind_transfer(struct call *call, const char *number)
{
    WCHAR *text = fenced_text(number);
    LONG result = ASK(lineBlindTransfer, call->hd, text, 0);
    spoil_text(text);
    return result;
}

LONG redirect(struct call *call, const char *number)
{
    WCHAR *text = fenced_text(number);
    LONG result = ASK(lineRedirect, call->hd, text, 0);
    spoil_text(text);
    return result;
}

LONG complete_transfer(struct call *call, struct call *consultation, DWORD mode)
{
    static const HDRVCALL untouched = (HDRVCALL)(uintptr_t)0x5EED;
    HDRVCALL conference = untouched;
    LONG result =
        ASK(lineCompleteTransfer, call->hd, consultation->hd, NULL, &conference, mode);
    CHECK(conference == untouched, "lineCompleteTransfer wrote a conference call");
    return result;
}

LONG outcome(LONG request)
{
    return request > 0 ? await_completion(request) : request;
}

DWORD state_of(const struct call *call)
{
    return call_status(call)->dwCallState;
}

DWORD features_of(const struct call *call)
{
    return call_status(call)->dwCallFeatures;
}

/* ---- new calls ---- */

LONG setup_transfer(struct call *call, const char *number, struct call **consultation)
{
    struct call *made = call_new(call->line, NULL, true);
    LINECALLPARAMS *params = NULL;
    if (number != NULL) {
        DWORD fixed = sizeof *params, size = 2 * ((DWORD)strlen(number) + 1);
        params = fence_alloc(fixed + size);
        memset(params, 0, fixed + size);
        params->dwTotalSize = fixed + size;
        params->dwAddressMode = LINEADDRESSMODE_ADDRESSID;
        params->dwCallParamFlags = LINECALLPARAMFLAGS_ONESTEPTRANSFER;
        params->dwTargetAddressSize = size;
        params->dwTargetAddressOffset = fixed;
        WCHAR *text = (WCHAR *)((BYTE *)params + fixed);
        for (DWORD i = 0; i < size / 2; i++) text[i] = (unsigned char)number[i];
    }
    *consultation = made;
    LONG result = ASK(lineSetupTransfer, call->hd, made->ht, &made->hd, params);
    if (result > 0) {
        made->request = (DRV_REQUESTID)result;
        CHECK(made->hd != NULL, "lineSetupTransfer returned its id before it wrote the handle");
    }
    return result;
}

LONG dial_digits(struct call *call, const char *digits)
{
    WCHAR *text = fenced_text(digits);
    LONG result = ASK(lineDial, call->hd, text, 0);
    spoil_text(text);
    return result;
}

LONG pick_up(struct line *line, const char *number, const char *group, struct call **call)
{
    struct call *made = call_new(line, NULL, true);
    WCHAR *destination = fenced_text(number), *name = fenced_text(group);
    if (call != NULL) *call = made;
    LONG result = ASK(linePickup, line->hd, 0, made->ht, &made->hd, destination, name);
    spoil_text(destination);
    spoil_text(name);
    if (result > 0) {
        made->request = (DRV_REQUESTID)result;
        CHECK(made->hd != NULL, "linePickup returned its id before it wrote the handle");
    }
    return result;
}

/* ---- what is claimed ---- */

static const char *const names[] = {
    [HOLD] = "lineHold",           [SWAP] = "lineSwapHold",
    [BLIND] = "lineBlindTransfer", [COMPLETE] = "lineCompleteTransfer",
    [REDIRECT] = "lineRedirect",   [PICKUP] = "linePickup",
    [FORWARD] = "lineForward",
};

static bool is_claimed(enum claim claim, const LINEADDRESSCAPS *caps)
{
    const DWORD both_holds = LINECALLFEATURE_HOLD | LINECALLFEATURE_UNHOLD;
    switch (claim) {
    case HOLD:
        return (caps->dwCallFeatures & both_holds) == both_holds;
    case SWAP:
        return caps->dwCallFeatures & LINECALLFEATURE_SWAPHOLD;
    case BLIND:
        return caps->dwCallFeatures & LINECALLFEATURE_BLINDTRANSFER;
    case COMPLETE:
        return caps->dwCallFeatures & LINECALLFEATURE_COMPLETETRANSF;
    case REDIRECT:
        return caps->dwCallFeatures & LINECALLFEATURE_REDIRECT;
    case PICKUP:
        return caps->dwAddressFeatures & LINEADDRFEATURE_PICKUP;
    default:
        return caps->dwForwardModes != 0 && (caps->dwAddressFeatures & LINEADDRFEATURE_FORWARD);
    }
}

void needs_claim(enum claim claim)
{
    const LINEADDRESSCAPS *caps = address_caps(line_of(FIRST_EXTENSION)->device);
    CHECK(is_claimed(claim, caps), "%s is not claimed", names[claim]);
}
