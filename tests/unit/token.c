/*
 * Tokens: signed by keys that were made for this once and thrown away, with python3-jwt. Each may be good from
 * 500 to 2000 (seconds). What clients say around them; what issuers answer.
 */
#include "common/auth/bearer.h"
#include "common/auth/introspect.h"
#include "common/auth/token.h"
#include "tests/unit/unit.h"

static const char jwks[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"r-B-EYr2yIxtGUVrd_LNRH6nf3J6dcmjt3-SfPTDvM6JWdIUV8223"
    "Lj6p13fZvZlJW38xbjUnUoVj7KqycVhIQkKMLzA5fhbi2dLoG4a_yvJ_64dm0bOImPgqW6_JFrSHoveNeNy4yISVtV"
    "-3BJ80eV0IuMzZHput_Nx-DpH3twzhK3ChCslDFhI_40CeG9o0caTWsS90UI6m6MX0FqeCOQRgcY67r7PR-bCycpzN"
    "ih10LfisuLM-NYTaWOESBJJK643hYoMNpx1UWXJlq9_wpZNjaOmorR_kh1Xevg9fZvNAg-xO3cTUaugKSg5a30o2uv"
    "gD-PiMZhmnuI182OPaw\",\"e\":\"AQAB\",\"use\":\"sig\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"Dj_N"
    "Rj1o_mHjgn7LLKVlzwgd84y97Hm_1dcYmLa5_jU\",\"y\":\"5dVPr0H6srreHNbSuSDzz1XHln6oYQHEkUsU0oksitU\""
    ",\"alg\":\"ES256\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"d\",\"x\":\"H8aGcehh79voe_p9-8sABFIsPnbgm1"
    "pMPd2Kmp-qyQA\"},{\"kty\":\"RSA\",\"kid\":\"small\",\"n\":\"xNZC_wBtUQchZVFNS8WZPrAshtXI-Wjpnj-sr9re-z"
    "m7NMEhRzXpvyRkAPh29op6ZBaDcGgose2YAXYw9JelM1K9v1k63Kw2a4LEwtsVM7U_CzA5FlcxBhxGgZ6v2fDuSVZy"
    "Wq1m2DAqdyysGs4DyGQFI-bFejJJbFqvVdbybs0\",\"e\":\"AQAB\"},{\"kty\":\"RSA\",\"kid\":\"enc\",\"n\":\"r-B-EYr"
    "2yIxtGUVrd_LNRH6nf3J6dcmjt3-SfPTDvM6JWdIUV8223Lj6p13fZvZlJW38xbjUnUoVj7KqycVhIQkKMLzA5fhbi"
    "2dLoG4a_yvJ_64dm0bOImPgqW6_JFrSHoveNeNy4yISVtV-3BJ80eV0IuMzZHput_Nx-DpH3twzhK3ChCslDFhI_40"
    "CeG9o0caTWsS90UI6m6MX0FqeCOQRgcY67r7PR-bCycpzNih10LfisuLM-NYTaWOESBJJK643hYoMNpx1UWXJlq9_w"
    "pZNjaOmorR_kh1Xevg9fZvNAg-xO3cTUaugKSg5a30o2uvgD-PiMZhmnuI182OPaw\",\"e\":\"AQAB\",\"use\":\"enc\"}"
    "]}";

static const char *const mail_scope[] = { "mail" };

static struct token_terms at(int64_t now)
{
	return (struct token_terms){ "https://id.test", "mail", mail_scope, 1, "email", now };
}

static const struct { const char *what; int64_t now; enum token_verdict verdict; const char *token; } tokens[] = {
	{ "rs", 1000, TOKEN_GOOD,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.mU"
	  "6AmD0vdUXDEFhh4BLwjvcnELy4RsZs3-wZ54uZ_jn8pfoU7NOeEnTLvTq7WJcp6J83yt-nht8JiNyztUdwwBpBW4GagiNpn"
	  "mztoPTdoDF5zJeMSU7HWiszEkbpdoJel0D58zOsQ34slsclhfjCaKlEEhVY8E9_jzGp5eOPebE00CGN9Bi2vdEVzJ-wi4is"
	  "AnLzC_3HEWojnbyGl15b906dnGokjjG2uoMKyden1T_8boSFCpdllW__D83YAt7Vmt5YOORppImGJ1vvJARlK5Lx1tBS2ga"
	  "pDrNLXVAagUJr0T_1VXo-A0y6-LwYAmAmI_3MVuYONTLEeZms4ZTa5Q" },
	{ "ps", 1000, TOKEN_GOOD,
	  "eyJhbGciOiJQUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.Wd"
	  "NRxdkVlSH8aJ4ap-AuLe2Ht5pE6V5OjLFua_p_IQVQGMf7zcevv46QrDf2LXO37x4MNyYnXYHi9hejCx8JUMDz1UvQEmIfk"
	  "oJkNMi5fRXjIjyscHtaX0sM628gyQ_PJjG7ZlZM2g8pvXoPpbiU2ioNDuA_vTi7F9Lz7Ba2qEz2GKsDhVFv8qjryho3aNol"
	  "5mRVP2NaiZMNb028Y2AgnFu0b0-PpKlDgLHjw7fyyS97dTkJHZqX16ikX0uvozUB-e7KwX2GM4z1EqoFdSlVtY4o5e40-ou"
	  "wmBfRI7Pz5iFo2NsIGJcQsnlHWZF5BUTAWapOajEufn8GBszpxtD6Jg" },
	{ "es", 1000, TOKEN_GOOD,
	  "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.F2"
	  "iLK8uTcu4HhKW-hxy8PZqeUvSMnmHtOi4pya9lFv8yC3UHqZ1tQWiIhzCQzB6RlHaOPTFDyd86Boshov1qgA" },
	{ "ed", 1000, TOKEN_GOOD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.MT"
	  "-1JpaZu1d9y1oU-KRSBPc3VAq0AZWgMBPwYyk0BNBUaidzC7iH0ek4VOR7N5yJQSAka02tH7u2c17Wyb24CQ" },
	{ "nokid", 1000, TOKEN_GOOD,
	  "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJtYWlsIiwic2NvcG"
	  "UiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.Z7nvJajcKxM4nfiu"
	  "zRvZPkNIhtNESdZ3s_vFlQUnHdKP18tScknCUZQ2vMKYlLr6cUMbtopbORMk_q0ybXd0AQ" },
	{ "auds", 1000, TOKEN_GOOD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOlsi"
	  "d2ViIiwibWFpbCJdLCJzY29wZSI6Im9wZW5pZCBtYWlsIiwiZW1haWwiOiJhbm5AeC50ZXN0IiwiZXhwIjoyMDAwLCJuYmY"
	  "iOjUwMH0.m-zu1Z274f1btX4-fPIvt8FdHkIKGOM1uOE_bW7Y4_zFe_xmg3I49oyheXeMLEiD8GqiFdCQVhN2Cfzl2xOvCQ" },
	{ "scp", 1000, TOKEN_GOOD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwiZW1haWwiOiJhbm5AeC50ZXN0IiwiZXhwIjoyMDAwLCJuYmYiOjUwMCwic2NwIjpbIm1haWwiXX0.SvUvEOyQUDr"
	  "wVjmOEml8gwo1EIohTFzUDAZ9KvXZSpgtSenlD8vDC5imtxh2I8W1jC_pr0O4BKOlp0-U71UJAw" },
	{ "ed", 2059, TOKEN_GOOD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.MT"
	  "-1JpaZu1d9y1oU-KRSBPc3VAq0AZWgMBPwYyk0BNBUaidzC7iH0ek4VOR7N5yJQSAka02tH7u2c17Wyb24CQ" },
	{ "ed", 2060, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.MT"
	  "-1JpaZu1d9y1oU-KRSBPc3VAq0AZWgMBPwYyk0BNBUaidzC7iH0ek4VOR7N5yJQSAka02tH7u2c17Wyb24CQ" },
	{ "ed", 440, TOKEN_GOOD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.MT"
	  "-1JpaZu1d9y1oU-KRSBPc3VAq0AZWgMBPwYyk0BNBUaidzC7iH0ek4VOR7N5yJQSAka02tH7u2c17Wyb24CQ" },
	{ "ed", 439, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.MT"
	  "-1JpaZu1d9y1oU-KRSBPc3VAq0AZWgMBPwYyk0BNBUaidzC7iH0ek4VOR7N5yJQSAka02tH7u2c17Wyb24CQ" },
	{ "small", 1000, TOKEN_BAD,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6InNtYWxsIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQ"
	  "iOiJtYWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MD"
	  "B9.P-oEmTDA3wTyEwzyNoGsN3p67g5B_ksyngcqWGD5HqHSC5UPv-jAOKh2fo6VLisyBGfwTEy4416XnzBw_ZVd_ekm6Zpm"
	  "KfpI_z69gHIJAgsGzQLh8abpwuzeKb-im0hDpJW0VIK7Q_vhx3dQkeCsLJGDYzhjDXEx_ESxCH-eqjg" },
	{ "enc", 1000, TOKEN_BAD,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6ImVuYyIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOi"
	  "JtYWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9."
	  "rLVE76LXxmrLDuo0iS_DG_WU-hqO3L_PGNM9UVJNVQ7-OW9iK2ii63rU0kdlp-gvZ6pxc9tdWhfmuntscw3f5p3_VEFsmba"
	  "q-VumbM6uaqF6duizSRWQC9s_eb4Eya3zzZXfuwESou4C7L7b5LaBRaenaoUj_qNeegsOWshuIHh21gjLnMs0IAqYEoe0O6"
	  "aWFS2gwe6qiWX-n9jUDoIiw9jBd7WQlP6qKmcuw0BgzJ2mREyBcHJS1sbWMHCOoHle7gRkmgjyP7e9HzPt8BpOFzeQrkmnp"
	  "5lQUD53O7eiwEec84vf4RmEgYiTt0_j-QZR3xUy0c50pvH7TSqVryo5pA" },
	{ "wrongkid", 1000, TOKEN_BAD,
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6ImUiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.ZV"
	  "QGhvpcxVAMLMN-646IUKpfyQwQZUlG6MjILNSPTRLPzlhlfyOkTDHq8iziubWn0bd59tOb8E7zRFIVa8U5a7ijN8c5zODaB"
	  "qqWXspvqTVL_2J61yBZ4yeTPqbD0hM3uQQuf6ITt0cnPlIPTD1AShB0A2WPlDSqyiqtjWsCJz6ONR1P-MscfGJnO-Np2oY-"
	  "12f6JoPVoJyDwYbqRu-zhf1ls5Z0sIWVEZhwgQsfoadlNNjq873CsB-yTsJF4tmK6a0ZR6hBCnF27x8Sv_aFMtnZw9lhSWP"
	  "6N1rNWzIUKZHU1f1HQsQUBZp--tf18rR1JzvG_K61_Jcs-W0L4xVVZg" },
	{ "rs512", 1000, TOKEN_BAD,
	  "eyJhbGciOiJSUzUxMiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.kl"
	  "i6MXroL3gOFRtj2vzeSG9b-egu3EVGhwZqk8GZmgBGggFF6PnWhtHsc8-Z20bCyq7Z0leCsFrnPm_kX3IzlhA4fKCi7DZIR"
	  "N3VB1TD0i5hVUjXe5zePyaeI06S0xTU7dM-Ll5HZzgrks7kyAg-2HUaQnCT0xx4r4ABwdl0YVT_R6ytbMGDU-bZK3iToMos"
	  "BTrWFQVweXvfO9uaeDLfTyYeFwOFt_9pKKV5Bsy-5WkjcGOOk0Ni655gov-Xse99HzMxwIlvQANws7f0Kii54Y6bgdct_iN"
	  "dexQmoHnqC3K6fBZWA1PJjxSd76yP9WTrq4AgGFQgu2DkNNcW1kMg9A" },
	{ "none", 1000, TOKEN_BAD,
	  "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJtYWlsIiwic2NvcGU"
	  "iOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.AA" },
	{ "hs", 1000, TOKEN_BAD,
	  "eyJhbGciOiJIUzI1NiIsImtpZCI6InIiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.IV"
	  "RnarPncO3bubxn8avyueQdT0JsDtNXb1eyh1JJRNk" },
	{ "crit", 1000, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImNyaXQiOlsieCJdLCJraWQiOiJkIiwidHlwIjoiSldUIiwieCI6MX0.eyJpc3MiOiJodHRwczo"
	  "vL2lkLnRlc3QiLCJhdWQiOiJtYWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cC"
	  "I6MjAwMCwibmJmIjo1MDB9.WunxQD2_SJCfFsJ8FO8QmOoUx19nOJ995S1CfVB2z4kvq0Oq0a-YMMZi_1k1cm5H8pN4pHCW"
	  "j3SrDvCp5VllBg" },
	{ "noexp", 1000, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsIm5iZiI6NTAwfQ.RS8ZfZ01NDEZYtrw"
	  "bdDDstc5sb-Mp-JGBpiyWQfkT7A7ziHpEJJf8AWRj1R2Oq24mbnWQWDiDwY-PqyOLViFAg" },
	{ "iss", 1000, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2V2aWwudGVzdCIsImF1ZCI6"
	  "Im1haWwiLCJzY29wZSI6Im9wZW5pZCBtYWlsIiwiZW1haWwiOiJhbm5AeC50ZXN0IiwiZXhwIjoyMDAwLCJuYmYiOjUwMH0"
	  ".WDYz2jzANEr4TJ5PrCmr1eoSkioUEu1EiWUW0Ro47UCP6iNn6vOrbyHYHpYf-LOmGPTGrDr0QhLSUnsYPa2EAw" },
	{ "aud", 1000, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJ3"
	  "ZWIiLCJzY29wZSI6Im9wZW5pZCBtYWlsIiwiZW1haWwiOiJhbm5AeC50ZXN0IiwiZXhwIjoyMDAwLCJuYmYiOjUwMH0.gme"
	  "4Q9EmDUT1HQFKQpxWHRuzfaVzqK6_2t1KHno-9wfIomCQzyvn3b13QXU_NTaVYnqsfFQIh4KrP02YuXO4DA" },
	{ "scope", 1000, TOKEN_TOO_NARROW,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQiLCJlbWFpbCI6ImFubkB4LnRlc3QiLCJleHAiOjIwMDAsIm5iZiI6NTAwfQ.cela9ZqV"
	  "-SqEszatcUQT7QZe3hH3quJ8q1-4N7AruouoZnPacjUpx4bs5lfCi32caDnurZVNSjSKbkhphKWdBA" },
	{ "nouser", 1000, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImV4cCI6MjAwMCwibmJmIjo1MDB9.TQs56vQE5dhPJ7r-QfcomOKRtAQyco"
	  "KtYj_o0QQiCFbIDtNyiuNHOF9VHzKKMtpbBPthZqHDODhZEBZ5W0zTCA" },
	{ "number", 1000, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjo3LCJleHAiOjIwMDAsIm5iZiI6NTAwfQ.eZGmAoADlub_XFwp"
	  "eDgpOi_rLd9ktSCEgoVwI8pEV6NUle-_JoHFh_dL6vfS5HprZfjqqY2HnMIbmZDHGExSDQ" },
	{ "ctl", 1000, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdFx1MDAwMGIiLCJleHAiOjIwMDAsIm5iZiI"
	  "6NTAwfQ.ccdpScbsvFVZgbNj5iX8yHCHLyzYmUmAAO1UkN8GXKYMvL4LFORtC_AGXgasEhq_kzWadkX8GOMCZN2REU6ICg" },
	{ "unverified", 1000, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYW5uQHgudGVzdCIsImV4cCI6MjAwMCwibmJmIjo1MDAsImV"
	  "tYWlsX3ZlcmlmaWVkIjpmYWxzZX0.KTa4bD7Lqg1Fzgq-mV2MW76q4T6TxGoe7cSIEhsYGXGud2dnuPBtUV3vxRNoevTqY2"
	  "7JpqqQho98OO92mIuKBQ" },
	{ "long", 1000, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJhdWQiOiJt"
	  "YWlsIiwic2NvcGUiOiJvcGVuaWQgbWFpbCIsImVtYWlsIjoiYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWF"
	  "hYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYW"
	  "FhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhY"
	  "WFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
	  "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWF"
	  "hYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYW"
	  "FhYWFhYWFhYSIsImV4cCI6MjAwMCwibmJmIjo1MDB9.xIfRYDsyDKMC_3PaZYnflnXG3d-LcwvSZp_lFuoew2UygS-mA7oI"
	  "98prPTAH1YGTOY6mQgz-rA4I-dJJOeJiBA" },
	{ "forged", 1000, TOKEN_BAD,
	  "eyJhbGciOiJFZERTQSIsImtpZCI6ImQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiAiaHR0cHM6Ly9pZC50ZXN0IiwgImF1ZCI6"
	  "ICJtYWlsIiwgInNjb3BlIjogIm9wZW5pZCBtYWlsIiwgImVtYWlsIjogImJvYkB4LnRlc3QiLCAiZXhwIjogMjAwMCwgIm5"
	  "iZiI6IDUwMH0.MT-1JpaZu1d9y1oU-KRSBPc3VAq0AZWgMBPwYyk0BNBUaidzC7iH0ek4VOR7N5yJQSAka02tH7u2c17Wyb"
	  "24CQ" },
};

START_TEST(token_is_judged)
{
	struct token_terms t = at(tokens[_i].now);
	struct err e = { .kind = ERR_NONE };
	char user[AUTH_NAME_MAX];
	enum token_verdict v;

	ck_assert(token_is_jwt(span_of(tokens[_i].token)));
	v = token_check_jwt(span_of(tokens[_i].token), span_of(jwks), &t, user, &e);
	ck_assert_msg(v == tokens[_i].verdict, "%s at %d: %s", tokens[_i].what, (int)tokens[_i].now, e.text);
	if (v == TOKEN_GOOD)
		ck_assert_str_eq(user, "ann@x.test");
	else
		ck_assert(e.kind == ERR_PERM && strcmp(e.status, "5.7.8") == 0);
}
END_TEST

/* Each byte of header, claims and signature counts. */
START_TEST(no_changed_token_is_good)
{
	struct token_terms t = at(1000);
	char token[2048], user[AUTH_NAME_MAX];
	size_t n;
	struct err e;

	ck_assert(span_copy(span_of(tokens[3].token), token, sizeof token));
	n = strlen(token);
	for (size_t i = 0; i + 1 < n; i++) {		/* the last has bits that nobody reads */
		token[i] ^= 1;
		ck_assert_msg(token_check_jwt((struct span){ token, n }, span_of(jwks), &t, user, &e) != TOKEN_GOOD, "byte %zu", i);
		token[i] ^= 1;
	}
	for (size_t i = 0; i < n; i++)
		ck_assert(token_check_jwt((struct span){ token, i }, span_of(jwks), &t, user, &e) !=
		    TOKEN_GOOD);
}
END_TEST

static const struct { const char *json; enum token_verdict verdict; enum err_kind kind; } answers[] = {
	{ "{\"active\":true,\"email\":\"ann@x.test\",\"scope\":\"a mail\",\"aud\":\"mail\",\"iss\":\"https://id.test\"}", TOKEN_GOOD, ERR_NONE },
	{ "{\"active\":true,\"email\":\"ann@x.test\",\"scope\":\"a\",\"aud\":\"mail\",\"iss\":\"https://id.test\"}", TOKEN_TOO_NARROW, ERR_PERM },
	{ "{\"active\":true,\"email\":\"ann@x.test\",\"scope\":\"mail\",\"aud\":\"mail\",\"iss\":\"https://id.test\",\"exp\":900}", TOKEN_BAD, ERR_PERM },
	{ "{\"active\":false}", TOKEN_BAD, ERR_PERM },
	{ "{\"active\":\"true\",\"email\":\"ann@x.test\"}", TOKEN_BAD, ERR_PERM },
	{ "{\"email\":\"ann@x.test\"}", TOKEN_BAD, ERR_PERM },
	{ "{\"active\":false,\"active\":true,\"email\":\"ann@x.test\"}", TOKEN_BAD, ERR_TEMP },
	{ "[true]", TOKEN_BAD, ERR_TEMP }, { "", TOKEN_BAD, ERR_TEMP }, { "<html>", TOKEN_BAD, ERR_TEMP },
};

START_TEST(answer_is_judged)
{
	struct token_terms t = at(1000);
	struct err e = { .kind = ERR_NONE };
	char user[AUTH_NAME_MAX];

	ck_assert_int_eq(token_check_answer(span_of(answers[_i].json), &t, user, &e), answers[_i].verdict);
	ck_assert_int_eq(e.kind, answers[_i].kind);
}
END_TEST

#define RAW(lit)	{ "" lit, sizeof(lit) - 1 }

static const struct { const char *mechanism; struct span said; const char *user, *token; } bearers[] = {
	{ "OAUTHBEARER", RAW("n,a=ann@x.test,\1host=x\1port=143\1auth=Bearer abc.d-e_f~+/==\1\1"), "ann@x.test", "abc.d-e_f~+/==" },
	{ "OAUTHBEARER", RAW("n,,\1auth=bearer abc\1\1"), "", "abc" },
	{ "OAUTHBEARER", RAW("y,a=a=2Cb=3D,\1auth=Bearer abc\1\1"), "a,b=", "abc" },
	{ "OAUTHBEARER", RAW("p=tls-exporter,,\1auth=Bearer abc\1\1"), NULL, NULL },
	{ "OAUTHBEARER", RAW("n,,\1auth=Bearer abc\1"), NULL, NULL },
	{ "OAUTHBEARER", RAW("n,,\1\1"), NULL, NULL },
	{ "OAUTHBEARER", RAW("n,,\1auth=Bearer \1\1"), NULL, NULL },
	{ "OAUTHBEARER", RAW("n,,\1auth=Basic abc\1\1"), NULL, NULL },
	{ "OAUTHBEARER", RAW("n,,\1auth=Bearer abc\1auth=Bearer def\1\1"), NULL, NULL },
	{ "OAUTHBEARER", RAW("n,,\1auth=Bearer a b\1\1"), NULL, NULL },
	{ "OAUTHBEARER", RAW("n,a=ann\0b,\1auth=Bearer abc\1\1"), NULL, NULL },
	{ "OAUTHBEARER", RAW("n,,auth=Bearer abc\1\1"), NULL, NULL },
	{ "OAUTHBEARER", RAW(""), NULL, NULL }, { "OAUTHBEARER", RAW("\1"), NULL, NULL },
	{ "XOAUTH2", RAW("user=ann@x.test\1auth=Bearer abc\1\1"), "ann@x.test", "abc" },
	{ "XOAUTH2", RAW("auth=Bearer abc\1\1"), NULL, NULL },
	{ "XOAUTH2", RAW("user=ann\1user=bob\1auth=Bearer abc\1\1"), NULL, NULL },
	{ "XOAUTH2", RAW("user=ann\1auth=Bearer abc\1\1more"), NULL, NULL },
};

START_TEST(bearer_parses)
{
	struct bearer b;
	struct err e;
	bool ok = bearer_parse(span_of(bearers[_i].mechanism), bearers[_i].said, &b, &e);

	ck_assert_int_eq(ok, bearers[_i].user != NULL);
	if (ok) {
		ck_assert_str_eq(b.user, bearers[_i].user);
		ck_assert(span_is(b.token, bearers[_i].token));
	} else {
		ck_assert_str_eq(e.status, "5.5.2");
	}
}
END_TEST

static const struct { const char *all; unsigned code; const char *body; } replies[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}x", 200, "{}" },
	{ "HTTP/1.0 200 OK\r\n\r\n{}", 200, "{}" },
	{ "HTTP/1.1 401 Unauthorized\r\n\r\n", 401, "" },
	{ "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", 200, "{0123456789" },
	{ "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\r\n", 0, NULL },
	{ "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{", 0, NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", 0, NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}", 0, NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 2", 0, NULL },
	{ "HTTP/2 200\r\n\r\n", 0, NULL }, { "220 mx ESMTP\r\n", 0, NULL }, { "", 0, NULL },
};

START_TEST(reply_parses)
{
	struct str body = STR(INTROSPECT_REPLY_MAX);
	unsigned code = 0;
	bool ok = introspect_reply_parse(span_of(replies[_i].all), &code, &body);

	ck_assert_int_eq(ok, replies[_i].body != NULL);
	if (ok) {
		ck_assert_uint_eq(code, replies[_i].code);
		ck_assert_str_eq(body.p, replies[_i].body);
	}
	str_free(&body);
}
END_TEST

static const struct { const char *url, *host, *port, *path; bool tls; } urls[] = {
	{ "https://id.test/introspect?x=y", "id.test", "443", "/introspect?x=y", true },
	{ "https://id.test:8443", "id.test", "8443", "/", true },
	{ "http://127.0.0.1:80/a", "127.0.0.1", "80", "/a", false },
	{ "http://[::1]:8080/a", "::1", "8080", "/a", false },
	{ "http://id.test/a", NULL, NULL, NULL, false },		/* a token would be read by everybody */
	{ "http://localhost@id.test/", NULL, NULL, NULL, false },
	{ "https://", NULL, NULL, NULL, false }, { "https://id.test:/", NULL, NULL, NULL, false },
	{ "https://id.test/a b", NULL, NULL, NULL, false }, { "ftp://id.test/", NULL, NULL, NULL, false },
};

START_TEST(url_parses)
{
	struct introspect_url u;
	bool ok = introspect_url_parse(span_of(urls[_i].url), &u);

	ck_assert_int_eq(ok, urls[_i].host != NULL);
	if (ok) {
		ck_assert_str_eq(u.host, urls[_i].host);
		ck_assert_str_eq(u.port, urls[_i].port);
		ck_assert_str_eq(u.path, urls[_i].path);
		ck_assert_int_eq(u.tls, urls[_i].tls);
	}
}
END_TEST

START_TEST(client_hears_why)
{
	struct token_terms t = at(1000);
	struct str json = STR(1024);

	token_error(SPAN("OAUTHBEARER"), TOKEN_BAD, &t, "https://id.test/\"x", &json);
	ck_assert_str_eq(json.p, "{\"status\":\"invalid_token\",\"scope\":\"mail\","
	    "\"openid-configuration\":\"https://id.test/\\\"x\"}");
	str_reset(&json);
	token_error(SPAN("XOAUTH2"), TOKEN_TOO_NARROW, &t, "", &json);
	ck_assert_str_eq(json.p, "{\"status\":\"403\",\"schemes\":\"bearer\",\"scope\":\"mail\"}");
	str_free(&json);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("token");

	tcase_add_loop_test(tc, token_is_judged, 0, COUNT(tokens));
	tcase_add_test(tc, no_changed_token_is_good);
	tcase_add_loop_test(tc, answer_is_judged, 0, COUNT(answers));
	tcase_add_loop_test(tc, bearer_parses, 0, COUNT(bearers));
	tcase_add_loop_test(tc, reply_parses, 0, COUNT(replies));
	tcase_add_loop_test(tc, url_parses, 0, COUNT(urls));
	tcase_add_test(tc, client_hears_why);
	return unit_end();
}
