#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* Behind a text that begins here. */
static const char *behind_text(const char *at)
{
    for (at++; *at != 0 && *at != '"'; at++)
        if (*at == '\\' && at[1] != 0) at++;
    return *at == 0 ? at : at + 1;
}

/* Behind a value that begins here, whatever is in it. */
static const char *behind(const char *at)
{
    unsigned depth = 0;
    do {
        if (*at == '"') {
            at = behind_text(at);
            continue;
        }
        if (*at == '[' || *at == '{') depth++;
        if (*at == ']' || *at == '}') depth--;
        at++;
    } while (*at != 0 && (depth > 0 || strchr(",]}:", *at) == NULL));
    return at;
}

const char *json_first(const char *array)
{
    CHECK(*array == '[', "this is no array: %.60s", array);
    return array[1] == ']' ? NULL : array + 1;
}

const char *json_next(const char *element)
{
    const char *end = behind(element);
    return *end == ',' ? end + 1 : NULL;
}

const char *json_member(const char *object, const char *key)
{
    CHECK(*object == '{', "this is no object: %.60s", object);
    const size_t length = strlen(key);
    const char *at = object + 1;
    while (*at == '"') {
        const char *value = behind_text(at) + 1;
        if (strncmp(at + 1, key, length) == 0 && at[1 + length] == '"') return value;
        at = behind(value);
        if (*at == ',') at++;
    }
    CHECK(false, "%s is missing in %.120s", key, object);
    return NULL;
}

void json_text(const char *object, const char *key, char *into, size_t size)
{
    const char *value = json_member(object, key), *end = behind_text(value);
    CHECK(*value == '"', "%s is no text: %.60s", key, value);
    size_t length = 0;
    for (const char *at = value + 1; at < end - 1; at++) {
        if (*at == '\\') at++;
        CHECK(at[-1] != '\\' || *at != 'u', "%s has a control character: %.60s", key, value);
        CHECK(length + 1 < size, "%s is too long: %.60s", key, value);
        into[length++] = *at;
    }
    into[length] = 0;
}

unsigned long json_number(const char *object, const char *key)
{
    return strtoul(json_member(object, key), NULL, 10);
}

bool json_is(const char *object, const char *key)
{
    return strncmp(json_member(object, key), "true", 4) == 0;
}
