/* Items 73 to 91: hold, transfer, redirection, pickup and forwarding.
 *
 * Until the provider has them, it must not claim them: a capability bit without the function makes
 * applications offer what fails. So each item is `not yet` while the claim is absent, and fails
 * as soon as the claim is there and nobody has written what the item asserts. */

#include "host.h"
#include "items.h"
#include "structures.h"

enum claim { HOLD, SWAP, BLIND, COMPLETE, REDIRECT, PICKUP, FORWARD, SINGLE };

static bool is_claimed(enum claim claim, const LINEADDRESSCAPS *caps)
{
    switch (claim) {
    case HOLD:
        return caps->dwCallFeatures & (LINECALLFEATURE_HOLD | LINECALLFEATURE_UNHOLD);
    case SWAP:
        return caps->dwCallFeatures & LINECALLFEATURE_SWAPHOLD;
    case BLIND:
        return caps->dwCallFeatures & LINECALLFEATURE_BLINDTRANSFER;
    case COMPLETE:
        return caps->dwCallFeatures & LINECALLFEATURE_COMPLETETRANSF;
    case REDIRECT:
        return caps->dwCallFeatures & LINECALLFEATURE_REDIRECT;
    case PICKUP:
        return caps->dwAddressFeatures & (LINEADDRFEATURE_PICKUP | LINEADDRFEATURE_PICKUPDIRECT |
                                          LINEADDRFEATURE_PICKUPGROUP);
    case FORWARD:
        return caps->dwForwardModes != 0 ||
               (caps->dwAddressFeatures & (LINEADDRFEATURE_FORWARD | LINEADDRFEATURE_FORWARDFWD |
                                           LINEADDRFEATURE_FORWARDDND));
    default:
        return false;
    }
}

static void await_function(enum claim claim, const char *function)
{
    session_start((struct setup){0});
    const LINEADDRESSCAPS *caps = address_caps(line_of(20)->device);
    CHECK(!is_claimed(claim, caps),
          "%s is claimed (call features %#x, address features %#x) and nothing asserts it", function,
          (unsigned)caps->dwCallFeatures, (unsigned)caps->dwAddressFeatures);
    NOT_YET("%s is not offered", function);
}

#define AWAIT(name, claim, function)                                                               \
    static void name(void)                                                                         \
    {                                                                                              \
        await_function(claim, function);                                                           \
    }

AWAIT(hold, HOLD, "lineHold")
AWAIT(swap, SWAP, "lineSwapHold")
AWAIT(blind_transfer, BLIND, "lineBlindTransfer")
AWAIT(complete_transfer, COMPLETE, "lineCompleteTransfer")
AWAIT(redirect, REDIRECT, "lineRedirect")
AWAIT(pickup, PICKUP, "linePickup")
AWAIT(forward, FORWARD, "lineForward")
AWAIT(single_active, SINGLE, "the single active call")

const struct item supplementary_items[] = {
    {73, "a held call counts as held and comes back", hold, 0},
    {74, "a swap never shows two active calls", swap, 0},
    {75, "calls of two lines cannot be swapped", swap, 0},
    {76, "a blind transfer is told to all three parties", blind_transfer, 0},
    {77, "a refused blind transfer leaves the call as it was", blind_transfer, 0},
    {78, "a held and a made call can be transferred to each other", complete_transfer, 0},
    {79, "a transfer of no known mode, or of a call to itself, fails", complete_transfer, 0},
    {80, "an offered call can be redirected, a connected one not", redirect, 0},
    {81, "a picked up call is told here as picked up, there as gone", pickup, 0},
    {82, "answering a second call holds the first one before", hold, 0},
    {83, "with a single active call no line ever shows two", single_active, 0},
    {84, "an unconditional forward is completed, told and shown", forward, 0},
    {85, "no forwards can be asked for at any time", forward, 0},
    {86, "new forwards replace the old ones", forward, 0},
    {87, "wrong forwards change nothing", forward, 0},
    {88, "forwards are read in both lengths of their entries", forward, 0},
    {89, "a ring count out of range is brought into it", forward, 0},
    {90, "forwarding makes no consultation call", forward, 0},
    {91, "forwards set at the phone are told", forward, 0},
    {ITEMS_END, NULL, NULL, 0},
};
