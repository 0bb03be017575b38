/* The other side of the provider: the PBX simulator, told what its users do. */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "check.h"

/* Where the simulator listens. */
extern uint16_t simulator_port;

/* One command of the simulator's control language. Stops the item if it is refused.
 * The value of the answer, empty for a plain "ok"; it lives until the next command. */
const char *control(const char *format, ...) PRINTF_LIKE(1, 2);
/* The same without stopping: NULL if it is refused. */
const char *control_try(const char *format, ...) PRINTF_LIKE(1, 2);
/* What control() gives as a number. */
unsigned control_number(const char *format, ...) PRINTF_LIKE(1, 2);

/* Runs a command now, and `undo` when the item ends, however it ends. */
void control_until_end(const char *command, const char *undo);
/* Runs what control_until_end() left to undo, latest first. */
void control_undo(void);

/* Hangs up until no call is left: NULL, or which calls stay. */
const char *control_clear_calls(void);

/* Extensions of the built-in estate: the first, and how many follow each other. */
enum { FIRST_EXTENSION = 20, EXTENSIONS = 12 };

#endif
