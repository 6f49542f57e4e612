/* agents_cpp.cpp — a host in C++: an exception ends its call, and goes no
 * further. */
#include "orun.h"
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

static std::string
careless(const orun_call *c)
{
    if (!c->input)
        throw std::runtime_error("there is no input");
    return std::string("got ") + c->input;
}

static void
start(orun_call *c, void *)
{
    try {
        std::string text = careless(c);
        c->data = new std::string(text);
        orun_call_text(c, text.data(), text.size());
    } catch (const std::exception &e) {
        orun_call_fail(c, nullptr, e.what());
    }
}

static void
release(orun_call *c, void *count)
{
    delete static_cast<std::string *>(c->data);
    ++*static_cast<int *>(count);
}

int
main()
{
    static const char code[] =
        "local r = Task{subagent_type = 'cpp', input = {1, 2}}"
        " assert(r.output == 'got [1,2]', r.output)"
        " r = Task{subagent_type = 'cpp'}"
        " assert(r.error == 'there is no input' and r.error_kind == 'lua')";
    orun_config config = ORUN_CONFIG_INIT;
    orun_agent type = orun_agent();
    int released = 0;
    orun *o;
    config.workers = 1;
    type.size = sizeof type;
    type.name = "cpp";
    type.start = start;
    type.release = release;
    type.ud = &released;
    if (orun_new(&config, &o) || orun_add_agent(o, &type)
        || orun_run_string(o, "=host", code, std::strlen(code))
        || orun_free(o)) {
        std::fprintf(stderr, "%s\n", orun_errmsg(nullptr));
        return 1;
    }
    if (released == 2)
        std::puts("kept");
    return released != 2;
}
