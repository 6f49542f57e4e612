/* api_struct.c — the size rule. */
#include "embed/api_struct.h"

bool
api_struct_read(void *to, size_t known, const void *from, size_t least)
{
    size_t size;
    memcpy(&size, from, sizeof size);
    if (size < least || size % sizeof size != 0)
        return false;
    if (size > known
        && (size - known > API_STRUCT_MOST || size % API_STRUCT_FIELD != 0))
        return false;
    for (size_t i = known; i < size; i++)
        if (((const unsigned char *)from)[i] != 0)
            return false;
    memcpy(to, from, size < known ? size : known);
    return true;
}
