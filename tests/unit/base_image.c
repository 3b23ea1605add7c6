#include "tests/unit/unit.h"

#include "tests/unit/base_image.h"

struct ap_inventory *base_image(const char *tree, const char *dists)
{
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_json j = NULL;
	struct ap_inventory *inv = NULL;
	struct ap_err err = AP_ERR_INIT;

	ap_buf_addf(&text,
		"{\"format\":\"autopack.inventory.v1\",\"os\":\"linux\",\"arch\":\"amd64\","
		"\"libc\":\"glibc\",\"libcVersion\":\"2.36\",\"hasPython3\":true,"
		"\"python\":\"/usr/bin/python3.11\",\"pythonVersion\":\"3.11.2\","
		"\"implementation\":\"cpython\",\"scheme\":{\"prefix\":\"/usr/local\","
		"\"purelib\":\"/usr/local/lib/python3.11/dist-packages\","
		"\"platlib\":\"/usr/local/lib/python3.11/dist-packages\","
		"\"scripts\":\"/usr/local/bin\",\"data\":\"/usr/local\","
		"\"headers\":\"/usr/include/python3.11\","
		"\"interpreter\":\"/usr/bin/python3\"},"
		"\"siteDirs\":[\"/usr/local/lib/python3.11/dist-packages\"],"
		"\"distributions\":[%s],\"tree\":%s}",
		dists ? dists : "", tree ? tree : "{\"usr\":{\"local\":{\"bin\":{}}}}");
	assert_ok(ap_json_parse(&j, text.p, text.len, &err), &err);
	assert_ok(ap_inventory_from_json(&inv, j, &err), &err);
	return inv;
}
