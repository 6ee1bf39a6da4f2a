import { expect, test } from 'vitest';
import { issue, makeAuthority } from '../../../test/world/ca.ts';
import type { Recordable, SourceRecorder } from '../../ports/recorder.ts';
import { withoutSecrets } from './without-secrets.ts';

const PASSWORD = 'canary-password-of-a-database';

/** What is recorded of the response to one request. */
async function recorded(url: string, body: unknown): Promise<unknown> {
  let part: Recordable | undefined;
  const answer = { status: 200, text: '', headers: {} };
  const recorder: SourceRecorder = {
    http: async (question, send, recordable) => {
      part = recordable;
      return send(question);
    },
    certificate: async (_, read) => read(),
    observe: async (_, observe) => observe(),
  };
  await withoutSecrets(recorder, ['pki']).http({ url }, async () => answer);
  return part?.(body);
}

test('issuers and roles keep their certificates and facts, so that a run can be replayed', async () => {
  const { certificatePem } = await makeAuthority({ name: 'int' });
  const issuer = {
    certificate: certificatePem,
    ca_chain: [certificatePem],
    issuer_id: 'af005365-4e83-4c4f-9073-ff05d1403759',
    issuer_name: 'int-2022',
    key_id: '',
    leaf_not_after_behavior: 'truncate',
    usage: 'read-only,issuing-certificates,crl-signing',
    revoked: false,
  };
  expect(await recorded('https://vault/v1/pki/issuer/default', { data: issuer })).toEqual({ data: issuer });
  const role = { ttl: 3600, max_ttl: '720h', issuer_ref: 'default' };
  expect(await recorded('https://vault/v1/pki/roles/edge', { data: role })).toEqual({ data: role });
});

test('what a PKI issues, and secrets of any mount, are recorded without keys and passwords', async () => {
  const { certificatePem, keyPem } = await issue(await makeAuthority({ name: 'ca' }), { name: 'leaf' });
  const secret = {
    certificate: certificatePem,
    private_key: keyPem,
    password: PASSWORD,
    usage: `${PASSWORD} 1`,
    issuer_name: `${PASSWORD}!`,
    ttl: PASSWORD,
    max_ttl: { ttl: PASSWORD },
  };
  for (const path of [
    'pki/issue/edge',
    'pki/issuer/x',
    'pki/roles/x',
    'secret/data/x',
    'secret/roles/x',
    'pki',
  ])
    for (const body of [{ data: secret }, { data: { data: secret } }, secret]) {
      const text = JSON.stringify(await recorded(`https://vault/v1/${path}`, body));
      expect(text).not.toContain('PRIVATE KEY');
      expect(text).not.toContain(PASSWORD);
      expect(text).not.toContain(keyPem.slice(60, 120));
      expect(text).toContain('BEGIN CERTIFICATE');
    }
});
