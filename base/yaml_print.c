#include "base/yaml.h"

#include <string.h>
#include <strings.h>

/* Words that some reader takes for something else than a string. */
static bool is_reserved(const char *s)
{
	static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true", "false",
		"null" };

	for (size_t i = 0; i < AP_LEN(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

/* Plain only where YAML 1.1 and 1.2 agree: begins with a letter or `/`, nothing special inside. */
static bool is_plain(const char *s)
{
	char first = ap_lower(*s);

	if (!((first >= 'a' && first <= 'z') || first == '/' || first == '_') || is_reserved(s))
		return false;
	for (const char *p = s; *p; p++) {
		if (ap_is_alnum(*p) || strchr("_-./@+=$%", *p))
			continue;
		if (*p == ':' && p[1] && p[1] != ' ')
			continue;
		if (*p == ' ' && p[1] && p[1] != '#' && p[1] != ' ')
			continue;
		return false;
	}
	return true;
}

static void add_quoted(struct ap_buf *out, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	ap_buf_addc(out, '"');
	for (; *p; p++) {
		if (*p == '"' || *p == '\\')
			ap_buf_addf(out, "\\%c", *p);
		else if (*p == '\n')
			ap_buf_adds(out, "\\n");
		else if (*p == '\t')
			ap_buf_adds(out, "\\t");
		else if (*p < 0x20 || *p == 0x7f)
			ap_buf_addf(out, "\\x%02X", *p);
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			ap_buf_addf(out, "\\x%02X", *++p);
		else if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) {
			ap_buf_addf(out, "\\u%04X", 0x2000 + (p[2] - 0x80));
			p += 2;
		} else if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf) {
			ap_buf_adds(out, "\\uFEFF");
			p += 2;
		} else {
			ap_buf_addc(out, (char)*p);
		}
	}
	ap_buf_addc(out, '"');
}

static void add_string(struct ap_buf *out, const char *s)
{
	if (is_plain(s))
		ap_buf_adds(out, s);
	else
		add_quoted(out, s);
}

static void indent(struct ap_buf *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ap_buf_adds(out, "  ");
}

static void print_node(struct ap_buf *out, const cJSON *j, unsigned depth, bool after_dash);

/* The part after "key:" or "-": on the same line when it is short, below otherwise. */
static void print_value(struct ap_buf *out, const cJSON *j, unsigned depth, bool in_list)
{
	if ((cJSON_IsObject(j) || cJSON_IsArray(j)) && j->child) {
		if (in_list) {
			ap_buf_addc(out, ' ');
			print_node(out, j, depth, true);
		} else {
			ap_buf_addc(out, '\n');
			print_node(out, j, cJSON_IsArray(j) ? depth - 1 : depth, false);
		}
		return;
	}
	ap_buf_addc(out, ' ');
	if (cJSON_IsString(j))
		add_string(out, j->valuestring);
	else
		ap_json_print(out, j, 0);
	ap_buf_addc(out, '\n');
}

static void print_node(struct ap_buf *out, const cJSON *j, unsigned depth, bool after_dash)
{
	for (const cJSON *c = j->child; c; c = c->next) {
		if (!after_dash || c != j->child)
			indent(out, depth);
		if (cJSON_IsArray(j)) {
			ap_buf_addc(out, '-');
			print_value(out, c, depth + 1, true);
		} else {
			add_string(out, c->string);
			ap_buf_addc(out, ':');
			print_value(out, c, depth + 1, false);
		}
	}
}

void ap_yaml_print(struct ap_buf *out, const cJSON *j)
{
	if ((cJSON_IsObject(j) || cJSON_IsArray(j)) && j->child) {
		print_node(out, j, 0, false);
		return;
	}
	if (cJSON_IsString(j))
		add_string(out, j->valuestring);
	else
		ap_json_print(out, j, 0);
	ap_buf_addc(out, '\n');
}
