import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, issue, makeAuthority } from '../ca.ts';

/** The names of Cloud Foundry's etcd machines. */
export const NAMES = ['etcd-z1-0', 'etcd-z1-1', 'etcd-z2-0'] as const;

/** The certificates of one cluster's members and clients, in files of its folder. */
export interface Secrets {
  readonly authority: Authority;
  readonly ca: string;
  readonly client: { readonly cert: string; readonly key: string };
  readonly clientPem: { readonly cert: string; readonly key: string };
  readonly domain: string;
  readonly server: (name: string) => { readonly cert: string; readonly key: string };
}

/** The certificates of members on their peer ports. */
export interface PeerSecrets {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** `notAfter` is the expiry of the servers' certificates, or of each one. */
export async function writeSecrets(folder: string, ends?: Date | readonly Date[]): Promise<Secrets> {
  const authority = await makeAuthority({ name: 'etcd-ca' });
  const domain = 'cf-etcd.service.cf.internal';
  const file = (name: string): string => join(folder, name);
  await writeFile(file('ca.crt'), authority.certificatePem);
  for (const [index, name] of NAMES.entries()) {
    const notAfter = ends instanceof Date ? ends : ends?.[index];
    // The gateway uses the server's certificate as a client of its own member, so it is a client
    // certificate too.
    const extendedKeyUsage = ['serverAuth', 'clientAuth'];
    const made = await issue(authority, {
      name: `${name}.${domain}`,
      extendedKeyUsage,
      ...(notAfter && { notAfter }),
    });
    await writeFile(file(`${name}.crt`), made.certificatePem);
    await writeFile(file(`${name}.key`), made.keyPem, { mode: 0o600 });
  }
  const client = await issue(authority, { name: 'etcd client', names: [], extendedKeyUsage: ['clientAuth'] });
  await writeFile(file('client.crt'), client.certificatePem);
  await writeFile(file('client.key'), client.keyPem, { mode: 0o600 });
  return {
    authority,
    domain,
    ca: file('ca.crt'),
    client: { cert: file('client.crt'), key: file('client.key') },
    clientPem: { cert: client.certificatePem, key: client.keyPem },
    server: (name) => ({ cert: file(`${name}.crt`), key: file(`${name}.key`) }),
  };
}

export function tlsSettings(secrets: Secrets, name: string): readonly string[] {
  const { cert, key } = secrets.server(name);
  return ['--cert-file', cert, '--key-file', key, '--trusted-ca-file', secrets.ca, '--client-cert-auth=true'];
}

/** One certificate for all of them; `notAfter` is its expiry. */
export async function writePeerSecrets(folder: string, notAfter: Date): Promise<PeerSecrets> {
  const authority = await makeAuthority({ name: 'etcd-peer-ca' });
  const extendedKeyUsage = ['serverAuth', 'clientAuth'];
  const made = await issue(authority, {
    name: 'etcd peer',
    names: ['127.0.0.1'],
    extendedKeyUsage,
    notAfter,
  });
  const [cert, key, ca] = ['peer.crt', 'peer.key', 'peer-ca.crt'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(cert, made.certificatePem);
  await writeFile(key, made.keyPem, { mode: 0o600 });
  await writeFile(ca, authority.certificatePem);
  return { cert, key, ca };
}

export function peerTlsSettings({ cert, key, ca }: PeerSecrets): readonly string[] {
  const files = ['--peer-cert-file', cert, '--peer-key-file', key, '--peer-trusted-ca-file', ca];
  return [...files, '--peer-client-cert-auth=true'];
}
