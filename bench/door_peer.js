// The door as it was built before, in little: Node's https asks for a client certificate, a form is served.
// node door_peer.js PORT SERVER.pem CLIENTS.pem
"use strict";
const fs = require("fs");
const https = require("https");
const [port, server, clients] = process.argv.slice(2);

const page = Buffer.from(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Doors</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<h1>Doors</h1><form method="post" action="/open">
<label>PIN <input name="pin" type="password" inputmode="numeric" required></label>
<button name="door" value="door1">Front door</button> <button name="door" value="door2">Garage</button>
</form></html>`);

https.createServer({
  key: fs.readFileSync(server),
  cert: fs.readFileSync(server),
  ca: fs.readFileSync(clients),
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: "TLSv1.3",
}, (request, answer) => {
  const who = request.socket.getPeerCertificate().subject.CN;
  fs.writeSync(2, `${who} ${request.method} ${request.url}\n`);
  answer.writeHead(200, {"Content-Type": "text/html; charset=utf-8", "Content-Length": page.length});
  answer.end(page);
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
