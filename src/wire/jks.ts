import { X509Certificate } from 'node:crypto';

const magics: ReadonlyMap<number, string> = new Map([
  [0xfeedfeed, 'JKS'],
  [0xcececece, 'JCEKS'],
]);

export function isJks(bytes: Buffer): boolean {
  return bytes.length >= 12 && magics.has(bytes.readUInt32BE(0));
}

export class UnreadableKeystore extends Error {
  override readonly name: string = 'UnreadableKeystore';
}

/** The entries before it were read. */
export class UnskippableEntry extends UnreadableKeystore {
  override readonly name = 'UnskippableEntry';
}

export interface JksEntry {
  readonly alias: string;
  readonly chain: readonly X509Certificate[];
  /** Where the next entry begins. */
  readonly end: number;
}

/**
 * The certificates of an old Java keystore, which are stored unencrypted (sun.security.provider.JavaKeyStore); its private keys are skipped,
 * and its checksum, which needs the password, is not verified. Since Java 9, keystores are PKCS#12, whatever their name.
 * @throws {UnreadableKeystore} if it is truncated, and {@link UnskippableEntry} if it contains a secret key, whose length is not recorded.
 */
export function* readJks(bytes: Buffer): Generator<JksEntry, void, undefined> {
  let at = 4;
  const take = (size: number) => {
    if (at + size > bytes.length) throw new UnreadableKeystore('it is truncated');
    at += size;
    return bytes.subarray(at - size, at);
  };
  const number = () => take(4).readUInt32BE(0);
  const text = () => take(take(2).readUInt16BE(0)).toString('utf8');

  const version = number();
  const certificate = () => {
    if (version === 2) text();
    return new X509Certificate(take(number()));
  };
  for (let left = number(); left > 0; left -= 1) {
    const tag = number();
    const alias = text();
    take(8);
    if (tag === 1) {
      take(number());
      const chain: X509Certificate[] = [];
      for (let more = number(); more > 0; more -= 1) chain.push(certificate());
      yield { alias, chain, end: at };
    } else if (tag === 2) {
      yield { alias, chain: [certificate()], end: at };
    } else {
      throw new UnskippableEntry('an entry in it is not a certificate and cannot be skipped');
    }
  }
}
