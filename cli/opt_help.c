#include <string.h>

#include "cli/opt.h"

enum { WIDTH = 80, INDENT = 26 };

void ap_opt_wrap(struct ap_buf *out, const char *text, size_t indent, size_t col)
{
	const char *p = text;

	while (*p) {
		size_t n = strcspn(p, " \n");

		if (col > indent && col + 1 + n > WIDTH) {
			ap_buf_addf(out, "\n%*s", (int)indent, "");
			col = indent;
		} else if (col > indent) {
			ap_buf_addc(out, ' ');
			col++;
		}
		ap_buf_add(out, p, n);
		col += n;
		p += n;
		if (*p == '\n') {
			ap_buf_addf(out, "\n%*s", p[1] && p[1] != '\n' ? (int)indent : 0, "");
			col = indent;
		}
		if (*p)
			p++;
	}
	ap_buf_addc(out, '\n');
}

/* "--dry-run[=plan|check]", "--[no-]vcs-labels", "-q, --quiet" */
static void add_spelling(struct ap_buf *out, const struct ap_opt *o)
{
	if (o->letter)
		ap_buf_addf(out, "-%c, ", o->letter);
	ap_buf_addf(out, "--%s%s", o->kind == AP_OPT_TRI ? "[no-]" : "", o->name);
	if (o->kind == AP_OPT_FLAG || o->kind == AP_OPT_TRI)
		return;
	ap_buf_addf(out, o->kind == AP_OPT_OPT ? "[=%s]" : "=%s", o->arg);
}

/* Not a group of advice alone, on flags of gcloud that are not here. */
static bool shows_any(const struct ap_opt_group *g)
{
	for (size_t k = 0; k < g->n; k++)
		if (!g->v[k].is_not)
			return true;
	return false;
}

void ap_opt_help(struct ap_buf *out, const struct ap_opt_group *groups, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!shows_any(&groups[i]))
			continue;
		ap_buf_addf(out, "\n%s:\n", groups[i].title);
		for (size_t k = 0; k < groups[i].n; k++) {
			const struct ap_opt *o = &groups[i].v[k];
			size_t from = out->len;
			size_t col;

			if (o->is_not)
				continue;
			ap_buf_adds(out, "  ");
			add_spelling(out, o);
			col = out->len - from;
			if (col + 2 > INDENT) {
				ap_buf_addf(out, "\n%*s", INDENT, "");
			} else {
				ap_buf_addf(out, "%*s", (int)(INDENT - col), "");
			}
			ap_opt_wrap(out, o->help, INDENT, INDENT);
		}
	}
}
