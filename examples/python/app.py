"""A WSGI application without a framework."""


def app(environ, start_response):
    if environ["PATH_INFO"] == "/up":
        body = b"ok\n"
    else:
        body = b"guestbook\n"
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [body]
