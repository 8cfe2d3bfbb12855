/* The one file that sees libcurl. See https.h. */
#include "common/net/https.h"

#include <curl/curl.h>

enum { CONNECT_S = 15, URL_MAX = 2600, RESOLVE_MAX = 1024 };

bool https_prepare(struct err *e)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ||
	    err_temp(e, "4.3.0", "cannot start libcurl");
}

/* --- the request --- */

/* host:port:address,address: curl looks up nothing itself. */
static struct curl_slist *addresses_of(const struct https_request *r)
{
	struct str line = STR(RESOLVE_MAX);
	struct curl_slist *list;

	str_addf(&line, "%s:%u:", r->host, r->port);
	for (size_t i = 0; i < r->ip_count; i++)
		str_addf(&line, strchr(r->ips[i], ':') ? "%s[%s]" : "%s%s", i ? "," : "",
		    r->ips[i]);
	list = line.over ? NULL : curl_slist_append(NULL, line.p);
	str_free(&line);
	return list;
}

static struct curl_slist *fields_of(const struct https_request *r)
{
	struct str line = STR(RESOLVE_MAX);
	struct curl_slist *list;

	str_addf(&line, "Content-Type: %s", r->type);
	list = curl_slist_append(NULL, line.p);
	str_free(&line);
	return list;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *into)
{
	struct str *body = into;

	str_add(body, (struct span){ bytes, size * n });
	return body->over ? 0 : size * n;	/* 0 ends it */
}

static void set_text(CURL *c, const char *url, const struct https_request *r)
{
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_USERAGENT, r->agent);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)r->timeout_s);
}

static void set_trust(CURL *c, const struct https_request *r)
{
	struct curl_blob pem = { (void *)(uintptr_t)r->authorities.p, r->authorities.n,
	    CURL_BLOB_NOCOPY };

	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	if (!r->authorities.n)
		return;
	curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &pem);
}

static void set_body(CURL *c, const struct https_request *r, const struct curl_slist *fields)
{
	if (!r->type)
		return;
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body.p);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, fields);
}

/* --- the answer --- */

static void read_head(CURL *c, struct https_answer *answer)
{
	const char *type = NULL;
	long status = 0;
	size_t n;

	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
	answer->status = status > 0 ? (unsigned)status : 0;
	n = type ? strcspn(type, "; \t") : 0;
	for (size_t i = 0; i < n && i < sizeof answer->type - 1; i++)
		answer->type[i] = is_print(type[i]) ? to_lower(type[i]) : '?';
}

static enum https_why judge(CURLcode code, const char *why, const struct https_request *r,
    const struct str *body, struct err *e)
{
	if (code == CURLE_OK)
		return HTTPS_ANSWERED;
	if (body->over)
		err_temp(e, "4.4.2", "%s sends more than %zu bytes", r->host, body->max);
	else
		err_temp(e, "4.4.2", "%s: %s", r->host, *why ? why : curl_easy_strerror(code));
	return code == CURLE_PEER_FAILED_VERIFICATION ? HTTPS_UNTRUSTED : HTTPS_UNREACHABLE;
}

static enum https_why perform(CURL *c, const struct https_request *r, struct https_answer *answer,
    struct str *body, struct err *e)
{
	struct curl_slist *addresses = addresses_of(r), *fields = r->type ? fields_of(r) : NULL;
	char url[URL_MAX], why[CURL_ERROR_SIZE] = "";
	enum https_why got;

	snprintf(url, sizeof url, "https://%s:%u%s", r->host, r->port, r->path);
	set_text(c, url, r);
	set_trust(c, r);
	set_body(c, r, fields);
	curl_easy_setopt(c, CURLOPT_RESOLVE, addresses);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
	got = judge(addresses ? curl_easy_perform(c) : CURLE_COULDNT_RESOLVE_HOST, why, r, body, e);
	if (got == HTTPS_ANSWERED)
		read_head(c, answer);
	curl_slist_free_all(addresses);
	curl_slist_free_all(fields);
	return got;
}

enum https_why https_ask(const struct https_request *r, struct https_answer *answer,
    struct str *body, struct err *e)
{
	CURL *c = curl_easy_init();
	enum https_why got;

	*answer = (struct https_answer){ 0 };
	if (!c) {
		err_temp(e, "4.3.0", "cannot make a request");
		return HTTPS_UNREACHABLE;
	}
	got = perform(c, r, answer, body, e);
	curl_easy_cleanup(c);
	return got;
}
