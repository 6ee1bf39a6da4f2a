import { randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import { issue, makeAuthority } from '../world/ca.ts';
import { listenOnLoopback } from '../world/loopback.ts';

/**
 * A CredHub with its UAA that returns one list of the recorded shape; its argument is the number of certificates. Runs as a separate process, so that only
 * the client is measured.
 */
const count = Number(process.argv[2]);
const authority = await makeAuthority({ name: 'credhub-ca' });
const { certificatePem, keyPem } = await issue(authority, { name: 'credhub', names: ['127.0.0.1'] });
const list = Buffer.from(
  JSON.stringify({ certificates: Array.from({ length: count }, (_, at) => entry(at)) }),
);
let requests = 0;

const server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
  const url = request.url ?? '/';
  response.setHeader('content-type', 'application/json');
  if (url === '/info') response.end(JSON.stringify({ 'auth-server': { url: origin } }));
  else if (url === '/oauth/token')
    response.end('{"access_token":"bench-token","expires_in":43199,"scope":"credhub.read"}');
  else {
    requests += 1;
    response.end(list);
  }
});
const { port } = await listenOnLoopback(server);
const origin = `https://127.0.0.1:${port}`;
process.send?.({ url: origin, ca: authority.certificatePem });
process.on('message', () => {
  process.send?.(requests);
  requests = 0;
});
process.once('disconnect', () => process.exit());

/** Half of the names have been rotated; each tenth is an authority. */
function entry(at: number): object {
  const isAuthority = at % 10 === 0;
  const authorityName = `/bosh/deployment-${Math.floor(at / 10)}/service_ca`;
  const versions = Array.from({ length: 1 + (at % 3) }, (_, age) => ({
    id: randomUUID(),
    expiry_date: new Date(Date.UTC(2028 - age, at % 12, 1 + (at % 28))).toISOString().replace('.000', ''),
    transitional: isAuthority && at % 50 === 0 && age === 0,
    certificate_authority: isAuthority,
    self_signed: isAuthority,
    generated: true,
  }));
  const children = Array.from(
    { length: 9 },
    (_, child) => `/bosh/deployment-${Math.floor(at / 10)}/service_${child + 1}`,
  );
  return {
    id: randomUUID(),
    name: isAuthority ? authorityName : `/bosh/deployment-${Math.floor(at / 10)}/service_${at % 10}`,
    signed_by: authorityName,
    signs: isAuthority ? children : [],
    versions,
  };
}
