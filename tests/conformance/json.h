/* As much JSON as the simulator's control interface writes: looked into, never copied as a whole. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>

/* The first element of an array, the next one behind an element; NULL when there is none (left). */
const char *json_first(const char *array);
const char *json_next(const char *element);
/* The value of a member of an object; stops the item if there is none. */
const char *json_member(const char *object, const char *key);
/* A member that is a text, in UTF-8; stops the item if it is none or does not fit. */
void json_text(const char *object, const char *key, char *into, size_t size);
unsigned long json_number(const char *object, const char *key);
bool json_is(const char *object, const char *key);

#endif
