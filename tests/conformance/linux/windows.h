/* The few Windows types that tapi.h and tspi.h need, for building the host on Linux.
 *
 * The two headers come from mingw-w64 unchanged; only what they include is replaced. TSPI's texts
 * are UTF-16 on every system, so a WCHAR is 16 bits here too and literals are written u"...". */
#ifndef TAPLINE_COMPAT_WINDOWS_H
#define TAPLINE_COMPAT_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

/* One calling convention only, the platform's own: what Rust calls extern "system". */
#define WINAPI
#define CALLBACK
#define EXTERN_C extern
#define CONST const
#define VOID void
#define FAR
#define TRUE 1
#define FALSE 0
#define MAX_PATH 260
#define INVALID_HANDLE_VALUE ((HANDLE)(intptr_t)-1)

#define __LONG32 int /* a word, so that `unsigned __LONG32` is one too */
#define __MSABI_LONG(x) (x)
#define __C89_NAMELESS
#define __MINGW_TYPEDEF_AW(type)
#define __MINGW_NAME_AW(name) name##W
#define __MINGW_EXTENSION __extension__

typedef uint8_t BYTE;
typedef uint16_t WORD;
typedef uint32_t DWORD;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef int32_t BOOL;
typedef uint32_t UINT;
typedef char CHAR;
typedef uint16_t WCHAR; /* char16_t under its Windows name */
typedef uintptr_t DWORD_PTR;
typedef uintptr_t ULONG_PTR;
typedef intptr_t LONG_PTR;
typedef int32_t HRESULT;

typedef void *LPVOID;
typedef void *PVOID;
typedef const void *LPCVOID;
typedef DWORD *LPDWORD;
typedef BYTE *LPBYTE;
typedef CHAR *LPSTR;
typedef const CHAR *LPCSTR;
typedef WCHAR *LPWSTR;
typedef const WCHAR *LPCWSTR;
typedef LPWSTR *LPLPWSTR;

typedef void *HANDLE;
typedef HANDLE *LPHANDLE;
typedef HANDLE HWND;
typedef HANDLE HICON;
typedef HICON *LPHICON;
typedef HANDLE HINSTANCE;
typedef uintptr_t WPARAM;
typedef double DATE;
typedef int64_t CURRENCY;

#define GUID_DEFINED /* tapi.h would define it again */
typedef struct {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;
typedef GUID CLSID;

typedef struct {
    WORD wYear, wMonth, wDayOfWeek, wDay, wHour, wMinute, wSecond, wMilliseconds;
} SYSTEMTIME;

#endif
