import { readFile } from 'node:fs/promises';
import { startCredhub } from '../credhub.ts';
import { administer, type CredhubUnderTest } from './administer.ts';

/**
 * The CredHubs that the API tests run against: the one in this folder and, if WRENCH_TEST_CREDHUB_URL is set, a real one. WRENCH_TEST_CREDHUB_CLIENT and
 * WRENCH_TEST_CREDHUB_SECRET are a client that may read and write below `/wrench-test`, and WRENCH_TEST_CREDHUB_CA is a file with the CA of CredHub and UAA.
 * The tests add versions to certificates below `/wrench-test`.
 */
export function credhubsUnderTest(
  env: NodeJS.ProcessEnv = process.env,
): readonly (readonly [string, () => Promise<CredhubUnderTest>])[] {
  const {
    WRENCH_TEST_CREDHUB_URL: url,
    WRENCH_TEST_CREDHUB_CLIENT: id = '',
    WRENCH_TEST_CREDHUB_SECRET: secret = '',
    WRENCH_TEST_CREDHUB_CA: ca = '',
  } = env;
  const own = async (): Promise<CredhubUnderTest> => {
    const credhub = await startCredhub();
    const administered = administer({ url: credhub.url, ca: credhub.ca, client: credhub.writer });
    const close = async (): Promise<void> => {
      await Promise.all([administered.close(), credhub.close()]);
    };
    return { ...administered, close };
  };
  const real = async (): Promise<CredhubUnderTest> =>
    administer({ url: url!.replace(/\/+$/, ''), ca: await readFile(ca, 'utf8'), client: { id, secret } });
  return [
    ['the CredHub of the test world', own],
    ...(url === undefined ? [] : [['a real CredHub', real] as const]),
  ];
}
