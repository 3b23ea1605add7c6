/*
 * `inspect --report`: an image as one self-contained HTML page with a
 * picture of what is big, by layer and distribution.
 */
#ifndef AP_CLI_REPORT_H
#define AP_CLI_REPORT_H

#include "base/json.h"

/*
 * `j` is what `inspect --format=json` prints, with the shares of each layer.
 * Every text of it is escaped; the page loads nothing and runs no script.
 */
void ap_report_html(struct ap_buf *out, const cJSON *j);

#endif
