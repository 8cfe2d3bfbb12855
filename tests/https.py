"""A web server for tests: https on a loopback address, answers from a dict, and a list of what was asked."""
import http.server
import ssl
import threading


class Web:
    """pages: path -> (status, content type, bytes), or a function of the socket that says it all by hand."""
    def __init__(self, address, certificate, key, port=0):
        self.pages, self.asked = {}, []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                web.asked.append(("GET", self.headers["Host"], self.path, dict(self.headers), b""))
                self.answer(web.pages.get(self.path, (404, "text/plain", b"not here\n")))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                web.asked.append(("POST", self.headers["Host"], self.path, dict(self.headers), body))
                self.answer(web.pages.get(self.path, (404, "text/plain", b"not here\n")))

            def answer(self, page):
                if callable(page):
                    self.close_connection = True
                    page(self.wfile)
                    return
                status, kind, body = page
                self.send_response(status)
                if kind:
                    self.send_header("Content-Type", kind)
                if status // 100 == 3:
                    self.send_header("Location", body.decode())
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass                # a client that does not trust us hangs up

            def get_request(self):
                sock, peer = super().get_request()
                sock.settimeout(30)
                return web.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), peer

        self.certify(certificate, key)
        self.server = Server((address, port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def certify(self, certificate, key):
        """From now on with this certificate."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
