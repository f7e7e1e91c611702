"""A registry that lies, one way for each repository name. Prints its port."""

import http.server
import sys


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def say(self, code, body=b'', **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def do_GET(self):
        name = self.path.split('/')[2]
        if name == 'long':
            self.say(200, bytes(5 << 20))
        elif name == 'auth':
            self.say(401, b'{}')
        elif name == 'file':
            self.say(302, Location='file:///etc/passwd')
        elif name == 'loop':
            self.say(302, Location=self.path)
        elif name == 'short':
            self.send_response(200)
            self.send_header('Content-Length', '1000')
            self.end_headers()
            self.wfile.write(b'{')
            self.close_connection = True
        elif name == 'noise':
            self.wfile.write(b'\x00\xff\r\n\r\n' * 100)
            self.close_connection = True

    def do_HEAD(self):
        self.say(401 if self.path.split('/')[2] == 'auth' else 404)

    def do_POST(self):
        name = self.path.split('/')[2]
        places = {'away': 'http://127.0.0.1:1/v2/away/x', 'slashes': '//127.0.0.1:1/x', 'nowhere': '',
                  'twin': f'http://127.0.0.2:{self.server.server_address[1]}/x'}
        if name in places:
            self.say(202, Location=places[name])
        else:
            self.say(500)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Registry)
print(server.server_address[1])
sys.stdout.flush()
server.serve_forever()
