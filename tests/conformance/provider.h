/* The provider library: its functions by name, as a telephony server finds them. */
#ifndef PROVIDER_H
#define PROVIDER_H

#include <stdbool.h>
#include <stddef.h>

#include <tspi.h>

/* The function set of the product: 39 names of its published list, and providerInit. */
#define PROVIDER_FUNCTIONS(X)                                                                      \
    X(lineAnswer)                                                                                  \
    X(lineBlindTransfer)                                                                           \
    X(lineClose)                                                                                   \
    X(lineCloseCall)                                                                               \
    X(lineCompleteTransfer)                                                                        \
    X(lineDrop)                                                                                    \
    X(lineForward)                                                                                 \
    X(lineGetAddressCaps)                                                                          \
    X(lineGetAddressID)                                                                            \
    X(lineGetAddressStatus)                                                                        \
    X(lineGetCallAddressID)                                                                        \
    X(lineGetCallIDs)                                                                              \
    X(lineGetCallInfo)                                                                             \
    X(lineGetCallStatus)                                                                           \
    X(lineGetDevCaps)                                                                              \
    X(lineGetID)                                                                                   \
    X(lineGetLineDevStatus)                                                                        \
    X(lineGetNumAddressIDs)                                                                        \
    X(lineHold)                                                                                    \
    X(lineMakeCall)                                                                                \
    X(lineNegotiateTSPIVersion)                                                                    \
    X(lineOpen)                                                                                    \
    X(linePickup)                                                                                  \
    X(lineRedirect)                                                                                \
    X(lineSetAppSpecific)                                                                          \
    X(lineSetCallParams)                                                                           \
    X(lineSetCurrentLocation)                                                                      \
    X(lineSetDefaultMediaDetection)                                                                \
    X(lineSetMediaMode)                                                                            \
    X(lineSetStatusMessages)                                                                       \
    X(lineSwapHold)                                                                                \
    X(lineUnhold)                                                                                  \
    X(providerConfig)                                                                              \
    X(providerCreateLineDevice)                                                                    \
    X(providerEnumDevices)                                                                         \
    X(providerInit)                                                                                \
    X(providerInstall)                                                                             \
    X(providerRemove)                                                                              \
    X(providerShutdown)                                                                            \
    X(providerUIIdentify)

/* Functions a provider may have beyond that; checked where they are there. */
#define OPTIONAL_FUNCTIONS(X)                                                                      \
    X(lineAccept)                                                                                  \
    X(lineAddToConference)                                                                         \
    X(lineConditionalMediaDetection)                                                               \
    X(lineDial)                                                                                    \
    X(lineGenerateDigits)                                                                          \
    X(lineGetExtensionID)                                                                          \
    X(lineMonitorDigits)                                                                           \
    X(lineMSPIdentify)                                                                             \
    X(lineNegotiateExtVersion)                                                                     \
    X(linePark)                                                                                    \
    X(linePrepareAddToConference)                                                                  \
    X(lineRemoveFromConference)                                                                    \
    X(lineSelectExtVersion)                                                                        \
    X(lineSendUserUserInfo)                                                                        \
    X(lineSetupConference)                                                                         \
    X(lineSetupTransfer)                                                                           \
    X(lineUnpark)

/* Pointers to them; NULL where the library has none. */
struct provider {
#define X(name) __typeof__(TSPI_##name) *name;
    PROVIDER_FUNCTIONS(X)
    OPTIONAL_FUNCTIONS(X)
#undef X
};

/* The provider of the present session. Call it through TSPI() or ASK() of host.h. */
extern struct provider provider;

/* Where the library is. */
extern const char *provider_path;

/* Loads the library and looks its functions up. False and a reason if it cannot be loaded. */
bool provider_load(char *why, size_t why_size);
void provider_unload(void);
bool provider_loaded(void);
/* Any export by its name. */
void *provider_export(const char *name);
bool provider_exports(void (*each)(const char *name));

#endif
