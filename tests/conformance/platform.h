/* The thin layer between the host and the operating system.
 *
 * One header, two bodies: platform_windows.c (also under Wine) and platform_linux.c. Nothing here
 * knows of telephony, and nothing else in this folder knows the operating system.
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- time ---- */

/* Microseconds on a clock that never goes back. */
uint64_t clock_us(void);
/* Milliseconds since the system began, as it counts them; wraps round. */
uint32_t tick_count(void);
/* For loops that look for a condition until a deadline, never to hope that something is done. */
void pause_ms(unsigned ms);

/* ---- threads ---- */

struct thread;
typedef void thread_body(void *argument);
struct thread *thread_start(thread_body *body, void *argument);
/* Waits for the thread; false if it still runs after `ms`. Frees it if it has ended. */
bool thread_join(struct thread *thread, unsigned ms);
/* Ends the calling thread there and then. */
_Noreturn void thread_end(void);
uint32_t thread_id(void);

/* A bell: rung by whoever has news, heard by one that waits. Ringing never blocks. */
struct bell;
struct bell *bell_new(void);
void bell_ring(struct bell *bell);
void bell_wait(struct bell *bell, unsigned ms);

/* ---- the process ---- */

/* Threads of this process, and what it holds open (handles on Windows, descriptors on Linux). */
unsigned process_threads(void);
unsigned process_handles(void);
/* Sets a variable where a library in this process finds it; NULL removes it. */
void environment_set(const char *name, const char *value);
/* Runs a program to its end; its exit code, or -1 if it could not run, crashed or took longer. */
int process_run(const char *const *arguments, unsigned ms);
/* What to write to the standard error if the process crashes; NULL for nothing. */
void on_crash(const char *text);
/* Leaves at once, whatever other threads do. */
_Noreturn void process_exit(int code);

/* ---- libraries ---- */

/* NULL and a reason in `why` if it cannot be loaded. */
void *library_open(const char *path, char *why, size_t why_size);
void *library_symbol(void *library, const char *name);
void library_close(void *library);
/* Calls `each` with every name the library exports by itself. False if that cannot be told here. */
bool library_exports(void *library, void (*each)(const char *name));

/* ---- memory ---- */

/* Memory whose end meets a page that may not be touched: reading or writing behind it ends the
 * process. Kept until fence_free_all. */
void *fence_alloc(size_t size);
void fence_free_all(void);

/* ---- files ---- */

/* Makes a folder and those above it. */
void folder_make(const char *path);
/* An absolute path, in UTF-16 with its NUL, of a file that exists. */
bool is_absolute_file(const uint16_t *path);
extern const char PATH_SEPARATOR;

/* ---- the network, IPv4 loopback only ---- */

typedef intptr_t tcp;
#define NO_TCP ((tcp)-1)
tcp tcp_connect(uint16_t port);
/* Listens without ever accepting: who connects waits for ever. At that port, or if it is 0 at any
 * one, which it says. */
tcp tcp_deaf(uint16_t *port);
/* Sends all; false if the peer is gone. */
bool tcp_send(tcp socket, const char *bytes, size_t length);
/* Receives some; 0 at the end, negative on an error or after `ms` of silence. */
int tcp_receive(tcp socket, char *bytes, size_t length, unsigned ms);
void tcp_close(tcp socket);

#endif
