import { rename, writeFile } from 'node:fs/promises';
import { issue, makeAuthority } from '../world/ca.ts';

/** A shop's certificate in a file, which a person can let expire and renew. Valid at first. */
export interface ShopCertificate {
  readonly path: string;
  readonly expire: () => Promise<void>;
  readonly renew: () => Promise<void>;
}

const NAME = 'shop.test';
const DAY_MS = 86_400_000;
const LIFETIME_DAYS = 397;

export async function writeShopCertificate(path: string): Promise<ShopCertificate> {
  const authority = await makeAuthority({ name: 'Shop CA' });
  // Atomic: readers see the old certificate or the new one, never a part of it.
  const write = async (leftDays: number) => {
    const notAfter = new Date(Date.now() + leftDays * DAY_MS);
    const notBefore = new Date(notAfter.getTime() - LIFETIME_DAYS * DAY_MS);
    const { certificatePem } = await issue(authority, { name: NAME, notBefore, notAfter });
    await writeFile(`${path}.new`, certificatePem);
    await rename(`${path}.new`, path);
  };
  const renew = () => write(LIFETIME_DAYS - 1);
  await renew();
  return { path, expire: () => write(-0.1), renew };
}
