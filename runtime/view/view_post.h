/* view_post.h — a view sends what it has to a server. */
#ifndef ORUN_VIEW_POST_H
#define ORUN_VIEW_POST_H

#include <lua.h>

/* post(url, headers, body, seconds) -> the status code of the answer; nil and a
 * message. headers: array of "Name: value". Only http and https, certificates
 * are checked, redirects are not followed, of the answer no more than the first
 * KiB is read. It blocks the thread of the views, for so many seconds at
 * most. */
int view_post(lua_State *L);

#endif
