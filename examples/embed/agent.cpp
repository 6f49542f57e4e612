/* agent.cpp — a tool in C++: what a script asks of it is JSON, and an
 * exception ends the call.
 *
 *     $ c++ -o tool -iquote runtime examples/embed/agent.cpp build/liborun.a \
 *         $(pkg-config --cflags --libs lua5.4 libuv) -lm -pthread
 *     $ ./tool
 *
 * No exception may leave a function that orun calls, for nobody is there to
 * catch it.
 */
#include "orun.h"
#include <cstdio>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>

using Prices = std::map<std::string, double>;

static std::string
lookup(const Prices &prices, const std::string &input)
{
    std::string name = input.substr(1, input.size() - 2); // of the quotes
    return "{\"name\": " + input
        + ", \"price\": " + std::to_string(prices.at(name)) + "}";
}

static void
start(orun_call *c, void *prices)
{
    try {
        if (!c->input)
            throw std::invalid_argument("input: expected a name");
        auto found = lookup(*static_cast<Prices *>(prices), c->input);
        orun_call_json(c, found.c_str());
    } catch (const std::out_of_range &) {
        orun_call_fail(c, nullptr, "there is no such thing");
    } catch (const std::exception &e) {
        orun_call_fail(c, nullptr, e.what());
    }
}

int
main()
{
    static const char script[] =
        "for _, name in ipairs{'tea', 'coffee', 'gold'} do\n"
        "  local r = Task{subagent_type = 'lookup', input = name}\n"
        "  print(name, r.output and r.output.price or r.error)\n"
        "end\n";
    Prices prices = { { "tea", 2.5 }, { "coffee", 3 } };
    orun_agent type = {};
    orun *o;
    type.size = sizeof type;
    type.name = "lookup";
    type.start = start;
    type.ud = &prices;
    if (orun_new(nullptr, &o) || orun_add_agent(o, &type)
        || orun_run_string(o, "=script", script, std::strlen(script))) {
        std::fprintf(stderr, "%s\n", orun_errmsg(nullptr));
        return 1;
    }
    return orun_free(o);
}

/*
 * --> tea	2.5
 * --> coffee	3.0
 * --> gold	there is no such thing
 */
