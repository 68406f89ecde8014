/**
 * Sends one request over and over on a few kept-alive connections, and prints what happened as JSON.
 *
 *   node load.mjs '{"port": 8787, "method": "GET", "path": "/", "headers": {}, "body": "", "connections": 4, "seconds": 4}'
 *
 * Each connection waits for its answer before it asks again, so the rate is what the server makes of that many clients.
 */
import { connect } from "node:net";

const load = JSON.parse(process.argv[2]);
const head = [`${load.method} ${load.path} HTTP/1.1`, `Host: 127.0.0.1:${load.port}`];
for (const [name, value] of Object.entries(load.headers)) head.push(`${name}: ${value}`);
if (load.body) head.push(`Content-Length: ${Buffer.byteLength(load.body)}`);
else if (load.method === "POST") head.push("Content-Length: 0");
const message = Buffer.from(`${head.join("\r\n")}\r\n\r\n${load.body}`);

const latencies = [];
const statuses = {};
let finished = false;

/** Length of the first whole answer in the buffer, or 0 while it is not whole. */
function answerLength(buffer) {
  const end = buffer.indexOf("\r\n\r\n");
  if (end < 0) return 0;
  const headers = buffer.toString("latin1", 0, end);
  const length = /content-length: (\d+)/i.exec(headers);
  if (!length) throw new Error(`an answer without Content-Length:\n${headers}`);
  const total = end + 4 + Number(length[1]);
  return buffer.length >= total ? total : 0;
}

function client() {
  return new Promise((resolve, reject) => {
    const socket = connect(load.port, "127.0.0.1");
    let received = Buffer.alloc(0);
    let asked = 0;
    const ask = () => {
      asked = performance.now();
      socket.write(message);
    };
    socket.setNoDelay(true).on("connect", ask).on("error", reject);
    socket.on("data", (chunk) => {
      received = received.length ? Buffer.concat([received, chunk]) : chunk;
      const length = answerLength(received);
      if (!length) return;
      latencies.push(performance.now() - asked);
      const status = received.toString("latin1", 9, 12);
      statuses[status] = (statuses[status] ?? 0) + 1;
      received = received.subarray(length);
      if (finished) socket.end(resolve);
      else ask();
    });
  });
}

const started = performance.now();
setTimeout(() => (finished = true), load.seconds * 1000);
await Promise.all(Array.from({ length: load.connections }, client));
const seconds = (performance.now() - started) / 1000;

latencies.sort((one, other) => one - other);
const at = (part) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))];
console.log(JSON.stringify({ rate: latencies.length / seconds, median: at(0.5), p99: at(0.99), statuses }));
