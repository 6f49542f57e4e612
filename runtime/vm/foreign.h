/* foreign.h — Lua as C modules call it. */
#ifndef ORUN_FOREIGN_H
#define ORUN_FOREIGN_H

/* Look up Lua's own lua_resume and lua_pcallk. A program that calls this has
 * the ones for C modules linked in. Any thread. */
void foreign_find(void);

#endif
