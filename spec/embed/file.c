/* file.c — a host that runs the script which the command line names. */
#include "check.h"

int
main(int argc, char **argv)
{
    orun *o;
    if (argc != 2 || orun_new(NULL, &o) != ORUN_OK)
        return 2;
    if (orun_run_file(o, argv[1]) != ORUN_OK)
        fprintf(stderr, "%s\n", orun_errmsg(o));
    int status = orun_exit_status(o);
    fprintf(stderr, "%s", orun_stuck(o));
    orun_free(o);
    return status;
}
