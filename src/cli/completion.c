/*
 * Completions for bash, zsh and fish, from the tables.
 *
 * Each script holds the whole table and asks the program for one thing only: the names of
 * pipelines, where a command takes them (`sluice schedule --json`).
 */
#include <string.h>

#include "cli/help.h"

enum { COMPLETION_ARENA = 4 * 1024 * 1024, COMPLETION_FIRST = 64 * 1024 };

static struct arena arena;

static void begin(struct buf *out)
{
    arena_init(&arena, COMPLETION_ARENA);
    buf_init(out, &arena, COMPLETION_FIRST);
}

static bool takes_pipelines(const struct cli_verb *last)
{
    return strstr(last->words, "PIPELINE") != NULL;
}

/* In single quotes, for each of the shells. */
static void quoted(struct buf *out, const char *words, const char *quote)
{
    buf_add_byte(out, '\'');
    for (; *words != '\0'; words++) {
        if (*words == '\'') {
            buf_add(out, str_of(quote));
        } else {
            buf_add_byte(out, *words);
        }
    }
    buf_add_byte(out, '\'');
}

static void flag_names(struct buf *out, const struct cli_flag *flags)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        buf_printf(out, " %s", flags->name);
    }
}

static void verb_names(struct buf *out, const struct cli_verb *verbs)
{
    for (; verbs != NULL && verbs->name != NULL; verbs++) {
        buf_printf(out, " %s", verbs->name);
    }
}

/* ---- Flags that take a value, of all commands: what stands behind them is no command. ---- */

static void value_flags_of(struct buf *out, const struct cli_flag *flags, const char *separator)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        if (flags->value != NULL) {
            buf_printf(out, "%s%s", separator, flags->name);
        }
    }
}

static void value_flags(struct buf *out)
{
    buf_add(out, STR("--config|--data"));
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        value_flags_of(out, verb->flags, "|");
        for (const struct cli_verb *act = verb->acts; act != NULL && act->name != NULL; act++) {
            value_flags_of(out, act->flags, "|");
        }
    }
}

/* Flags whose value is a file or a folder, as patterns of a case; `else_text` when there are none.
 */
static void path_flags_of(struct buf *out, const struct cli_flag *flags, const char *value)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        if (flags->value != NULL && strcmp(flags->value, value) == 0) {
            buf_printf(out, "|%s", flags->name);
        }
    }
}

static void path_flags(struct buf *out, const char *first, const char *value)
{
    buf_add(out, str_of(first));
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        path_flags_of(out, verb->flags, value);
        for (const struct cli_verb *act = verb->acts; act != NULL && act->name != NULL; act++) {
            path_flags_of(out, act->flags, value);
        }
    }
}

/* ---- What bash and zsh share: finding the verb and the act, and a case for each. ---- */

static void find_words(struct buf *out, const char *array, const char *first, const char *end)
{
    buf_printf(out,
               "    local verb='' act='' skip='' i word\n"
               "    for ((i = %s; i < %s; i++)); do\n"
               "        word=${%s[i]}\n"
               "        if [[ -n $skip ]]; then skip=''; continue; fi\n"
               "        case $word in\n"
               "            ",
               first, end, array);
    value_flags(out);
    buf_add(out, STR(") skip=1 ;;\n"
                     "            -*) ;;\n"
                     "            *) if [[ -z $verb ]]; then verb=$word; elif [[ -z $act ]]; then "
                     "act=$word; fi ;;\n"
                     "        esac\n"
                     "    done\n"));
}

/* Lines of a case: "verb/act) words=...; pipelines=1 ;;" */
static void cases(struct buf *out)
{
    buf_add(out,
            STR("    local pipelines='' choices=''\n    case $verb/$act in\n        /) choices='"));
    verb_names(out, cli_verbs);
    buf_add(out, STR("' ;;\n"));
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        for (const struct cli_verb *act = verb->acts; act != NULL && act->name != NULL; act++) {
            buf_printf(out, "        %s/%s) choices='", verb->name, act->name);
            flag_names(out, act->flags);
            buf_printf(out, "'%s ;;\n", takes_pipelines(act) ? " pipelines=1" : "");
        }
        buf_printf(out, "        %s/*) choices='", verb->name);
        verb_names(out, verb->acts);
        flag_names(out, verb->flags);
        if (strcmp(verb->name, "help") == 0) {
            verb_names(out, cli_verbs);
            for (const struct cli_topic *topic = cli_topics; topic->name != NULL; topic++) {
                buf_printf(out, " %s", topic->name);
            }
        }
        buf_printf(out, "'%s ;;\n", takes_pipelines(verb) ? " pipelines=1" : "");
    }
    buf_add(out, STR("    esac\n    if [[ -n $pipelines && $cur != -* ]]; then\n"
                     "        choices=\"$choices $(sluice schedule --json 2> /dev/null | "
                     "grep -o '\"pipeline\":\"[^\"]*\"' | cut -d '\"' -f 4)\"\n"
                     "    fi\n"
                     "    choices=\"$choices"));
    flag_names(out, cli_global_flags);
    buf_add(out, STR("\"\n"));
}

int cli_completion_bash(struct cli *cli)
{
    struct buf out;
    (void)cli;
    begin(&out);
    buf_add(&out, STR("# bash completion for sluice " SLUICE_VERSION "; load it with\n"
                      "#     source <(sluice completion bash)\n"
                      "_sluice() {\n"
                      "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                      "    COMPREPLY=()\n"
                      "    case $prev in\n"
                      "        "));
    path_flags(&out, "--config", "FILE");
    buf_add(&out, STR(") mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n        "));
    path_flags(&out, "--data", "DIR");
    buf_add(&out, STR(") mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return ;;\n        "));
    value_flags(&out);
    buf_add(&out, STR(") return ;;\n    esac\n"));
    find_words(&out, "COMP_WORDS", "1", "COMP_CWORD");
    cases(&out);
    buf_add(&out, STR("    mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$cur\")\n"
                      "}\ncomplete -F _sluice sluice\n"));
    return help_print(&out);
}

int cli_completion_zsh(struct cli *cli)
{
    struct buf out;
    (void)cli;
    begin(&out);
    buf_add(&out, STR("#compdef sluice\n"
                      "# zsh completion for sluice " SLUICE_VERSION "; save it as _sluice in a "
                      "folder of $fpath.\n"
                      "_sluice() {\n"
                      "    local cur=${words[CURRENT]} prev=${words[CURRENT - 1]}\n"
                      "    case $prev in\n"
                      "        "));
    path_flags(&out, "--config", "FILE");
    buf_add(&out, STR(") _files; return ;;\n        "));
    path_flags(&out, "--data", "DIR");
    buf_add(&out, STR(") _files -/; return ;;\n        "));
    value_flags(&out);
    buf_add(&out, STR(") return ;;\n    esac\n"));
    find_words(&out, "words", "2", "CURRENT");
    cases(&out);
    buf_add(&out, STR("    compadd -- ${=choices}\n}\n"
                      "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _sluice \"$@\"; "
                      "else compdef _sluice sluice; fi\n"));
    return help_print(&out);
}

/* ---- fish ---- */

static void fish_flags(struct buf *out, const struct cli_flag *flags, const char *condition)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        bool is_path = flags->value != NULL &&
                       (strcmp(flags->value, "FILE") == 0 || strcmp(flags->value, "DIR") == 0);
        buf_add(out, STR("complete -c sluice"));
        if (condition != NULL) {
            buf_printf(out, " -n '%s'", condition);
        }
        buf_printf(out, " -l %s%s -d ", flags->name + 2,
                   flags->value == NULL ? ""
                   : is_path            ? " -r -F"
                                        : " -x");
        quoted(out, flags->doc, "\\'");
        buf_add_byte(out, '\n');
    }
}

static void fish_words(struct buf *out, const struct cli_verb *last, const char *condition)
{
    if (takes_pipelines(last)) {
        buf_printf(out,
                   "complete -c sluice -n '%s' -a '(sluice schedule --json 2> /dev/null | "
                   "string match -ra \"\\\"pipeline\\\":\\\"([^\\\"]*)\\\"\" -g)'\n",
                   condition);
    }
}

static void fish_verb(struct buf *out, const struct cli_verb *verb)
{
    struct str seen = arena_printf(&arena, "__fish_seen_subcommand_from %s", verb->name);
    buf_printf(out, "complete -c sluice -n __fish_use_subcommand -a %s -d ", verb->name);
    quoted(out, verb->summary, "\\'");
    buf_add_byte(out, '\n');
    fish_flags(out, verb->flags, seen.ptr);
    fish_words(out, verb, seen.ptr);
    for (const struct cli_verb *act = verb->acts; act != NULL && act->name != NULL; act++) {
        struct buf acts;
        buf_init(&acts, &arena, 64);
        verb_names(&acts, verb->acts);
        struct str both =
            arena_printf(&arena, "%s; and __fish_seen_subcommand_from %s", seen.ptr, act->name);
        buf_printf(out,
                   "complete -c sluice -n '%s; and not __fish_seen_subcommand_from%s' -a %s -d ",
                   seen.ptr, buf_str(&acts).ptr, act->name);
        quoted(out, act->summary, "\\'");
        buf_add_byte(out, '\n');
        fish_flags(out, act->flags, both.ptr);
        fish_words(out, act, both.ptr);
    }
}

int cli_completion_fish(struct cli *cli)
{
    struct buf out;
    (void)cli;
    begin(&out);
    buf_add(&out, STR("# fish completion for sluice " SLUICE_VERSION "; load it with\n"
                      "#     sluice completion fish | source\n"
                      "complete -c sluice -f\n"));
    fish_flags(&out, cli_global_flags, NULL);
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        fish_verb(&out, verb);
    }
    for (const struct cli_topic *topic = cli_topics; topic->name != NULL; topic++) {
        buf_printf(&out, "complete -c sluice -n '__fish_seen_subcommand_from help' -a %s -d ",
                   topic->name);
        quoted(&out, topic->summary, "\\'");
        buf_add_byte(&out, '\n');
    }
    return help_print(&out);
}
