/* script_steps.h — what a command line has run, in order. */
#ifndef ORUN_SCRIPT_STEPS_H
#define ORUN_SCRIPT_STEPS_H

#include "base/base.h"
#include <lua.h>

typedef struct ScriptStep {
    char kind; /* e: code  l: a module to require, maybe NAME=MODULE
                * W: warnings on  I: what LUA_INIT holds  f: a script
                * i: lines of standard input */
    const char *text;
    const char *name; /* of an I: the chunk's */
} ScriptStep;

typedef struct ScriptSteps {
    ScriptStep *all;
    int count;
    bool passes; /* the script has the arguments */
    bool syntax; /* set: one of them was not Lua */
} ScriptSteps;

/* For script_load: push a function that runs the steps, a ScriptSteps. */
int script_steps_load(lua_State *L, void *steps);

struct orun;

/* orun_run_file of steps, of which one is the script at `path`, if that is not
 * NULL. */
int orun_run_steps(struct orun *o, const char *path, ScriptSteps *steps);

#endif
