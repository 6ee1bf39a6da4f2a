import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOpsManager } from './ops-manager.ts';

interface OpsManagerUnderTest {
  /** The keys of the source. */
  readonly config: object;
  readonly close: () => Promise<void>;
}

/**
 * The Ops Managers that the tests without faults run against: the one in this folder and, if WRENCH_TEST_OPSMAN_URL is set (with
 * WRENCH_TEST_OPSMAN_CLIENT, WRENCH_TEST_OPSMAN_SECRET and, for a private CA, the path WRENCH_TEST_OPSMAN_CA), a real one. Nothing is changed there.
 */
export function opsManagersUnderTest(
  env: NodeJS.ProcessEnv = process.env,
): readonly (readonly [string, () => Promise<OpsManagerUnderTest>])[] {
  const {
    WRENCH_TEST_OPSMAN_URL: url,
    WRENCH_TEST_OPSMAN_CLIENT: id,
    WRENCH_TEST_OPSMAN_SECRET: secret,
    WRENCH_TEST_OPSMAN_CA: ca,
  } = env;
  const real = async (): Promise<OpsManagerUnderTest> => ({
    config: { url, auth: { client: { id, secret } }, ...(ca && { ca }) },
    close: () => Promise.resolve(),
  });
  const own = ['the Ops Manager of the test world', startOwn] as const;
  return url ? [own, ['a real Ops Manager', real]] : [own];
}

async function startOwn(): Promise<OpsManagerUnderTest> {
  const opsman = await startOpsManager();
  const folder = await mkdtemp(join(tmpdir(), 'wrench-opsman-'));
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, opsman.ca);
  return {
    config: { url: opsman.url, ca, auth: { client: opsman.client } },
    close: async () => {
      await opsman.close();
      await rm(folder, { recursive: true });
    },
  };
}
