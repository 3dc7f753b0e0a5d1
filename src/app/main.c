/* main: the process: what has to stand before anything else, and then the verb. */
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/crash.h"
#include "app/kinds.h"
#include "cli/cli.h"
#include "db/sqlite.h"

int main(int count, char **words)
{
    struct err err = {0};
    crash_handle();
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* A limit on file sizes is an error of the write. */
    if (!sqlite_setup(&err)) {
        return cli_fail(&err);
    }
    return cli_main(count, words, (const char *const *)environ, &app_kinds);
}
