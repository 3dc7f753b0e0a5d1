#include "serve/openapi.h"

#include <stdio.h>
#include <string.h>

#include "text/json.h"

/*
 * A shape is a list of fields, "NAME:TYPE", each required. Types: int, bool, text, time, any,
 * object, another shape as #NAME; behind it [] for a list, ? when it may be null, or ! when it may
 * be left out.
 */
struct shape {
    const char *name;
    const char *fields;
};

static const struct shape shapes[] = {
    {"error", "error:#error_body"},
    {"error_body", "code:text message:text"},
    {"message", "id:int kind:text source:text chat:text chat_name:text? sender:text sent_at:time? "
                "archived_at:time? revision:int deleted:bool text:text"},
    {"messages", "messages:#message[] not_indexed:int next:text?"},
    {"record", "pipeline:text sink:text target:text entity:text message:int body:any"},
    {"records", "records:#record[] next:text?"},
    {"dead_letter", "id:int at:time? sink:text target:text entity:text effect:text kind:text! "
                    "attempts:int why:text body:any"},
    {"dead_letters", "dead_letters:#dead_letter[] next:text?"},
    {"run", "id:int pipeline:text outcome:text phase:text trigger:text planned_at:time? "
            "started_at:time? ended_at:time? messages:int records:int delivered:int failed:int "
            "error:text"},
    {"runs", "runs:#run[] next:text?"},
    {"gap", "source:text chat:text from:time? to:time? since:time? why:text words:text"},
    {"gaps", "gaps:#gap[] next:text?"},
    {"pipeline", "name:text schedule:text last_run:#run? next_at:time?"},
    {"pipelines", "pipelines:#pipeline[]"},
    {"range", "since:time! until:time! dry_run:bool!"},
    {"dry_run", "archive_only:bool sources:any pipelines:any sinks:any questions:any "
                "questions_more:int partial:bool"},
    {"asked", "request:int run:int?"},
    {"request", "request:int act:text pipeline:text state:text run:int?"},
    {"reloaded", "changed:text?"},
};

/* `arguments`: "NAME:TYPE", all of the query and all optional; `refused`: statuses of errors
   besides those that every call may have. */
struct operation {
    const char *method;
    const char *path;
    const char *word; /* What the {} of the path is called, with its type. */
    const char *name;
    const char *summary;
    const char *scope;
    const char *arguments;
    const char *body;
    const char *status;
    const char *answer;
    const char *refused;
    const char *also; /* With status 200, under other circumstances; may be NULL. */
};

static const struct operation operations[] = {
    {"GET", "/api/v1/messages", NULL, "listMessages", "Messages of the archive, in pages.", "read",
     "source:text chat:text sender:text q:text since:time until:time order:order limit:limit "
     "cursor:text",
     NULL, "200", "messages", "400", NULL},
    {"GET", "/api/v1/messages/{}", "id:int", "getMessage", "One message, also an older form of it.",
     "read", NULL, NULL, "200", "message", "400 404", NULL},
    {"GET", "/api/v1/records", NULL, "listRecords",
     "What pipelines decided last for each row that they keep as a whole.", "read",
     "target:text limit:limit cursor:text", NULL, "200", "records", "400", NULL},
    {"GET", "/api/v1/dead-letters", NULL, "listDeadLetters",
     "Records that a sink refused for good.", "read", "limit:limit cursor:text", NULL, "200",
     "dead_letters", "400", NULL},
    {"GET", "/api/v1/dead-letters/{}", "id:int", "getDeadLetter", "One of them.", "read", NULL,
     NULL, "200", "dead_letter", "400 404", NULL},
    {"GET", "/api/v1/runs", NULL, "listRuns", "Runs, the newest first.", "read",
     "pipeline:text limit:limit cursor:text", NULL, "200", "runs", "400", NULL},
    {"GET", "/api/v1/runs/{}", "id:int", "getRun", "One run.", "read", NULL, NULL, "200", "run",
     "400 404", NULL},
    {"GET", "/api/v1/gaps", NULL, "listGaps", "Where messages are known to be missing.", "read",
     "source:text limit:limit cursor:text", NULL, "200", "gaps", "400", NULL},
    {"GET", "/api/v1/pipelines", NULL, "listPipelines", "Pipelines, with their last and next runs.",
     "read", NULL, NULL, "200", "pipelines", "400", NULL},
    {"POST", "/api/v1/run/{}", "pipeline:text", "startRun",
     "Run a pipeline now; with since, read its sources once more from then on; with dry_run only "
     "say what would be written.",
     "run", NULL, "range", "202", "asked", "400 404 413 415", "dry_run"},
    {"GET", "/api/v1/requests/{}", "id:int", "getRequest",
     "What became of a run that was asked for.", "run", NULL, NULL, "200", "request", "400 404",
     NULL},
    {"POST", "/api/v1/reload", NULL, "reload",
     "Read the configuration again; what is wrong is told, and the one before goes on.", "admin",
     NULL, NULL, "200", "reloaded", "400 409 413 415", NULL},
};

enum {
    OPERATIONS = sizeof operations / sizeof operations[0],
    SHAPES = sizeof shapes / sizeof shapes[0]
};

#define OFTEN_REFUSED STR("401 403 429 503")
#define TIME_PATTERN  "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$"

bool openapi_describes(const char *method, const char *path)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (strcmp(operations[i].method, method) == 0 && strcmp(operations[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- Types ---- */

static void put_ref(struct json_writer *json, const char *group, struct str name)
{
    char text[128];
    int len = snprintf(text, sizeof text, "#/components/%s/%.*s", group, STR_ARG(name));
    json_object_begin(json);
    json_field_str(json, STR("$ref"), (struct str){text, (size_t)len});
    json_object_end(json);
}

static void put_type(struct json_writer *json, const char *type)
{
    json_object_begin(json);
    json_field_str(json, STR("type"), str_of(type));
    json_object_end(json);
}

static void put_limit(struct json_writer *json)
{
    json_object_begin(json);
    json_field_str(json, STR("type"), STR("integer"));
    json_field_int(json, STR("minimum"), 1);
    json_field_int(json, STR("maximum"), 1000);
    json_field_int(json, STR("default"), 50);
    json_object_end(json);
}

static void put_order(struct json_writer *json)
{
    json_object_begin(json);
    json_field_str(json, STR("type"), STR("string"));
    json_key(json, STR("enum"));
    json_array_begin(json);
    json_put_str(json, STR("newest"));
    json_put_str(json, STR("oldest"));
    json_array_end(json);
    json_object_end(json);
}

static void put_time(struct json_writer *json)
{
    json_object_begin(json);
    json_field_str(json, STR("type"), STR("string"));
    json_field_str(json, STR("format"), STR("date-time"));
    json_field_str(json, STR("pattern"), STR(TIME_PATTERN));
    json_object_end(json);
}

static void put_plain(struct json_writer *json, struct str type)
{
    if (type.len > 0 && type.ptr[0] == '#') {
        put_ref(json, "schemas", str_slice(type, 1, type.len));
    } else if (str_equal(type, STR("limit"))) {
        put_limit(json);
    } else if (str_equal(type, STR("order"))) {
        put_order(json);
    } else if (str_equal(type, STR("time"))) {
        put_time(json);
    } else if (str_equal(type, STR("any"))) {
        json_object_begin(json);
        json_object_end(json);
    } else {
        put_type(json, str_equal(type, STR("int"))    ? "integer"
                       : str_equal(type, STR("bool")) ? "boolean"
                                                      : "string");
    }
}

static void put_field_type(struct json_writer *json, struct str type)
{
    if (str_ends(type, STR("[]"))) {
        json_object_begin(json);
        json_field_str(json, STR("type"), STR("array"));
        json_key(json, STR("items"));
        put_plain(json, str_slice(type, 0, type.len - 2));
        json_object_end(json);
    } else if (str_ends(type, STR("?"))) {
        json_object_begin(json);
        json_key(json, STR("anyOf"));
        json_array_begin(json);
        put_plain(json, str_slice(type, 0, type.len - 1));
        put_type(json, "null");
        json_array_end(json);
        json_object_end(json);
    } else {
        put_plain(json, str_ends(type, STR("!")) ? str_slice(type, 0, type.len - 1) : type);
    }
}

/* The next "NAME:TYPE" of a list. */
static bool next_field(struct str *rest, struct str *name, struct str *type)
{
    struct str word;
    if (!str_split(rest, ' ', &word)) {
        return false;
    }
    *type = word;
    return str_split(type, ':', name);
}

static void put_shape(struct json_writer *json, const struct shape *shape)
{
    struct str rest = str_of(shape->fields);
    struct str name;
    struct str type;
    json_key(json, str_of(shape->name));
    json_object_begin(json);
    json_field_str(json, STR("type"), STR("object"));
    json_key(json, STR("properties"));
    json_object_begin(json);
    while (next_field(&rest, &name, &type)) {
        json_key(json, name);
        put_field_type(json, type);
    }
    json_object_end(json);
    json_key(json, STR("required"));
    json_array_begin(json);
    rest = str_of(shape->fields);
    while (next_field(&rest, &name, &type)) {
        if (!str_ends(type, STR("!"))) {
            json_put_str(json, name);
        }
    }
    json_array_end(json);
    json_field_bool(json, STR("additionalProperties"), false);
    json_object_end(json);
}

/* ---- Operations ---- */

static void put_content(struct json_writer *json, const char *shape)
{
    json_key(json, STR("content"));
    json_object_begin(json);
    json_key(json, STR("application/json"));
    json_object_begin(json);
    json_key(json, STR("schema"));
    put_ref(json, "schemas", str_of(shape));
    json_object_end(json);
    json_object_end(json);
}

static void put_parameter(struct json_writer *json, struct str name, struct str type, bool path)
{
    json_object_begin(json);
    json_field_str(json, STR("name"), name);
    json_field_str(json, STR("in"), path ? STR("path") : STR("query"));
    json_field_bool(json, STR("required"), path);
    json_key(json, STR("schema"));
    put_field_type(json, type);
    json_object_end(json);
}

static void put_parameters(struct json_writer *json, const struct operation *operation)
{
    struct str rest = str_of(operation->word != NULL ? operation->word : "");
    struct str name;
    struct str type;
    json_key(json, STR("parameters"));
    json_array_begin(json);
    while (next_field(&rest, &name, &type)) {
        put_parameter(json, name, type, true);
    }
    rest = str_of(operation->arguments != NULL ? operation->arguments : "");
    while (next_field(&rest, &name, &type)) {
        put_parameter(json, name, type, false);
    }
    json_array_end(json);
}

static void put_refusals(struct json_writer *json, struct str statuses)
{
    struct str status;
    while (str_split(&statuses, ' ', &status)) {
        json_key(json, status);
        json_object_begin(json);
        json_field_str(json, STR("description"), STR("It was not done; the body says why."));
        put_content(json, "error");
        json_object_end(json);
    }
}

static void put_security(struct json_writer *json, const char *scope)
{
    json_key(json, STR("security"));
    json_array_begin(json);
    json_object_begin(json);
    json_key(json, STR("token"));
    json_array_begin(json);
    json_put_str(json, str_of(scope));
    json_array_end(json);
    json_object_end(json);
    json_array_end(json);
}

static void put_operation(struct json_writer *json, const struct operation *operation)
{
    json_key(json, strcmp(operation->method, "POST") == 0 ? STR("post") : STR("get"));
    json_object_begin(json);
    json_field_str(json, STR("operationId"), str_of(operation->name));
    json_field_str(json, STR("summary"), str_of(operation->summary));
    put_security(json, operation->scope);
    put_parameters(json, operation);
    if (operation->body != NULL) {
        json_key(json, STR("requestBody"));
        json_object_begin(json);
        put_content(json, operation->body);
        json_object_end(json);
    }
    json_key(json, STR("responses"));
    json_object_begin(json);
    json_key(json, str_of(operation->status));
    json_object_begin(json);
    json_field_str(json, STR("description"), str_of(operation->summary));
    put_content(json, operation->answer);
    json_object_end(json);
    if (operation->also != NULL) {
        json_key(json, STR("200"));
        json_object_begin(json);
        json_field_str(json, STR("description"), STR("What would be written."));
        put_content(json, operation->also);
        json_object_end(json);
    }
    put_refusals(json, str_of(operation->refused));
    put_refusals(json, OFTEN_REFUSED);
    json_object_end(json);
    json_object_end(json);
}

/* "/api/v1/runs/{id}" */
static void put_path(struct json_writer *json, const struct operation *operation)
{
    char path[128];
    struct str text = str_of(operation->path);
    struct str rest = str_of(operation->word != NULL ? operation->word : "");
    struct str name = {0};
    if (operation->word != NULL && str_split(&rest, ':', &name)) {
        text = str_slice(text, 0, text.len - 2);
        int len = snprintf(path, sizeof path, "%.*s{%.*s}", STR_ARG(text), STR_ARG(name));
        text = (struct str){path, (size_t)len};
    }
    json_key(json, text);
}

void openapi_write(struct buf *out)
{
    struct json_writer json;
    json_writer_init(&json, out);
    json_object_begin(&json);
    json_field_str(&json, STR("openapi"), STR("3.1.0"));
    json_key(&json, STR("info"));
    json_object_begin(&json);
    json_field_str(&json, STR("title"), STR("sluice"));
    json_field_str(&json, STR("version"), STR("1"));
    json_object_end(&json);
    json_key(&json, STR("paths"));
    json_object_begin(&json);
    for (size_t i = 0; i < OPERATIONS; i++) {
        put_path(&json, &operations[i]);
        json_object_begin(&json);
        put_operation(&json, &operations[i]);
        json_object_end(&json);
    }
    json_object_end(&json);
    json_key(&json, STR("components"));
    json_object_begin(&json);
    json_key(&json, STR("securitySchemes"));
    json_put_raw(&json, STR("{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
    json_key(&json, STR("schemas"));
    json_object_begin(&json);
    for (size_t i = 0; i < SHAPES; i++) {
        put_shape(&json, &shapes[i]);
    }
    json_object_end(&json);
    json_object_end(&json);
    json_object_end(&json);
}
