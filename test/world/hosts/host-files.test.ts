import { expect, test } from 'vitest';
import type { SeenPlace } from '../../../src/ports/certificates.ts';
import { sshConfig } from '../../../src/sources/ssh/config.ts';
import { openHosts } from '../../../src/sources/ssh/open.ts';
import { recordRun } from '../../cases/record-run.ts';
import { issueSelfSigned } from '../ca.ts';
import { filesOnHost } from './host-files.ts';
import { serveHosts } from './serve-hosts.ts';

test('an ssh source reads the certificates of files on served hosts', async () => {
  const { certificatePem, keyPem } = await issueSelfSigned({ name: 'kube-apiserver' });
  const modified = new Date('2026-11-25T08:00:04Z');
  const cp1 = await filesOnHost([
    { path: '/etc/kubernetes/pki/apiserver.crt', content: certificatePem, modified },
    { path: '/etc/kubernetes/pki/apiserver.key', content: keyPem },
  ]);
  const api = await filesOnHost([
    { path: '/var/vcap/jobs/cloud_controller_ng/config/certs/uaa_ca.crt', content: certificatePem, modified },
  ]);
  const served = await serveHosts(
    new Map([
      ['cp-1', cp1.answer],
      ['api/7f1c', api.answer],
    ]),
  );
  const config = { ...served.source('hosts'), certificates: ['kubernetes', 'bosh'] };
  const source = openHosts(sshConfig.parse(config));
  try {
    const seen: SeenPlace[] = [];
    for await (const result of source.reads.certificates!.scan({ signal: AbortSignal.timeout(60_000) }))
      if (result.kind === 'seen') seen.push(result);
    expect(
      seen
        .toSorted((a, b) => a.place.localeCompare(b.place))
        .map(({ place, host, storedSince, chain }) => [place, host, storedSince, chain[0].name]),
    ).toEqual([
      [
        'hosts:api/7f1c:/var/vcap/jobs/cloud_controller_ng/config/certs/uaa_ca.crt',
        'api/7f1c',
        modified,
        'kube-apiserver',
      ],
      ['hosts:cp-1:/etc/kubernetes/pki/apiserver.crt', 'cp-1', modified, 'kube-apiserver'],
    ]);
    expect(served.commands.join()).not.toContain('sudo');
  } finally {
    await source.close();
    await served.close();
    await Promise.all([cp1.close(), api.close()]);
  }
});

test('a recording of certificates on hosts has no private key', async () => {
  const { certificatePem, keyPem } = await issueSelfSigned({ name: 'kube-apiserver' });
  const host = await filesOnHost([
    { path: '/etc/kubernetes/pki/apiserver.crt', content: certificatePem + keyPem },
    {
      path: '/var/vcap/bosh/settings.json',
      content: JSON.stringify({
        env: { bosh: { mbus: { cert: { certificate: certificatePem, private_key: keyPem } } } },
      }),
    },
  ]);
  const served = await serveHosts(new Map([['cp-1', host.answer]]));
  try {
    const config = { ...served.source('hosts'), certificates: ['kubernetes', 'bosh'] };
    const { text, report } = await recordRun('certs/expiring', [config]);
    expect(report).toMatchObject({ status: 'clear', examined: 1 });
    expect(text).toContain('hosts:cp-1:/var/vcap/bosh/settings.json#mbus');
    expect(text).toContain('BEGIN CERTIFICATE');
    expect(text).not.toContain('PRIVATE KEY');
    expect(text).not.toContain(keyPem.split('\n')[1]);
  } finally {
    await served.close();
    await host.close();
  }
});
