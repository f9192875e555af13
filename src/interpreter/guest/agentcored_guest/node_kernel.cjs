// Runs the session's JavaScript (or, types stripped, TypeScript) as a REPL would: state lives on,
// top-level await works, names can be declared again. Under Node or Deno. Frames as in frames.py.
'use strict';
const inspector = require('node:inspector');
const net = require('node:net');
const nodeModule = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const util = require('node:util');

const channel = new net.Socket({ fd: Number(process.env.AGENTCORED_CHANNEL) });
delete process.env.AGENTCORED_CHANNEL;
const language = process.argv[2];
process.argv = [process.execPath];
for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true);

// Deno cannot end while it evaluates: it ends behind it.
const deno = globalThis.Deno;
const leave = deno?.exit.bind(deno);
let leaving;
class Leaving extends Error {}
if (deno) {
  deno.exit = process.exit = process.reallyExit = (code) => {
    leaving ??= Number(code ?? process.exitCode ?? 0) & 255;
    throw new Leaving('exit');
  };
}
const leaveIfAsked = () => leaving !== undefined && leave(leaving);

const session = new inspector.Session();
session.connect();
globalThis.require = nodeModule.createRequire(path.join(process.cwd(), 'cell.js'));
globalThis.module = { exports: {} };
globalThis.exports = module.exports;

function send(header) {
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(text.length, 0);
  channel.write(Buffer.concat([head, text]));
}

const post = (method, parameters) => new Promise((resolve, reject) =>
  session.post(method, parameters, (error, answer) => (error ? reject(error) : resolve(answer))));

function stripped(code) {
  if (language !== 'typescript') return code;
  if (!nodeModule.stripTypeScriptTypes)
    throw new Error(`TypeScript needs Node.js 22.13 or newer; this is ${process.version}`);
  // Deno drops imports that this cell does not use, though the next one may.
  const source = deno ? withoutStaticImports(withoutTypeImports(code)) : code;
  return nodeModule.stripTypeScriptTypes(source, { mode: 'transform', sourceMap: false });
}

const withoutTypeImports = (code) =>
  code.replace(/^[ \t]*import\s+type\s[^'"]*(['"])[^'"\n]+\1;?/gm, '');

// In the REPL's scripts import() finds nothing: modules are loaded from here, seen from /work.
Object.defineProperty(globalThis, '__agentcored_import', {
  value: (name) => import(/^[./]/.test(name)
    ? pathToFileURL(path.resolve(name)).href : nodeModule.isBuiltin(name) ? name
    : pathToFileURL(globalThis.require.resolve(name)).href),
});

// Static imports exist in modules only; in a REPL they are dynamic ones.
function withoutStaticImports(code) {
  const names = (text) => text.replace(/\bas\b/g, ':');
  return code.replace(
    /^[ \t]*import\s+(?:(?:([\w$]+)\s*,?\s*)?(?:(\{[^}]*\})|\*\s*as\s+([\w$]+))?\s*from\s*)?(['"])([^'"\n]+)\4;?/gm,
    (_, standard, named, all, quote, from) => {
      const load = `await __agentcored_import(${JSON.stringify(from)})`;
      let out = '';
      if (standard) out += `var ${standard} = (${load}).default;`;
      if (named) out += `var ${names(named)} = ${load};`;
      if (all) out += `var ${all} = ${load};`;
      return out || `${load};`;
    }).replace(/(?<![\w$.])import(?=\s*\()/g, '__agentcored_import');
}

async function show(result) {
  if (result.type === 'undefined') return;
  globalThis.__agentcored_value = undefined;
  await post('Runtime.callFunctionOn', {
    functionDeclaration: 'function (value) { globalThis.__agentcored_value = value; }',
    objectId: (await post('Runtime.evaluate', { expression: 'globalThis' })).result.objectId,
    arguments: [result.objectId ? { objectId: result.objectId }
      : 'unserializableValue' in result ? { unserializableValue: result.unserializableValue }
      : { value: result.value }],
  });
  console.log(util.inspect(globalThis.__agentcored_value, { depth: 4 }));
  delete globalThis.__agentcored_value;
}

function withoutOwnFrames(description) {
  const lines = description.split('\n');
  const own = lines.findIndex((line) => /^ {4}at .*(node:inspector|deno_node.inspector|node_kernel\.cjs)/.test(line));
  return (own < 0 ? lines : lines.slice(0, own)).join('\n');
}

async function run(code) {
  let source;
  try {
    source = withoutStaticImports(stripped(code));
  } catch (error) {
    console.error(error.message);
    return 1;
  }
  const answer = await post('Runtime.evaluate', {
    expression: source, replMode: true, awaitPromise: true, generatePreview: false,
    objectGroup: 'cell' });
  leaveIfAsked();
  if (answer.exceptionDetails) {
    const thrown = answer.exceptionDetails.exception;
    console.error(withoutOwnFrames(thrown?.description ?? `Uncaught ${thrown?.value}`));
    await post('Runtime.releaseObjectGroup', { objectGroup: 'cell' });
    return 1;
  }
  await show(answer.result);
  await post('Runtime.releaseObjectGroup', { objectGroup: 'cell' });
  return 0;
}

let buffered = Buffer.alloc(0);
channel.on('data', async (data) => {
  buffered = buffered.length ? Buffer.concat([buffered, data]) : data;
  if (buffered.length < 8) return;
  const headerSize = buffered.readUInt32LE(0);
  const end = 8 + headerSize + buffered.readUInt32LE(4);
  if (buffered.length < end) return;
  const header = JSON.parse(buffered.subarray(8, 8 + headerSize).toString());
  const code = buffered.subarray(8 + headerSize, end).toString();
  buffered = buffered.subarray(end);
  let exitCode = 1;
  try {
    exitCode = await run(code);
  } catch (error) {
    console.error(String(error?.stack ?? error));
  }
  send({ event: 'done', call: header.call, exitCode });
});
channel.on('close', () => (leave ?? process.exit)(0));
process.on('uncaughtException', (error) => {
  leaveIfAsked();
  console.error(error?.stack ?? String(error));
});
process.on('unhandledRejection', (error) => {
  leaveIfAsked();
  console.error('Unhandled rejection:', error);
});
