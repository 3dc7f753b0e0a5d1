#include "app/kinds.h"

#include "domain/drops.h"
#include "domain/proposals.h"
#include "domain/students.h"
#include "domain/sync.h"
#include "pipeline/chain.h"
#include "sink/command.h"
#include "sink/csv.h"
#include "sink/email.h"
#include "sink/google_sheets.h"
#include "sink/http.h"
#include "sink/json.h"
#include "sink/mongodb.h"
#include "sink/ndjson.h"
#include "sink/postgres.h"
#include "sink/sqlite.h"
#include "source/csv.h"
#include "source/google_sheets.h"
#include "source/mongodb.h"
#include "source/postgres.h"
#include "source/sqlite.h"
#include "source/timer.h"
#include "source/webhook.h"
#include "source/whatsapp_bridge.h"
#include "source/whatsapp_web.h"

static const struct source_type *const sources[] = {
    &source_csv,          &source_google_sheets,
    &source_mongodb,      &source_postgres,
    &source_sqlite,       &source_timer,
    &source_webhook,      &source_whatsapp_bridge,
    &source_whatsapp_web, NULL,
};

static const struct sink_type *const sinks[] = {
    &sink_command, &sink_csv,    &sink_email,    &sink_google_sheets, &sink_http, &sink_json,
    &sink_mongodb, &sink_ndjson, &sink_postgres, &sink_sqlite,        NULL,
};

static const struct op_type *const ops[] = {
    &op_drops, &op_proposals, &op_students, &op_sync, NULL,
};

const struct kinds app_kinds = {
    .sources = sources,
    .sinks = sinks,
    .ops = ops,
    .chain = &op_chain,
    .steps = chain_steps,
    .branches = chain_branches,
};
