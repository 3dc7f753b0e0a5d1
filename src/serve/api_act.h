/* api_act: what of the API makes something happen. Each is a call of api.h. */
#ifndef SLUICE_SERVE_API_ACT_H
#define SLUICE_SERVE_API_ACT_H

#include "serve/api.h"

bool api_run(struct api *api, struct calls_hand *hand, struct call *call);
bool api_reload(struct api *api, struct calls_hand *hand, struct call *call);
bool api_request(struct api *api, struct calls_hand *hand, struct call *call);

#endif
