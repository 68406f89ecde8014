/**
 * Runs workers side by side in one workerd, each on a port of its own, over one D1, KV and R2.
 *
 *   node workers.mjs CONFIG.json
 *
 * The configuration names each worker's settings and source folders (devstack/stack/stack.py writes it). This program reads
 * the sources anew whenever a watched folder changes, starts workerd again when it dies, and stops when told to or when
 * whoever started it is gone. It listens on a control port: GET /status, POST /restart, POST /d1 {sql, params}.
 */
import { readFileSync, readdirSync, watch, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import path from "node:path";
import { Log, LogLevel, Miniflare } from "miniflare";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
const state = { state: "starting", pid: null, message: null, generation: 0 };

/** How wrangler types a file: vendored ones are data, but for the SDK's JavaScript, which Python imports as modules. */
function typeOf(name) {
  if (/^python_modules\/workers\/.*\.m?js$/.test(name)) return "ESModule";
  if (name.startsWith("python_modules/")) return "Data";
  return { ".py": "PythonModule", ".mjs": "ESModule" }[path.extname(name)] ?? "Data";
}

/** Every file under a folder as a module named `prefix/relative/path`, but for caches. */
function modulesUnder({ folder, prefix = "" }) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".pyc"))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort()
    .map((file) => ({ path: path.join(prefix, file), file: path.join(folder, file) }));
}

function readModules({ main, sources }) {
  const modules = sources.flatMap(modulesUnder).map(({ path: name, file }) => {
    const type = typeOf(name);
    const contents = readFileSync(file);
    return { type, path: name, contents: type === "Data" ? contents : contents.toString() };
  });
  // The first module is the one that runs.
  return modules.sort((one, other) => (other.path === main) - (one.path === main));
}

function options() {
  return {
    host: config.host,
    log: new Log(LogLevel.WARN),
    cf: false,
    d1Persist: path.join(config.persist, "d1"),
    kvPersist: path.join(config.persist, "kv"),
    r2Persist: path.join(config.persist, "r2"),
    handleRuntimeStdio(stdout, stderr) {
      createInterface(stdout).on("line", (line) => console.log(line));
      createInterface(stderr).on("line", (line) => console.log(line));
    },
    workers: config.workers.map((worker) => ({
      name: worker.name,
      modules: readModules(worker),
      modulesRoot: "",
      compatibilityDate: worker.compatibilityDate,
      compatibilityFlags: worker.compatibilityFlags,
      bindings: worker.vars,
      d1Databases: worker.d1,
      kvNamespaces: worker.kv,
      r2Buckets: worker.r2,
      ratelimits: worker.ratelimits,
      unsafeDirectSockets: [{ host: config.host, port: worker.port }],
    })),
  };
}

let miniflare = null;
let loading = Promise.resolve();
let stopping = false;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A restarted worker has forgotten that somebody moved the clock. */
async function restoreClock() {
  if (!config.clockSource) return;
  let clock;
  try {
    clock = await (await fetch(`${config.clockSource}/_devstack/clock`)).text();
  } catch {
    return; // Nobody keeps a clock yet, so nobody has moved it.
  }
  await Promise.all(
    config.workers.map((worker) =>
      fetch(`http://${config.host}:${worker.port}/_devstack/clock`, { method: "POST", body: clock }),
    ),
  );
}

/** Starts workerd, or starts it again, with the sources as they are now. */
async function load(reason) {
  if (stopping) return;
  const started = performance.now();
  Object.assign(state, { state: "starting", pid: null, message: null });
  rmSync(process.env.WORKERD_PID_FILE, { force: true });
  try {
    if (miniflare === null) {
      miniflare = new Miniflare(options());
      await miniflare.ready;
    } else {
      await miniflare.setOptions(options());
    }
    await restoreClock();
    const pid = Number(readFileSync(process.env.WORKERD_PID_FILE, "utf8"));
    Object.assign(state, { state: "ready", pid, generation: state.generation + 1 });
    console.log(`workers ready in ${((performance.now() - started) / 1000).toFixed(1)} s (${reason})`);
  } catch (error) {
    Object.assign(state, { state: "failed", message: error.message });
    console.log(`workers did not start (${reason}): ${error.message}`);
  }
}

function reload(reason) {
  loading = loading.then(() => load(reason));
  return loading;
}

async function stop() {
  if (stopping) return;
  stopping = true;
  await loading;
  await miniflare?.dispose();
  process.exit(0);
}

function watchSources() {
  let timer = null;
  for (const folder of config.watch) {
    watch(folder, { recursive: true }, (_event, file) => {
      if (!file || !/\.(py|mjs)$/.test(file)) return;
      clearTimeout(timer);
      timer = setTimeout(() => reload(`${file} changed`), 150);
    });
  }
}

function watchProcess() {
  setInterval(() => {
    if (state.state !== "ready" || isAlive(state.pid)) return;
    Object.assign(state, { state: "died" });
    console.log(`workerd (process ${state.pid}) died; starting it again`);
    reload("after its death");
  }, 200);
}

async function answerControl(request) {
  if (request.url === "/status") return state;
  if (request.url === "/restart") {
    await reload("on request");
    return state;
  }
  if (request.url === "/d1") {
    const { sql, params = [] } = JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString());
    const database = await miniflare.getD1Database(Object.keys(config.workers[0].d1)[0], config.workers[0].name);
    return await database.prepare(sql).bind(...params).all();
  }
  return { error: `no control route ${request.url}` };
}

createServer(async (request, response) => {
  let status = 200;
  let answer;
  try {
    answer = await answerControl(request);
  } catch (error) {
    status = 500;
    answer = { error: error.message };
  }
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
}).listen(config.controlPort, config.host);

process.on("SIGTERM", stop);
process.on("SIGINT", stop);
process.stdin.on("end", stop).resume();

await reload("start");
watchSources();
watchProcess();
