// fetch() through the session's proxy, for a Node.js that does not do so by itself (before 22.21
// and 24.5, NODE_USE_ENV_PROXY is not heeded). Loaded by NODE_OPTIONS; does nothing until fetch()
// is called.
'use strict';
const proxy = process.env.HTTPS_PROXY;
const [major, minor] = process.versions.node.split('.').map(Number);
const isBuiltIn = major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);

function connectThrough(target, done) {
  const http = require('node:http');
  const isSecure = target.protocol === 'https:';
  const port = target.port || (isSecure ? 443 : 80);
  if (['localhost', '127.0.0.1', '::1', '[::1]'].includes(target.hostname)) {
    const socket = isSecure
      ? require('node:tls').connect({ host: target.hostname, port, servername: target.servername })
      : require('node:net').connect({ host: target.hostname.replace(/[[\]]/g, ''), port });
    return socket.once(isSecure ? 'secureConnect' : 'connect', () => done(null, socket))
      .once('error', done);
  }
  const { hostname, port: proxyPort } = new URL(proxy);
  const request = http.request({
    host: hostname, port: proxyPort, method: 'CONNECT', agent: false,
    path: `${target.hostname}:${port}`, headers: { host: `${target.hostname}:${port}` } });
  request.once('error', done);
  request.once('response', (answer) => {  // a refusal comes as an ordinary answer
    let text = '';
    answer.on('data', (data) => { text += data; });
    answer.on('end', () => done(new Error(`the proxy refused: ${text.trim()}`)));
  });
  request.once('connect', (answer, socket, head) => {
    if (answer.statusCode !== 200) {
      socket.destroy();
      return done(new Error(`the proxy refused: ${answer.statusCode} ${String(head).trim()}`));
    }
    if (!isSecure) return done(null, socket);
    const secure = require('node:tls').connect({
      socket, servername: target.servername || target.hostname, ALPNProtocols: ['http/1.1'] });
    secure.once('secureConnect', () => done(null, secure)).once('error', done);
  });
  request.end();
}

if (proxy && !isBuiltIn) {
  const plain = globalThis.fetch;
  let isReady = false;
  globalThis.fetch = function fetch(...given) {
    if (!isReady) {
      isReady = true;
      plain('data:,').catch(() => {});  // makes the dispatcher, whose class has no other name
      const key = Symbol.for('undici.globalDispatcher.1');
      globalThis[key] = new globalThis[key].constructor({ connect: connectThrough });
    }
    return plain(...given);
  };
}
