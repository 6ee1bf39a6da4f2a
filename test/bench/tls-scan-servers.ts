import { once } from 'node:events';
import { type AddressInfo, createServer as createPlainServer } from 'node:net';
import { createServer } from 'node:tls';
import { fullChain, issue, makeAuthority } from '../world/ca.ts';

/** Run as a process of its own, so that what is measured is the scanning side: many ports, one certificate for every name. */
const PORTS = 200;

const root = await makeAuthority({ name: 'Bench Root' });
const middle = await makeAuthority({ name: 'Bench Middle', issuer: root });
const leaf = await issue(middle, { name: 'bench.test', names: ['*.bench.test'] });
const server = createServer({ cert: fullChain(leaf, middle), key: leaf.keyPem });
server.on('tlsClientError', () => {});
server.on('secureConnection', (socket) => socket.on('error', () => {}).resume());

const ports: number[] = [];
for (let index = 0; index < PORTS; index += 1) {
  const listener = createPlainServer((socket) =>
    server.emit(
      'connection',
      socket.on('error', () => {}),
    ),
  );
  listener.listen(0, '127.0.0.1', 512);
  await once(listener, 'listening');
  ports.push((listener.address() as AddressInfo).port);
}
process.send?.({ ports, root: root.certificatePem });
process.once('disconnect', () => process.exit());
