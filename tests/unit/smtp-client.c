/*
 * The client's side. The server's replies lie in the socket before the client begins, so
 * one table row is a whole conversation: what the server says, what the client said in
 * the end, and what became of each recipient.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/os/fd.h"
#include "common/smtp/client.h"

enum { ROOM = 1 << 20 };

#define HELLO	"220 mx ESMTP\r\n250-mx\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
#define PIPE	HELLO "250-DSN\r\n250 PIPELINING\r\n"
#define PLAIN	HELLO "250 SMTPUTF8\r\n"
#define EHLO	"EHLO us.test\r\n"
#define MAIL	"MAIL FROM:<a@x.test>"
#define RCPT(n)	"RCPT TO:<" #n "@y.test>\r\n"
#define TEXT	"hi\n.dot\n"
#define WIRE	"hi\r\n..dot\r\n.\r\n"

static const struct {
	const char	*name, *says;
	unsigned	 rcpts;
	const char	*said;		/* behind EHLO */
	const char	*results;	/* one letter each: . taken, t TEMP, P PERM */
	const char	*status;	/* of the first */
	bool		 usable;	/* afterwards */
	struct mail_params params;
	const char	*text;
} cases[] = {
	{ "one by one", PLAIN "250 ok\r\n250 ok\r\n354 go\r\n250 2.6.0 queued\r\n", 1,
	    MAIL " SIZE=10\r\n" RCPT(r0) "DATA\r\n" WIRE, ".", "2.6.0", true, { .size = 10 } },
	{ "in a group", PIPE "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 2,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) "DATA\r\n" WIRE, "..", "2.0.0", true },
	{ "one is refused, one may come later", PIPE
	    "250 ok\r\n550 5.1.1 who\r\n250 ok\r\n452-4.2.2 full\r\n452 4.2.2 up\r\n354 go\r\n250 ok\r\n", 3,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) RCPT(r2) "DATA\r\n" WIRE, "P.t", "5.1.1", true },
	{ "all refused, one by one: no DATA", PLAIN "250 ok\r\n550 no\r\n550 no\r\n250 reset\r\n", 2,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) "RSET\r\n", "PP", "5.0.0", true },
	{ "all refused in a group", PIPE "250 ok\r\n550 no\r\n554 no rcpts\r\n250 reset\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\nRSET\r\n", "P", "5.0.0", true },
	{ "all refused, and DATA accepted", PIPE "250 ok\r\n550 no\r\n354 go\r\n554 nothing\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n.\r\n", "P", "5.0.0", true },
	{ "sender refused", PIPE "550 5.7.1 not you\r\n503 no\r\n503 no\r\n503 no\r\n250 reset\r\n", 2,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) "DATA\r\nRSET\r\n", "PP", "5.7.1", true },
	{ "sender refused, one by one", PLAIN "451 later\r\n250 reset\r\n", 1, MAIL "\r\nRSET\r\n", "t", "4.0.0", true },
	{ "DATA refused", PIPE "250 ok\r\n250 ok\r\n451 4.3.0 sick\r\n250 reset\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\nRSET\r\n", "t", "4.3.0", true },
	{ "text refused", PIPE "250 ok\r\n250 ok\r\n354 go\r\n554 5.6.0 spam\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n" WIRE, "P", "5.6.0", true },
	{ "421 instead of an answer", PIPE "250 ok\r\n421 4.3.2 going down\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n", "t", "4.3.2", false },
	{ "gone after the text: nobody knows", PIPE "250 ok\r\n250 ok\r\n354 go\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n" WIRE, "t", "4.4.2", false },
	{ "nonsense", PIPE "250 ok\r\nwhat?\r\n", 1, MAIL "\r\n" RCPT(r0) "DATA\r\n", "t", "4.5.0", false },
	{ "a bare LF in a reply", PIPE "250 ok\n250 ok\r\n", 1, MAIL "\r\n" RCPT(r0) "DATA\r\n", "t", "4.5.0", false },
	{ "3xx to RCPT is no yes", PLAIN "250 ok\r\n354 go\r\n250 reset\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "RSET\r\n", "t", "4.5.0", true },
	{ "2xx to DATA is no go", PLAIN "250 ok\r\n250 ok\r\n250 ok\r\n250 reset\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\nRSET\r\n", "t", "4.5.0", true },
	{ "350 to DATA is no go", PLAIN "250 ok\r\n250 ok\r\n350 ok\r\n250 reset\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\nRSET\r\n", "t", "4.5.0", true },
	{ "354 after the text is no yes", PLAIN "250 ok\r\n250 ok\r\n354 ok\r\n354 ok\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n" WIRE, "t", "4.5.0", true },
	{ "too big for it", PLAIN, 1, "", "P", "5.3.4", true, { .size = 1001 } },
	{ "needs REQUIRETLS", PIPE, 1, "", "P", "5.7.30", true, { .require_tls = true } },
	{ "is wanted back, and no DELIVERBY", PIPE, 1, "", "P", "5.3.3", true, { .by = { BY_RETURN, false, 60 } } },
	{ "a time and a priority are dropped where they are not known", PLAIN "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n" WIRE, ".", "2.0.0", true, { .by = { BY_NOTIFY, false, 60 }, .priority = 3 } },
	{ "goes on with all it asks for", HELLO "250-REQUIRETLS\r\n250-DELIVERBY 10\r\n250 MT-PRIORITY MIXER\r\n"
	    "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 1,
	    MAIL " REQUIRETLS BY=60;RT MT-PRIORITY=-2\r\n" RCPT(r0) "DATA\r\n" WIRE, ".", "2.0.0", true,
	    { .require_tls = true, .by = { BY_RETURN, true, 60 }, .priority = -2 } },
	{ "needs SMTPUTF8", PIPE, 2, "", "PP", "5.6.7", true, { .smtputf8 = true } },
	{ "has SMTPUTF8", PLAIN "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 1,
	    MAIL " BODY=8BITMIME SMTPUTF8\r\n" RCPT(r0) "DATA\r\n" WIRE, ".", "2.0.0", true,
	    { .smtputf8 = true, .body8bit = true, .ret = "full", .envid = "x" } },
	{ "has DSN", PIPE "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 1,
	    MAIL " RET=FULL ENVID=x+2B\r\n" RCPT(r0) "DATA\r\n" WIRE, ".", "2.0.0", true,
	    { .ret = "full", .envid = "x+2B" } },
	{ "no line end at the end, dots everywhere", PLAIN "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n...\r\na.\r\n\r\n..x\r\n.\r\n", ".", "2.0.0", true, { .size = 0 }, "..\na.\n\n.x" },
	{ "an empty text", PLAIN "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n.\r\n", ".", "2.0.0", true, { .size = 0 }, "" },
	{ "only HELO", "220 mx\r\n502 what\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 1,
	    "HELO us.test\r\n" MAIL "\r\n" RCPT(r0) "DATA\r\n" WIRE, ".", "2.0.0", true, { .size = 10 } },
};

#define CHUNK	HELLO "250-CHUNKING\r\n250 PIPELINING\r\n"
#define BDAT	"BDAT 10 LAST\r\nhi\r\n.dot\r\n"

/* By BDAT, in some rounds, and by LMTP. */
static const struct {
	const char	*name, *says;
	unsigned	 rcpts;
	const char	*said, *results, *status;
	bool		 usable, lmtp, no_bdat;
	const char	*text, *left;
} rounds[] = {
	{ "a small text goes with the commands", CHUNK "250 ok\r\n250 ok\r\n250 2.6.0 queued\r\n", 1,
	    MAIL "\r\n" RCPT(r0) BDAT, ".", "2.6.0", true },
	{ "one is refused, one not", CHUNK "250 ok\r\n550 5.1.1 no\r\n250 ok\r\n250 ok\r\n", 2,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) BDAT, "P.", "5.1.1", true },
	{ "all refused, and BDAT still answered", CHUNK "250 ok\r\n550 no\r\n503 5.5.1 what\r\n250 reset\r\n", 1,
	    MAIL "\r\n" RCPT(r0) BDAT "RSET\r\n", "P", "5.0.0", true },
	{ "sender refused", CHUNK "451 4.7.1 later\r\n503 no\r\n503 no\r\n250 reset\r\n", 1,
	    MAIL "\r\n" RCPT(r0) BDAT "RSET\r\n", "t", "4.7.1", true },
	{ "text refused", CHUNK "250 ok\r\n250 ok\r\n554 5.6.0 spam\r\n", 1,
	    MAIL "\r\n" RCPT(r0) BDAT, "P", "5.6.0", true },
	{ "354 to BDAT is no yes", CHUNK "250 ok\r\n250 ok\r\n354 go\r\n", 1, MAIL "\r\n" RCPT(r0) BDAT, "t", "4.5.0", true },
	{ "BDAT is not known after all", CHUNK "250 ok\r\n250 ok\r\n502 what\r\n250 reset\r\n"
	    "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 1,
	    MAIL "\r\n" RCPT(r0) BDAT "RSET\r\n" MAIL "\r\n" RCPT(r0) "DATA\r\n" WIRE, ".", "2.0.0", true, false, true },
	{ "it takes the text for commands", CHUNK "250 ok\r\n250 ok\r\n500 what\r\n500 hi?\r\n500 .dot?\r\n", 1,
	    MAIL "\r\n" RCPT(r0) BDAT "RSET\r\n", "t", "4.5.0", false, false, true },
	{ "gone after BDAT: the next time by DATA", CHUNK "250 ok\r\n250 ok\r\n", 1,
	    MAIL "\r\n" RCPT(r0) BDAT, "t", "4.4.2", false, false, true },
	{ "a line without its end gets one", CHUNK "250 ok\r\n250 ok\r\n250 ok\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "BDAT 4 LAST\r\n.x\r\n", ".", "2.0.0", true, false, false, ".x" },
	{ "an empty text", CHUNK "250 ok\r\n250 ok\r\n250 ok\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "BDAT 0 LAST\r\n", ".", "2.0.0", true, false, false, "" },
	{ "no PIPELINING: nothing is saved", HELLO "250 CHUNKING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n" WIRE, ".", "2.0.0", true },
	{ "too many go in the next transaction", PIPE "250 ok\r\n250 ok\r\n452 4.5.3 too many\r\n452 too many\r\n354 go\r\n250 ok\r\n"
	    "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n" "250 ok\r\n550 5.1.1 no\r\n554 no\r\n250 reset\r\n", 3,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) RCPT(r2) "DATA\r\n" WIRE MAIL "\r\n" RCPT(r1) "DATA\r\n" WIRE
	    MAIL "\r\n" RCPT(r2) "DATA\r\nRSET\r\n", "..P", "2.0.0", true },
	{ "552 is an old spelling", PIPE "250 ok\r\n250 ok\r\n552 too many\r\n354 go\r\n250 ok\r\n"
	    "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 2,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) "DATA\r\n" WIRE MAIL "\r\n" RCPT(r1) "DATA\r\n" WIRE, "..", "2.0.0", true },
	{ "a full disk is not too many", PIPE "250 ok\r\n250 ok\r\n452 4.3.1 full\r\n354 go\r\n250 ok\r\n", 2,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) "DATA\r\n" WIRE, ".t", "2.0.0", true },
	{ "too many of none is later", PIPE "250 ok\r\n452 4.5.3 too many\r\n554 no\r\n250 reset\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\nRSET\r\n", "t", "4.5.3", true },
	{ "LIMITS", HELLO "250-LIMITS RCPTMAX=2 X=1 MAILMAX=oops\r\n250 PIPELINING\r\n"
	    "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n" "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 3,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) "DATA\r\n" WIRE MAIL "\r\n" RCPT(r2) "DATA\r\n" WIRE, "...", "2.0.0", true },
	{ "MAILMAX leaves some for another connection", HELLO "250-LIMITS RCPTMAX=1 MAILMAX=1\r\n250 PIPELINING\r\n"
	    "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", 2,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n" WIRE, ".t", "2.0.0", true, false, false, NULL, "-l" },
	{ "LMTP answers for each", PIPE "250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n250 2.1.5 ok\r\n452 4.2.2 full\r\n", 3,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) RCPT(r2) "DATA\r\n" WIRE, ".Pt", "2.1.5", true, true },
	{ "LMTP knows no BDAT of ours", CHUNK "250 ok\r\n250 ok\r\n354 go\r\n250 2.1.5 ok\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n" WIRE, ".", "2.1.5", true, true },
	{ "LMTP ends before its last answer", PIPE "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 2.1.5 ok\r\n", 2,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) "DATA\r\n" WIRE, ".t", "2.1.5", false, true },
	{ "LMTP says go to nobody", PIPE "250 ok\r\n550 5.1.1 no\r\n354 go\r\n", 1,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n", "P", "5.1.1", false, true },
	{ "LMTP says go to nobody, and was not asked about all", HELLO "250-LIMITS RCPTMAX=1\r\n250 PIPELINING\r\n"
	    "250 ok\r\n550 5.1.1 no\r\n354 go\r\n", 2,
	    MAIL "\r\n" RCPT(r0) "DATA\r\n", "Pt", "5.1.1", false, true },
	{ "LMTP hangs up on the first", PIPE "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n421 4.3.2 bye\r\n", 2,
	    MAIL "\r\n" RCPT(r0) RCPT(r1) "DATA\r\n" WIRE, "tt", "4.3.2", false, true },
};

static int text_of(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	ck_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static void read_all(int fd, struct str *out)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof buf, MSG_DONTWAIT)) > 0)
		str_add(out, (struct span){ buf, (size_t)n });
}

/* A client whose server has said all it will say. */
struct stage { int pair[2]; struct fd_stream stream; struct smtp_client c; };

static void raise_curtain(struct stage *s, const char *says)
{
	ck_assert(fd_stream_pair(s->pair, NULL));
	ck_assert(write(s->pair[1], says, strlen(says)) == (ssize_t)strlen(says));
	shutdown(s->pair[1], SHUT_WR);
	fd_stream_init(&s->stream, s->pair[0]);
	smtp_client_open(&s->c, &s->stream.stream, "us.test", NULL);
}

static void drop_curtain(struct stage *s)
{
	smtp_client_close(&s->c);
	fd_close(&s->pair[0]);
	fd_close(&s->pair[1]);
}

START_TEST(client_conversations)
{
	struct parcel_rcpt rcpts[3] = { { .address = "r0@y.test" }, { .address = "r1@y.test" },
		{ .address = "r2@y.test" } };
	struct parcel p = { .sender = "a@x.test",
		.params = cases[_i].params,
		.rcpts = rcpts,
		.count = cases[_i].rcpts };
	struct str said = STR(ROOM);
	struct span rest;
	struct stage s;
	struct err e = { .kind = ERR_NONE };

	raise_curtain(&s, cases[_i].says);
	p.text = text_of(cases[_i].text ? cases[_i].text : TEXT);
	ck_assert(smtp_client_greet(&s.c, &e) && smtp_client_hello(&s.c, &e));
	ck_assert_msg(smtp_client_send(&s.c, &p, &e) == cases[_i].usable, "%s", cases[_i].name);
	ck_assert(cases[_i].usable || e.kind == ERR_TEMP);
	read_all(s.pair[1], &said);
	rest = str_span(&said);
	ck_assert(span_eat(&rest, EHLO));
	ck_assert_str_eq(rest.p, cases[_i].said);
	for (size_t i = 0; i < p.count; i++)
		ck_assert_msg(".tP"[rcpts[i].kind] == cases[_i].results[i], "%s: %zu", cases[_i].name, i);
	ck_assert_str_eq(rcpts[0].status, cases[_i].status);
	close(p.text);
	drop_curtain(&s);
	str_free(&said);
}
END_TEST

START_TEST(client_rounds)
{
	struct parcel_rcpt rcpts[3] = { { .address = "r0@y.test" }, { .address = "r1@y.test" },
		{ .address = "r2@y.test" } };
	struct parcel p = { .sender = "a@x.test", .rcpts = rcpts, .count = rounds[_i].rcpts };
	struct str said = STR(ROOM);
	struct span rest;
	struct stage s;
	struct err e = { .kind = ERR_NONE };

	raise_curtain(&s, rounds[_i].says);
	s.c.lmtp = rounds[_i].lmtp;
	p.text = text_of(rounds[_i].text ? rounds[_i].text : TEXT);
	ck_assert(smtp_client_greet(&s.c, &e) && smtp_client_hello(&s.c, &e));
	ck_assert_msg(smtp_client_send(&s.c, &p, &e) == rounds[_i].usable, "%s: %s", rounds[_i].name, e.text);
	read_all(s.pair[1], &said);
	rest = str_span(&said);
	ck_assert(span_eat(&rest, rounds[_i].lmtp ? "LHLO us.test\r\n" : EHLO));
	ck_assert_str_eq(rest.p, rounds[_i].said);
	for (size_t i = 0; i < p.count; i++) {
		ck_assert_msg(".tP"[rcpts[i].kind] == rounds[_i].results[i], "%s: %zu", rounds[_i].name, i);
		ck_assert(rcpts[i].left == (rounds[_i].left && rounds[_i].left[i] == 'l'));
	}
	ck_assert_str_eq(rcpts[0].status, rounds[_i].status);
	ck_assert_msg(s.c.no_bdat == rounds[_i].no_bdat, "%s", rounds[_i].name);
	close(p.text);
	drop_curtain(&s);
	str_free(&said);
}
END_TEST

/* What is larger than a chunk goes by DATA. */
START_TEST(client_holds_large_texts_back)
{
	static char large[40000];
	struct parcel_rcpt r = { .address = "r0@y.test" };
	struct parcel p = { .sender = "", .rcpts = &r, .count = 1 };
	struct str said = STR(ROOM);
	struct stage s;

	memset(large, 'x', sizeof large - 1);
	raise_curtain(&s, CHUNK "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n");
	p.text = text_of(large);
	ck_assert(smtp_client_greet(&s.c, NULL) && smtp_client_hello(&s.c, NULL) &&
	    smtp_client_send(&s.c, &p, NULL));
	read_all(s.pair[1], &said);
	ck_assert(span_search(str_span(&said), SPAN("DATA\r\nxxx")) > 0 &&
	    span_search(str_span(&said), SPAN("BDAT")) < 0);
	close(p.text);
	drop_curtain(&s);
	str_free(&said);
}
END_TEST

/* RFC 9422 4: no more domains at once than that. */
START_TEST(client_parts_domains)
{
	struct parcel_rcpt rcpts[4] = { { .address = "r0@y.test" }, { .address = "r1@z.test" },
		{ .address = "r2@Y.test" }, { .address = "r3@w.test" } };
	struct parcel p = { .sender = "", .rcpts = rcpts, .count = 4, .text = text_of("") };
	struct str said = STR(ROOM);
	struct stage s;

	raise_curtain(&s, HELLO "250-LIMITS RCPTDOMAINMAX=2\r\n250 PIPELINING\r\n"
	    "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n" "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n");
	ck_assert(smtp_client_greet(&s.c, NULL) && smtp_client_hello(&s.c, NULL) &&
	    smtp_client_send(&s.c, &p, NULL));
	read_all(s.pair[1], &said);
	ck_assert_str_eq(said.p,
	    EHLO
	    "MAIL FROM:<>\r\nRCPT TO:<r0@y.test>\r\nRCPT TO:<r1@z.test>\r\nRCPT TO:<r2@Y.test>\r\n"
	    "DATA\r\n.\r\n"
	    "MAIL FROM:<>\r\nRCPT TO:<r3@w.test>\r\nDATA\r\n.\r\n");
	close(p.text);
	drop_curtain(&s);
	str_free(&said);
}
END_TEST

/* --- AUTH --- */

static const struct { const char *says, *initial, *said; bool ok; enum err_kind kind; const char *status; } logins[] = {
	{ "235 2.7.0 fine\r\n", "\0a\0b", "AUTH X AGEAYg==\r\n", true, ERR_NONE, "" },
	{ "235 fine\r\n", "", "AUTH X =\r\n", true, ERR_NONE, "" },
	{ "334 \r\n334 aGk=\r\n235 fine\r\n", NULL, "AUTH X\r\nW10=\r\nW2hpXQ==\r\n", true, ERR_NONE, "" },
	{ "535 5.7.8 no\r\n", "x", "AUTH X eA==\r\n", false, ERR_PERM, "5.7.8" },
	{ "454 4.7.0 not now\r\n", "x", "AUTH X eA==\r\n", false, ERR_TEMP, "4.7.0" },
	{ "250 what\r\n", "x", "AUTH X eA==\r\n", false, ERR_TEMP, "4.5.0" },
	{ "354 what\r\n", NULL, "AUTH X\r\n", false, ERR_TEMP, "4.5.0" },
	{ "334 no base64!\r\n501 ended\r\n", NULL, "AUTH X\r\n*\r\n", false, ERR_TEMP, "4.7.0" },
	{ "334 bm8=\r\n501 ended\r\n", NULL, "AUTH X\r\n*\r\n", false, ERR_PERM, "5.7.8" },
	{ "334 \r\n334 \r\n334 \r\n334 \r\n334 \r\n334 \r\n334 \r\n334 \r\n334 \r\n334 \r\n334 \r\n", NULL, NULL, false, ERR_TEMP, "4.5.0" },
	{ "", "x", "AUTH X eA==\r\n", false, ERR_TEMP, "4.4.2" },
	/* it quotes the line that it did not like */
	{ "500 5.5.1 Command unrecognized: \"AUTH X c2VjcmV0IHdvcmRz\"\r\n", "secret words", "AUTH X c2VjcmV0IHdvcmRz\r\n", false,
	    ERR_PERM, "5.5.1" },
	{ "535-5.7.8 no\r\n535 5.7.8 not with secret words\r\n", "secret words", NULL, false, ERR_PERM, "5.7.8" },
	{ "AUTH X c2VjcmV0IHdvcmRz: command not found\r\n", "secret words", NULL, false, ERR_TEMP, "4.5.0" },
	{ "535-5.7.8 no\r\nthat is secret words\r\n", "secret words", NULL, false, ERR_TEMP, "4.5.0" },
};

/* "[WORDS]" to whatever words, but not to "no". */
static bool answer(void *arg, struct span challenge, struct str *words, struct err *e)
{
	(void)arg;
	str_addf(words, "[" SPAN_FMT "]", SPAN_ARG(challenge));
	return !span_is(challenge, "no") || err_perm(e, "5.7.8", "it is not who it should be");
}

START_TEST(client_says_who_we_are)
{
	struct smtp_auth how = { .mechanism = "X", .answer = answer };
	struct err e = { .kind = ERR_NONE };
	struct str said = STR(ROOM);
	struct stage s;

	if (logins[_i].initial)
		how.initial = (struct span){ logins[_i].initial, *logins[_i].initial ? strlen(logins[_i].initial) : _i ? 0 : 4 };
	raise_curtain(&s, logins[_i].says);
	ck_assert(smtp_client_auth(&s.c, &how, &e) == logins[_i].ok);
	ck_assert(logins[_i].ok ||
	    (e.kind == logins[_i].kind && strcmp(e.status, logins[_i].status) == 0));
	ck_assert_msg(!strstr(e.text, "c2Vjcm") && !strstr(e.text, "secret"), "%s", e.text);
	read_all(s.pair[1], &said);
	if (logins[_i].said)
		ck_assert_str_eq(said.p, logins[_i].said);
	drop_curtain(&s);
	str_free(&said);
}
END_TEST

static const struct { const char *says; bool greet, hello; enum err_kind kind; unsigned ext; uint64_t size; const char *auth; } hellos[] = {
	{ "220 hi\r\n250-mx\r\n250-STARTTLS\r\n250-SIZE\r\n250 AUTH PLAIN LOGIN\r\n", true, true, ERR_NONE,
	    EXT_STARTTLS | EXT_SIZE | EXT_AUTH, 0, "PLAIN LOGIN" },
	{ "220 hi\r\n250-mx\r\n250-size 99\r\n250-X-OTHER\r\n250-\r\n250 8bitmime\r\n", true, true, ERR_NONE, EXT_SIZE | EXT_8BITMIME, 99, "" },
	{ "220-a\r\n220 b\r\n250 SIZE 5\r\n", true, true, ERR_NONE, 0, 0, "" },	/* the first line is no extension */
	{ "554 no\r\n", false, false, ERR_PERM, 0, 0, "" },
	{ "421 busy\r\n", false, false, ERR_TEMP, 0, 0, "" },
	{ "250 hi\r\n", false, false, ERR_TEMP, 0, 0, "" },
	{ "", false, false, ERR_TEMP, 0, 0, "" },
	{ "HTTP/1.1 400 Bad Request\r\n", false, false, ERR_TEMP, 0, 0, "" },
	{ "220 hi\r\n550 no\r\n550 no\r\n", true, false, ERR_PERM, 0, 0, "" },
	{ "220 hi\r\n421 busy\r\n", true, false, ERR_TEMP, 0, 0, "" },
};

START_TEST(client_hellos)
{
	struct stage s;
	struct err e = { .kind = ERR_NONE };
	bool greet, hello;

	raise_curtain(&s, hellos[_i].says);
	greet = smtp_client_greet(&s.c, &e);
	hello = greet && smtp_client_hello(&s.c, &e);
	ck_assert(greet == hellos[_i].greet && hello == hellos[_i].hello);
	ck_assert(e.kind == hellos[_i].kind || hello);
	ck_assert_uint_eq(s.c.ext, hellos[_i].ext);
	ck_assert_uint_eq(s.c.size_max, hellos[_i].size);
	ck_assert_str_eq(s.c.auth_words, hellos[_i].auth);
	drop_curtain(&s);
}
END_TEST

/* Words behind the answer to STARTTLS were put there by somebody in between. */
START_TEST(client_starts_tls)
{
	struct stage s;
	struct err e;

	raise_curtain(&s, "220 go\r\n");
	ck_assert(smtp_client_start_tls(&s.c, &e));
	smtp_client_switch(&s.c, &s.stream.stream);
	ck_assert_uint_eq(s.c.ext, 0);
	drop_curtain(&s);
	raise_curtain(&s, "220 go\r\n250 mx\r\n");
	ck_assert(!smtp_client_start_tls(&s.c, &e) && e.kind == ERR_TEMP && s.c.broken);
	drop_curtain(&s);
	raise_curtain(&s, "454 not now\r\n");
	ck_assert(!smtp_client_start_tls(&s.c, &e) && e.kind == ERR_TEMP && !s.c.broken);
	drop_curtain(&s);
}
END_TEST

/* More recipients than go in one group, and two messages on one connection. */
START_TEST(client_sends_many)
{
	enum { MANY = 120 };
	static struct parcel_rcpt rcpts[MANY];
	struct parcel p = { .sender = "", .rcpts = rcpts, .count = MANY, .text = text_of("x\n") };
	struct str says = STR(ROOM), said = STR(ROOM);
	struct stage s;
	struct err e;

	str_add_text(&says, PIPE);
	for (int message = 0; message < 2; message++) {
		str_add_text(&says, "250 ok\r\n");
		for (int i = 0; i < MANY; i++)
			str_add_text(&says, i % 2 ? "250 ok\r\n" : "550 no\r\n");
		str_add_text(&says, "354 go\r\n250 ok\r\n");
	}
	for (int i = 0; i < MANY; i++)
		rcpts[i].address = "r@y.test";
	raise_curtain(&s, says.p);
	ck_assert(smtp_client_greet(&s.c, &e) && smtp_client_hello(&s.c, &e));
	for (int message = 0; message < 2; message++) {
		ck_assert(smtp_client_send(&s.c, &p, &e));
		for (int i = 0; i < MANY; i++)
			ck_assert(rcpts[i].kind == (i % 2 ? ERR_NONE : ERR_PERM));
	}
	ck_assert(!smtp_client_reset(&s.c, &e));
	read_all(s.pair[1], &said);
	ck_assert(span_search(str_span(&said), SPAN("MAIL FROM:<>\r\n")) > 0);
	close(p.text);
	drop_curtain(&s);
	str_free(&says);
	str_free(&said);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("smtp-client");

	tcase_add_loop_test(tc, client_conversations, 0, COUNT(cases));
	tcase_add_loop_test(tc, client_rounds, 0, COUNT(rounds));
	tcase_add_test(tc, client_holds_large_texts_back);
	tcase_add_test(tc, client_parts_domains);
	tcase_add_loop_test(tc, client_says_who_we_are, 0, COUNT(logins));
	tcase_add_loop_test(tc, client_hellos, 0, COUNT(hellos));
	tcase_add_test(tc, client_starts_tls);
	tcase_add_test(tc, client_sends_many);
	return unit_end();
}
