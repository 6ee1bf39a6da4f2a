import { generateKeyPairSync } from 'node:crypto';
import ssh2 from 'ssh2';

/**
 * Node makes the key: about one in 400 of ssh2's own ed25519 keys is a byte short, and then ssh2 rejects
 * it.
 */
export function generateHostKey(): { hostKey: string; publicKey: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const hostKey = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  const parsed = ssh2.utils.parseKey(hostKey);
  if (parsed instanceof Error) throw parsed;
  return { hostKey, publicKey: `${parsed.type} ${parsed.getPublicSSH().toString('base64')}` };
}
