/**
 * Runs workers side by side in one workerd, each on a port of its own, over one D1, KV and R2.
 *
 *   node workers.mjs CONFIG.json
 *
 * CONFIG.json has each worker's settings and source folders; devstack/stack/stack.py writes it. This program reads the
 * sources again when a watched folder changes. It stops at a signal, or when its standard input ends because the parent
 * process ended. If workerd dies, miniflare starts it again. It listens on a control port: GET /status, POST /restart,
 * POST /d1 {sql, params}.
 */
import { readFileSync, readdirSync, watch, rmSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { Log, LogLevel, Miniflare } from "miniflare";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
const state = { state: "starting", pid: null, message: null, generation: 0 };

/** The module type that wrangler gives a file. Vendored files are data, except the SDK's JavaScript, which is imported. */
function typeOf(name) {
  if (/^python_modules\/workers\/.*\.m?js$/.test(name)) return "esm";
  if (name.startsWith("python_modules/")) return "data";
  return { ".py": "python", ".mjs": "esm" }[path.extname(name)] ?? "data";
}

/** Each file under a folder as [module name, path]. The name is `prefix/relative/path`. Python's caches are left out. */
function filesUnder({ folder, prefix = "" }) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".pyc"))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort()
    .map((file) => [path.join(prefix, file), path.join(folder, file)]);
}

function readModules(sources) {
  const modules = sources.flatMap(filesUnder).map(([name, file]) => {
    const type = typeOf(name);
    const contents = readFileSync(file);
    return [name, { type, contents: type === "data" ? contents : contents.toString() }];
  });
  return Object.fromEntries(modules);
}

/** The bindings of one kind. `describe` makes miniflare's description of a configured value. */
function bindings(configured, describe) {
  return Object.fromEntries(Object.entries(configured).map(([name, value]) => [name, describe(value)]));
}

function workerOptions(worker) {
  return {
    config: {
      name: worker.name,
      compatibilityDate: worker.compatibilityDate,
      compatibilityFlags: worker.compatibilityFlags,
      manifest: { mainModule: worker.main, modules: readModules(worker.sources) },
      env: {
        ...bindings(worker.vars, (value) => ({ type: "text", value })),
        ...bindings(worker.d1, (id) => ({ type: "d1", id })),
        ...bindings(worker.kv, (id) => ({ type: "kv", id })),
        ...bindings(worker.r2, (name) => ({ type: "r2", name })),
        ...bindings(worker.ratelimits, ({ namespace_id: namespace, simple }) => ({ type: "rate-limit", namespace, simple })),
      },
    },
    dev: { unsafeDirectSockets: [{ host: config.host, port: worker.port }] },
  };
}

function options() {
  return {
    host: config.host,
    log: new Log(LogLevel.WARN),
    cf: false,
    enableDevRegistry: false,
    resourcePersistencePath: config.persist,
    handleStructuredLogs: ({ message }) => console.log(message),
    unsafeHandleRuntimeRestart: noteRestart,
    workers: config.workers.map(workerOptions),
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

/** Sends the clock's offset to the workers, which lost it in a restart. */
async function restoreClock() {
  if (!config.clockSource) return;
  let clock;
  try {
    clock = await (await fetch(`${config.clockSource}/_devstack/clock`)).text();
  } catch {
    return; // The clock source does not run yet, so there is no offset.
  }
  await Promise.all(
    config.workers.map((worker) =>
      fetch(`http://${config.host}:${worker.port}/_devstack/clock`, { method: "POST", body: clock }),
    ),
  );
}

async function noteReady() {
  await restoreClock();
  const pid = Number(readFileSync(process.env.WORKERD_PID_FILE, "utf8"));
  Object.assign(state, { state: "ready", pid, generation: state.generation + 1 });
}

function noteFailure(reason, error) {
  Object.assign(state, { state: "failed", message: error.message });
  console.log(`workers did not start (${reason}): ${error.message}`);
}

/** Starts or restarts workerd with the current sources. */
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
    await noteReady();
    console.log(`workers ready in ${((performance.now() - started) / 1000).toFixed(1)} s (${reason})`);
  } catch (error) {
    noteFailure(reason, error);
  }
}

/** miniflare calls this after it has started a dead workerd again. */
async function noteRestart() {
  try {
    await noteReady();
    console.log("workers ready again");
  } catch (error) {
    noteFailure("after workerd died", error);
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

/** The state; `died` while workerd is dead and miniflare has not restarted it yet. */
function status() {
  return state.state === "ready" && !isAlive(state.pid) ? { ...state, state: "died" } : state;
}

async function answerControl(request) {
  if (request.url === "/status") return status();
  if (request.url === "/restart") {
    await reload("on request");
    return state;
  }
  if (request.url === "/d1") {
    const { sql, params = [] } = JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString());
    const database = await miniflare.getD1Database(Object.keys(config.workers[0].d1)[0], config.workers[0].name);
    return await database.prepare(sql).bind(...params).all();
  }
  return { error: `no control route ${request.url}; the routes are /status, /restart and /d1` };
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
