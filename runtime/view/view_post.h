/* view_post.h — how a view sends data to a server. */
#ifndef ORUN_VIEW_POST_H
#define ORUN_VIEW_POST_H

#include <lua.h>

/* post(url, headers, body, seconds) -> the status code of the answer; nil and a
 * message. headers: array of "Name: value". Only http and https; certificates
 * are checked, redirects are not followed, and only the first KiB of the answer
 * is read. It blocks the thread of the views, for at most so many seconds. */
int view_post(lua_State *L);

#endif
