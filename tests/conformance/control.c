#include "control.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"

enum { ANSWER_MS = 15000, CLEAR_MS = 30000, UNDO_LIMIT = 32, TEXT_LIMIT = 1 << 16 };

uint16_t simulator_port;

static char answer[TEXT_LIMIT];
static char undo_list[UNDO_LIMIT][128];
static unsigned undo_count;

/* Sends one command; the body of the answer, or NULL and why in `answer` if there is none. */
static char *exchange(const char *command)
{
    char request[1024];
    snprintf(request, sizeof request,
             "POST /control HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: text/plain; "
             "charset=utf-8\r\nContent-Length: %u\r\nConnection: close\r\n\r\n%s\n",
             simulator_port, (unsigned)strlen(command) + 1, command);
    tcp socket = tcp_connect(simulator_port);
    if (socket == NO_TCP) {
        snprintf(answer, sizeof answer, "the simulator does not listen on port %u", simulator_port);
        return NULL;
    }
    size_t length = 0;
    int received = tcp_send(socket, request, strlen(request)) ? 1 : -1;
    while (received > 0 && length < sizeof answer - 1) {
        received = tcp_receive(socket, answer + length, sizeof answer - 1 - length, ANSWER_MS);
        if (received > 0) length += (size_t)received;
    }
    tcp_close(socket);
    answer[length] = 0;
    char *body = strstr(answer, "\r\n\r\n");
    if (body == NULL) {
        snprintf(answer, sizeof answer, "the simulator did not answer");
        return NULL;
    }
    body += 4;
    body[strcspn(body, "\r\n")] = 0;
    return body;
}

/* The value of an "ok", or NULL and the reason in `why`. */
static const char *run(const char *command, const char **why)
{
    char *body = exchange(command);
    *why = body ? body : answer;
    if (body == NULL || strncmp(body, "ok", 2) != 0) return NULL;
    return body[2] == ' ' ? body + 3 : body + 2;
}

#define FORMAT(buffer)                                                                             \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        vsnprintf(buffer, sizeof buffer, format, arguments);                                       \
        va_end(arguments);                                                                         \
    } while (0)

const char *control(const char *format, ...)
{
    char command[512];
    FORMAT(command);
    const char *why;
    const char *value = run(command, &why);
    CHECK(value != NULL, "simulator, `%s`: %s", command, why);
    return value;
}

const char *control_try(const char *format, ...)
{
    char command[512];
    FORMAT(command);
    const char *why;
    return run(command, &why);
}

unsigned control_number(const char *format, ...)
{
    char command[512];
    FORMAT(command);
    return (unsigned)strtoul(control("%s", command), NULL, 10);
}

void control_until_end(const char *command, const char *undo)
{
    if (undo_count < UNDO_LIMIT)
        snprintf(undo_list[undo_count++], sizeof undo_list[0], "%s", undo);
    control("%s", command);
}

void control_undo(void)
{
    while (undo_count > 0) control_try("%s", undo_list[--undo_count]);
}

const char *control_clear_calls(void)
{
    uint64_t deadline = clock_us() + CLEAR_MS * 1000;
    for (;;) {
        const char *why, *calls = run("calls", &why);
        if (calls != NULL && strcmp(calls, "[]") == 0) return NULL;
        if (clock_us() >= deadline) return calls != NULL ? calls : why;
        control_try("hangup all");
        pause_ms(5);
    }
}
