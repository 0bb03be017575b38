/* The items by subject; each table ends with number ITEMS_END. */
#ifndef ITEMS_H
#define ITEMS_H

#include "check.h"

extern const struct item loading_items[];
extern const struct item structure_items[];
extern const struct item opening_items[];
extern const struct item request_items[];
extern const struct item outgoing_items[];
extern const struct item incoming_items[];
extern const struct item drop_items[];
extern const struct item hold_items[];
extern const struct item transfer_items[];
extern const struct item forward_items[];
extern const struct item status_items[];
extern const struct item misuse_items[];
extern const struct item text_items[];
extern const struct item sequence_items[];
extern const struct item consultation_items[];
extern const struct item loss_items[];
extern const struct item race_items[];
extern const struct item bad_input_items[];
extern const struct item beyond_items[];
extern const struct item field_items[];
extern const struct item site_items[];

/* Item 45, in storm.c. */
void storm(void);
bool all_completed(void *unused);
void await_all_completed(void);

/* Item 140, in bad_input.c. */
extern uint64_t bad_input_seed;
extern unsigned bad_input_cases;

/* What `conformance --load PROVIDER` does: the provider in a process that does nothing else. */
int load_and_unload(void);

#endif
