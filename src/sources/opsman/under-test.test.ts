import { expect, test } from 'vitest';
import { opsManagersUnderTest } from '../../../test/world/ops-manager-under-test.ts';
import { opsmanConfig } from './config.ts';
import { openOpsman } from './open.ts';

const { signal } = new AbortController();

test.each(opsManagersUnderTest())('%s lists certificates with names and dates', async (_, start) => {
  const opsman = await start();
  const source = openOpsman(opsmanConfig.parse({ kind: 'opsman', ...opsman.config }));
  try {
    expect(await source.healthCheck(signal)).toMatchObject({ ok: true });
    let count = 0;
    for await (const one of source.reads.certificates!.managed!({ signal })) {
      count += 1;
      if (one.kind === 'unseen') throw one.error;
      expect(one.name).not.toBe('');
      expect(one.versions[0]!.notAfter).toBeInstanceOf(Date);
    }
    expect(count).toBeGreaterThan(0);
  } finally {
    await source.close();
    await opsman.close();
  }
});
