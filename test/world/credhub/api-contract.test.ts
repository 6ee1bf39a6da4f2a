import { expect, onTestFinished, test } from 'vitest';
import type { RegeneratedRenewal } from '../../../src/ports/renewals.ts';
import { connectCredhub, listManaged } from './connect.ts';
import { credhubsUnderTest } from './under-test.ts';

const { signal } = new AbortController();

test.each(credhubsUnderTest())(
  '%s lists, returns and generates certificates as expected',
  async (_, start) => {
    const credhub = await start();
    onTestFinished(credhub.close);
    // A new name for each run, because versions are kept.
    const folder = `/wrench-test/${Date.now()}`;
    await credhub.generate(`${folder}/ca`, { common_name: 'wrench-test-ca', is_ca: true, duration: 90 });
    await credhub.generate(`${folder}/leaf`, { common_name: 'leaf', ca: `${folder}/ca`, duration: 30 });
    const { source, close } = await connectCredhub({ ...credhub, reader: credhub.client }, (files) => ({
      paths: [folder],
      allow: { renew: {} },
      ca: `${files}/ca.pem`,
    }));
    onTestFinished(close);
    const store = source.reads.certificates!;
    const apply = { idempotencyKey: 'm0123456789abcdef', signal };

    const { managed, gaps } = await listManaged(source);
    expect(gaps).toEqual([]);
    expect(managed).toMatchObject([
      { name: `${folder}/ca`, renewedBy: 'store', renewable: true },
      { name: `${folder}/leaf`, signedBy: `${folder}/ca`, renewedBy: 'store', renewable: true },
    ]);

    const leaf = `credhub:${folder}/leaf`;
    const [content] = await store.contents!(leaf, { versions: [managed[1]!.versions[0]!.id], signal });
    expect(content).toMatchObject({ chain: [{ name: 'leaf' }], trusts: [{ name: 'wrench-test-ca' }] });

    const renewal = (await store.planRenewal!(leaf, { signal })) as RegeneratedRenewal;
    const renewed = await source.writes!.certificates!.renew(renewal, apply);
    const transitional = await store.planRenewal!(`credhub:${folder}/ca`, { signal, asTransitional: true });
    const trusted = await source.writes!.certificates!.renew(transitional, apply);

    const after = await listManaged(source);
    expect(after.managed.map(({ versions }) => versions[0]?.id)).toContain(trusted.version);
    expect(after.managed[0]?.versions.map((version) => version.transitional)).toEqual([true, false]);
    expect(after.managed[1]?.versions.map(({ id }) => id)).toContain(renewed.version);
  },
);
