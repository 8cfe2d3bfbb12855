/*
 * NAME
 *	front-own - what the files of the front share; nobody else includes it
 * DESCRIPTION
 *	A client is a socket from accept to close; a wire_end is our end of a wire to a
 *	session. A client that talks has a wire, and a busy wire has a client; each may
 *	outlive the other:
 *
 *	client		NAMING   a proxy has connected, and is to say for whom
 *			SHAKING  TLS handshake, at first or after the session's T
 *			WAITING  no session is free; in the queue, with a deadline
 *			TALKING  bytes go both ways
 *			CLOSING  the session said Q or went; what is held still goes out
 *			LEAVING  all said; wait for the client to hang up, not for long
 *	wire		IDLE     a ready-made session waits for P
 *			BUSY     it has a client
 *			ALONE    its client is gone, it was told E; it has not said Q yet
 *			DONE     it said Q; R or its end comes next
 *
 *	Strangers stand in lists by how they are silent, the longest first: who goes when places
 *	get scarce is at the head of one (front-crowd.c). Nobody who has logged in is in any.
 *
 *	Memory is bounded: each side holds at most one packet that the other had no room
 *	for, and while it does the first is not read. Nothing is held when all is quiet.
 */
#ifndef COMMON_KEEPER_FRONT_OWN_H
#define COMMON_KEEPER_FRONT_OWN_H

#include "common/io/loop.h"
#include "common/io/packet.h"
#include "common/io/wire.h"
#include "common/keeper/front.h"
#include "common/keeper/limits.h"
#include "common/keeper/peers.h"
#include "common/keeper/role.h"
#include "common/net/address.h"
#include "common/net/tls.h"

enum {
	LISTENERS_MAX	= 16,
	NAMING_S	= 10,	/* for a proxy to send its header: it has it ready */
	HANDSHAKE_S	= 30,	/* a TLS handshake in all */
	FLUSH_S		= 30,	/* for a client to take the last words of its session */
	LEAVE_S		= 3,	/* for a client to hang up after them */
	ALONE_S		= 600,	/* for a session to end after its client */
	DONE_S		= 60,	/* for a session to get ready or exit after Q */
	STOP_S		= 10,	/* for clients to end after SIGTERM */
	BUSY_MS		= 1000,	/* clients wait that long: the keeper hears of it */
	LIFO_FROM	= 32,	/* more than these wait: the newest first, who most likely still listens */
};

struct listener {
	struct front	*front;
	struct loop_io	*io;
	int		 fd;
	unsigned	 flags;			/* enum front_flags */
	char		 name[24], alpn[32];
	char		 refusal[256];
};

enum client_state { CLIENT_NAMING, CLIENT_SHAKING, CLIENT_WAITING, CLIENT_TALKING, CLIENT_CLOSING, CLIENT_LEAVING };
enum wire_state { WIRE_IDLE, WIRE_BUSY, WIRE_ALONE, WIRE_DONE };

struct client {
	struct front		*front;
	const struct listener	*from;
	struct client		*next, *before;		/* in the queue while WAITING */
	struct silent *silent; /* the list of strangers it is in, or NULL */
	struct client		*younger, *older;	/* there */
	ms_t			 silent_since;
	struct loop_io		*io;
	struct loop_timer	*timer;			/* every state but TALKING has a deadline */
	struct tls_conn		*tls;
	struct wire_end		*wire;
	char			*held;			/* for the client, who has no room now */
	uint32_t		 held_at, held_n;
	int			 fd;
	struct peers_seat	 seat;			/* in the peers table */
	struct address who, here; /* here: where it went to, when a proxy said so */
	uint16_t		 port, here_port;
	uint16_t peeked; /* bytes of a PROXY header that was not whole */
	uint8_t			 state, want;
	bool			 ended;			/* it says no more */
	bool			 in_data;		/* a message is coming in */
	bool stranger; /* nobody has logged in, and its network is not ours */
};

struct silent { struct client *oldest, *youngest; };

struct wire_end {
	struct front		*front;
	struct wire_end		*next, *before;		/* among the idle */
	struct loop_io		*io;
	struct loop_timer	*timer;			/* ALONE and DONE have a deadline */
	struct client		*client;
	char *held; /* a packet the session has no room for now */
	uint32_t		 held_n;
	int			 fd;
	struct address who; /* its client, or the one it had: counted until Q */
	uint8_t			 state, want;
	bool			 counted;		/* who is a stranger */
	bool			 owes_end;		/* E goes out behind what is held */
};

struct front {
	struct role_self	 self;
	struct loop		*loop;
	struct loop_io		*keeper_io;
	struct peers *peers; /* NULL until the keeper sends it: nobody is counted */
	struct tls_server	*tls;			/* NULL: no certificate */
	int client_ca; /* until the next certificate; -1: do not ask clients */
	bool			 seals;			/* there is a key for them */
	uint64_t		 seal_key[2];
	struct listener		 listeners[LISTENERS_MAX];
	size_t			 listener_count;
	struct client		*first_waiting, *last_waiting;
	struct silent		 silent[SILENCES];
	struct wire_end		*idle;
	size_t			 clients, clients_max, waiting, idle_count, spare;
	size_t			 strangers, strangers_max;
	size_t wires, wires_max; /* sessions; most 0: the keeper did not say */
	size_t ending; /* wires that will be free or gone soon: ALONE, DONE */
	size_t			 owed;			/* wires asked for and not yet here */
	size_t			 in_data;		/* messages that are coming in */
	struct loop_timer	*busy_timer, *pause_timer, *crowd_timer;
	bool			 busy_told, stopping;
	struct packet		 packet;		/* from and to the keeper */
	char			 scratch[WIRE_MAX];	/* one packet on its way through */
};

/* front-proxy.c */
bool proxy_is_known(const struct front *f, const struct address *who);
void proxy_read(struct client *c); /* NAMING: its header, as soon as it is whole */

/* front-client.c */
void client_name(struct client *c);				/* wait for the PROXY header */
void client_begin(struct client *c); /* who it is is known: TLS first, or a session */
void client_welcome(struct listener *from, int fd, const struct address *who, unsigned port,
    struct peers_seat seat);
void client_serve(struct client *c, struct wire_end *w);	/* a wire is there: P and off */
void client_say(struct client *c, struct span bytes);		/* the session's words */
void client_start_tls(struct client *c);			/* the session's T */
void client_finish(struct client *c);				/* the session's Q, or its end */
void client_drop(struct client *c); /* it is gone: close and forget it */
void client_refuse(struct client *c); /* say why in the listener's words, and finish */
void client_look(struct client *c); /* what does it want to hear of now? */

/* front-crowd.c */
void crowd_join(struct client *c, enum silence how); /* silent from now on, in this way */
void crowd_leave(struct client *c);
bool crowd_make_room(struct front *f); /* for a newcomer, where there is none */
void crowd_look(struct front *f); /* do clients wait that nobody can be started for? */
void crowd_marks(struct client *c, unsigned marks); /* what its session says: enum wire_mark */
unsigned crowd_over(struct client *c); /* what its session should know: limits_talk() */
bool crowd_trusts(const struct front *f, const struct address *who);	/* in relay-networks: never counted */
/* May it come in? NULL, or the row that is against it. */
const struct limit *crowd_door(struct front *f, const struct address *who);

/* front-wire.c */
void wire_add(struct front *f, int fd);				/* a fresh one from the keeper */
bool wire_find(struct client *c);				/* for c: at once, or c waits */
/* Send a packet; where the session has no room, hold it. Not while one is held. */
void wire_send(struct wire_end *w, char kind, struct span bytes);
void wire_send_words(struct wire_end *w, unsigned over, struct span bytes);	/* the client's, and what it is over */
void wire_end_input(struct wire_end *w);			/* E, in its turn */
void wire_leave(struct wire_end *w);				/* the client is gone for good */
void wire_look(struct wire_end *w);
void wire_forget_clear_text(struct wire_end *w); /* what was held when the session said T */
void wires_ask(struct front *f);				/* keep enough of them ready */
void wires_close_idle(struct front *f);
void queue_leave(struct client *c);				/* it waits no more */

/* front.c */
void front_log_refusal(const struct listener *l, const struct address *who, const char *why, unsigned nth);
bool front_tell(struct front *f, char verb, uint64_t n); /* to the keeper, who may not listen now */

#endif
