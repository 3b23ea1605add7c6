/*
 * An image described: as JSON, which `inspect` prints and the HTML report is
 * made of, and the same as lines for people.
 */
#ifndef AP_CLI_DESCRIPTION_H
#define AP_CLI_DESCRIPTION_H

#include "base/json.h"
#include "cli/inventory_of.h"
#include "pack/base.h"

/*
 * Digest, platform, configuration, and the layers with who made them and what
 * for ("origin": "base", or "added" by us).  *out: owned, cJSON_Delete().
 */
cJSON *ap_description_make(const struct ap_base *image, const char *name);

/* What is in one of its layers, by distribution and directory. */
void ap_description_add_shares(cJSON *layer, const struct ap_shares *s);

/* Lines of text, appended; with the shares and attachments that it has. */
void ap_description_print(struct ap_buf *out, const cJSON *description);

#endif
