#include "provider.h"

#include <string.h>

#include "platform.h"

struct provider provider;
const char *provider_path;
static void *library;

bool provider_load(char *why, size_t why_size)
{
    library = library_open(provider_path, why, why_size);
    if (library == NULL) return false;
#define X(name) provider.name = (__typeof__(provider.name))(uintptr_t)provider_export("TSPI_" #name);
    PROVIDER_FUNCTIONS(X)
    OPTIONAL_FUNCTIONS(X)
#undef X
    return true;
}

void provider_unload(void)
{
    memset(&provider, 0, sizeof provider);
    library_close(library);
    library = NULL;
}

bool provider_loaded(void)
{
    return library != NULL;
}

void *provider_export(const char *name)
{
    return library_symbol(library, name);
}

bool provider_exports(void (*each)(const char *name))
{
    return library_exports(library, each);
}
