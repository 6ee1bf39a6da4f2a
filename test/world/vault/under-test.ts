import { startVault } from '../vault.ts';
import { administer, type VaultUnderTest } from './administer.ts';

export interface OpenedVault extends VaultUnderTest {
  readonly close: () => Promise<void>;
}

/**
 * The Vaults that the tests without faults and clocks run against: the one in this folder and, if
 * WRENCH_TEST_VAULT_ADDR (and WRENCH_TEST_VAULT_TOKEN, a root token) are set, a real one: `vault server
 * -dev` or `bao server -dev`. Mounts named `wrench-test-...` are mounted again there.
 */
export function vaultsUnderTest(
  env: NodeJS.ProcessEnv = process.env,
): readonly (readonly [string, () => Promise<OpenedVault>])[] {
  const { WRENCH_TEST_VAULT_ADDR: address, WRENCH_TEST_VAULT_TOKEN: token = 'root' } = env;
  const real = async (): Promise<OpenedVault> => ({
    ...administer(address!.replace(/\/+$/, ''), token),
    close: () => Promise.resolve(),
  });
  return [['the Vault of the test world', startVault], ...(address ? [['a real Vault', real] as const] : [])];
}
