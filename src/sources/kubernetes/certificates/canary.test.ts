import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { issue, makeAuthority } from '../../../../test/world/ca.ts';
import { startCertManager } from '../../../../test/world/kubernetes/cert-manager.ts';
import { startCluster } from '../../../../test/world/kubernetes/api-server.ts';
import { certificateObject, secretObject, tlsData } from '../../../../test/world/kubernetes/certificates.ts';
import { saveFile } from '../../../../test/world/kubernetes/open-source.ts';
import type { SourceRecorder } from '../../../ports/recorder.ts';
import { parseJson } from '../../../text/parse-json.ts';
import { kubernetesConfig } from '../config.ts';
import { openKubernetes } from '../open.ts';

const { signal } = new AbortController();
const PASSWORD = 'CANARY-password-of-a-database';

/** Pieces of a key as it is, and as it is in the `data` of a Secret. */
function piecesOf(keyPem: string): readonly string[] {
  const body = keyPem.replaceAll(/-----[^-]+-----|\s/g, '');
  // The beginning of all keys of one type is the same, and in their certificates too.
  const inPem = body.slice(60).match(/.{16}/g) ?? [];
  const inData = Buffer.from(keyPem).toString('base64').slice(120).match(/.{24}/g) ?? [];
  return [...inPem, ...inData];
}

/** Records as `wrench run --record` does: the bodies of responses as far as they may be recorded. */
function recordInto(recorded: unknown[]): SourceRecorder {
  return {
    http: async (question, send, recordable = (whole) => whole) => {
      const answer = await send(question);
      recorded.push([question.url, question.body, recordable(parseJson(answer.text) ?? answer.text)]);
      return answer;
    },
    certificate: (_, read) => read(),
    observe: (_, observe) => observe(),
  };
}

test('no part of a private key is in results, errors or recordings, wherever it is stored', async () => {
  const authority = await makeAuthority({ name: 'lab' });
  const leaves = await Promise.all(
    Array.from({ length: 6 }, (_, index) => issue(authority, { name: `web-${index}`, keyType: 'rsa2048' })),
  );
  const [web, inside, broken, beside, trusted, annotated] = leaves as [
    (typeof leaves)[0],
    (typeof leaves)[0],
    (typeof leaves)[0],
    (typeof leaves)[0],
    (typeof leaves)[0],
    (typeof leaves)[0],
  ];
  const noisy = secretObject('annotated', { namespace: 'shop', data: tlsData(annotated) });
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(noisy) };
  const cluster = await startCluster({
    secrets: [
      secretObject('web', { namespace: 'shop', data: tlsData(web) }),
      secretObject('inside', {
        namespace: 'shop',
        data: {
          'tls.crt': inside.keyPem + inside.certificatePem,
          'tls.key': inside.keyPem,
          'ca.crt': inside.keyPem,
        },
      }),
      secretObject('broken', {
        namespace: 'shop',
        data: { 'tls.crt': broken.keyPem.replace('\n', '\n!!'), 'tls.key': broken.keyPem.slice(0, 900) },
      }),
      secretObject('beside', {
        namespace: 'shop',
        type: 'Opaque',
        data: {
          'all.pem': beside.certificatePem + beside.keyPem,
          'config.yaml': `password: ${PASSWORD}\nkey: |\n  ${beside.keyPem.replaceAll('\n', '\n  ')}\n`,
          password: PASSWORD,
        },
      }),
      { ...noisy, metadata: { ...noisy.metadata, annotations } },
    ],
    configmaps: [
      {
        metadata: { name: 'trust', namespace: 'shop' },
        data: { 'ca.crt': authority.certificatePem, 'oops.pem': trusted.keyPem, password: PASSWORD },
      },
    ],
    validatingwebhookconfigurations: [
      {
        metadata: { name: 'hook' },
        webhooks: [
          {
            name: 'hook',
            clientConfig: {
              url: `https://hook.example/x?token=${PASSWORD}`,
              caBundle: Buffer.from(trusted.keyPem).toString('base64'),
            },
          },
        ],
      },
    ],
    certificates: [
      certificateObject('web', {
        namespace: 'shop',
        spec: { keystores: { jks: { create: true, password: PASSWORD } } },
      }),
    ],
  });
  onTestFinished(cluster.close);
  startCertManager(cluster, { authority });
  const recorded: unknown[] = [];
  const source = openKubernetes(
    kubernetesConfig.parse({
      kind: 'kubernetes',
      name: 'lab',
      kubeconfig: await saveFile('kubeconfig', cluster.kubeconfig()),
      timeoutMs: 5_000,
      certificates: { secrets: 'all', trust: ['shop/trust'] },
      allow: { renew: {} },
    }),
    recordInto(recorded),
  );
  onTestFinished(source.close);
  const output: unknown[] = [];
  const store = source.reads.certificates!;
  const scan = async (): Promise<void> => {
    for await (const one of store.scan({ signal })) output.push(one);
  };

  await scan();
  for await (const one of store.managed!({ signal })) output.push(one);
  const planned = await store.planRenewal!('lab:certificates/shop/web', { signal });
  output.push(
    planned,
    await source.writes!.certificates!.renew(planned, { idempotencyKey: 'm1', signal }),
    await source.healthCheck(signal),
    await source.permissions!(signal),
  );
  for (const fault of [
    { lose: 'half' },
    { status: 500, body: leaves[0]!.keyPem },
    { status: 200, body: leaves[0]!.keyPem },
  ] as const) {
    cluster.fail({ path: '/api/v1/secrets', ...fault });
    await scan().catch((error: unknown) => void output.push(error));
    cluster.heal();
  }

  const text = inspect([output, recorded], {
    depth: Infinity,
    maxStringLength: Infinity,
    maxArrayLength: Infinity,
  });
  expect(text).toContain('web-0');
  expect(text).not.toContain(PASSWORD);
  for (const { keyPem } of leaves)
    expect(piecesOf(keyPem).filter((piece) => text.includes(piece))).toEqual([]);
  // What is recorded is enough to find the same certificates again.
  expect(inspect(recorded, { depth: Infinity, maxStringLength: Infinity })).toContain(
    Buffer.from(web.certificatePem).toString('base64'),
  );
});
