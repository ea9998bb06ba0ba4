"""A server that answers every S3 request with the same error."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def refusing_s3(status: int, code: str) -> Iterator[str]:
    """Context manager with the URL of a server that answers every request with an HTTP status and an error code of
    S3.
    """
    body = f"<Error><Code>{code}</Code><AWSAccessKeyId>key</AWSAccessKeyId></Error>".encode()

    class Refusal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    for method in ("PUT", "POST", "DELETE", "HEAD"):
        setattr(Refusal, f"do_{method}", Refusal.do_GET)
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
