/* api_look: what of the API only reads. Each is a call of api.h. */
#ifndef SLUICE_SERVE_API_LOOK_H
#define SLUICE_SERVE_API_LOOK_H

#include "serve/api.h"

bool api_messages(struct api *api, struct calls_hand *hand, struct call *call);
bool api_message(struct api *api, struct calls_hand *hand, struct call *call);
bool api_records(struct api *api, struct calls_hand *hand, struct call *call);
bool api_dead_letters(struct api *api, struct calls_hand *hand, struct call *call);
bool api_dead_letter(struct api *api, struct calls_hand *hand, struct call *call);
bool api_runs(struct api *api, struct calls_hand *hand, struct call *call);
bool api_run_one(struct api *api, struct calls_hand *hand, struct call *call);
bool api_gaps(struct api *api, struct calls_hand *hand, struct call *call);
bool api_pipelines(struct api *api, struct calls_hand *hand, struct call *call);

#endif
