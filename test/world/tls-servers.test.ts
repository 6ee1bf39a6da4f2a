import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { startTlsServers } from './tls-servers.ts';

test('closing stops every server and open connection, and nothing else', async () => {
  const own = connectionsAndServers();
  const world = await startTlsServers();
  const { silent, chatty } = world.sites;
  const waiting = connectPlain(silent.port, silent.host).on('error', () => {});
  const reading = connect({ ...chatty, rejectUnauthorized: false }).on('error', () => {});
  await Promise.all([once(waiting, 'connect'), once(reading, 'secureConnect')]);

  await world.close();

  for (const socket of [waiting, reading]) if (!socket.destroyed) await once(socket.resume(), 'close');
  while (connectionsAndServers() > own) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(connectionsAndServers()).toBe(own);
});

test('a different clock shifts the certificates, not the servers', async () => {
  const now = new Date('2019-07-13T09:00:00Z');
  const world = await startTlsServers({ now });
  const { x509 } = world.certificates.leaves['expired-leaf'].leaf;
  await world.close();

  expect(x509.validToDate.toISOString()).toBe('2019-07-12T09:00:00.000Z');
});

function connectionsAndServers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource.startsWith('TCP')).length;
}
