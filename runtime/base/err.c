/* err.c — names and sentences for the error codes. */
#include "base/err.h"

const char *
err_name(int code)
{
    switch (code) {
#define X(name, number, text) \
    case ORUN_##name: return #name;
        ERR_LIST(X)
#undef X
    case ORUN_OK: return "OK";
    default: return "?";
    }
}

const char *
err_text(int code)
{
    switch (code) {
#define X(name, number, text) \
    case ORUN_##name: return text;
        ERR_LIST(X)
#undef X
    case ORUN_OK: return "no error";
    default: return "unknown error";
    }
}
