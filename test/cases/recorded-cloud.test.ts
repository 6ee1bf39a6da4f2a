import { expect, test } from 'vitest';
import { readAll } from '../world/kubernetes/open-source.ts';
import { startOpenStack } from '../world/openstack/cloud.ts';
import {
  agentObject,
  imageObject,
  networkObject,
  portObject,
  serverObject,
  serviceObject,
} from '../world/openstack/objects.ts';
import { neverAborts } from '../world/openstack/open-source.ts';
import { recordSource } from '../../src/app/recording/record-source.ts';
import type { Cloud } from '../../src/ports/cloud.ts';
import type { SourceRecorder } from '../../src/ports/recorder.ts';
import { makeRedactWhole } from '../../src/text/redact.ts';
import { makeHideSecrets } from '../../src/wire/hide-secrets.ts';
import { openStackConfig } from '../../src/sources/openstack/config.ts';
import { openOpenStack } from '../../src/sources/openstack/open.ts';

const HIDE = makeHideSecrets(makeRedactWhole());

interface Noted {
  readonly request: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What a recorder of `wrench run --record` writes. */
function startNotes(): { readonly recorder: SourceRecorder; readonly notes: Noted[] } {
  const notes: Noted[] = [];
  const recorder = recordSource(
    'lab',
    (asked, answered) => void notes.push({ ...asked, ...(HIDE.inJson(answered()) as object) } as Noted),
    HIDE,
  );
  return { recorder, notes };
}

/** Answers with what was noted, and sends nothing. */
function replaying(notes: readonly Noted[]): SourceRecorder {
  const left = [...notes];
  return {
    http: async () => {
      const { status, headers = {}, body } = left.shift()!;
      return { status, headers, text: JSON.stringify(body) };
    },
    certificate: (_, read) => read(),
    observe: (_, observe) => observe(),
  };
}

async function readEverything(cloud: Cloud): Promise<unknown> {
  return [
    await readAll(cloud.networks(neverAborts())),
    await cloud.ports({ ...neverAborts(), macs: ['fa:16:3e:5c:01:9a'] }),
    await readAll(cloud.servers({ ...neverAborts(), host: 'cmp-1' })),
    await cloud.server({ ...neverAborts(), id: 'server-web-1' }),
    await cloud.dhcpAgents(neverAborts()),
    await cloud.services(neverAborts()),
    await cloud.image({ ...neverAborts(), id: 'image-1' }),
    await cloud.image({ ...neverAborts(), id: 'image-2' }),
  ];
}

test('a recording contains no token, secret, metadata or user data, and gives the same answers', async () => {
  const openStack = await startOpenStack({
    networks: [networkObject('blue', { description: 'CANARY' })],
    ports: [portObject('fa:16:3e:5c:01:9a', { 'binding:profile': { key: 'CANARY' }, description: 'CANARY' })],
    servers: [
      serverObject('web-1', {
        image: { id: 'image-1', links: [{ href: 'CANARY' }] },
        'OS-EXT-SRV-ATTR:instance_name': 'instance-0000091c',
        metadata: { note: 'CANARY' },
        adminPass: 'CANARY',
        'OS-EXT-SRV-ATTR:user_data': 'CANARY',
        fault: { message: 'no', details: 'CANARY' },
      }),
    ],
    services: [serviceObject('nova-compute', 'cmp-1', { disabled_reason: 'ticket 7', note: 'CANARY' })],
    images: [imageObject('image-1', { direct_url: 'swift://CANARY', os_secret: 'CANARY' })],
    agents: [agentObject('net-1', { configurations: { dhcp_lease_duration: 120, log: 'CANARY' } })],
  });
  const user = openStack.addUser();
  const config = openStackConfig.parse({ kind: 'openstack', authUrl: openStack.authUrl, auth: { user } });
  const { recorder, notes } = startNotes();
  const source = openOpenStack(config, recorder);
  const answers = await readEverything(source.reads.cloud!);
  await source.close();
  await openStack.close();

  const text = JSON.stringify(notes);
  for (const secret of [...openStack.canaries(), 'CANARY', 'dEkBDHaTRKOYPBqEzUS7Zg'])
    expect(text).not.toContain(secret);
  expect(notes[0]).toMatchObject({ request: 'POST /identity/v3/auth/tokens', status: 201 });
  const replayed = openOpenStack(config, replaying(notes));
  expect(await readEverything(replayed.reads.cloud!)).toEqual(answers);
});

test('a response that has a login under another name is not one without a recording', async () => {
  const openStack = await startOpenStack({
    answer: (service) =>
      service === 'keystone' ? { status: 201, json: { login: { catalog: [] } } } : undefined,
  });
  const auth = { applicationCredential: openStack.addCredential() };
  const source = openOpenStack(
    openStackConfig.parse({ kind: 'openstack', authUrl: openStack.authUrl, auth }),
  );

  await expect(source.reads.cloud!.dhcpAgents(neverAborts())).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('did not return a token'),
  });
  await source.close();
  await openStack.close();
});
