import { SourceError } from '../ports/source-error.ts';
import {
  type HostKeyVerdict,
  judgeHostKey,
  keyFingerprint,
  keyType,
  knownKeyTypes,
  knownName,
  withoutBrackets,
} from './known-hosts.ts';
import type { LoginFiles, SshLogin } from './ssh-login.ts';
import { printable } from './x509.ts';

/** Where a verdict comes from: a line of `known_hosts`, or `hostKeys` in the configuration. */
type Verdict = HostKeyVerdict & { readonly isConfigured?: true };

interface Presented {
  readonly source: string;
  readonly login: SshLogin;
  readonly files: Pick<LoginFiles, 'knownHosts' | 'knownHostsPath'>;
  /** The jump host that the machine is reached through. */
  readonly through?: string | undefined;
}

/** Why the key that a machine presents is rejected; undefined if it is trusted. A key is never trusted because nothing is known about the machine. */
export function rejectHostKey(presented: Presented, key: Buffer): SourceError | undefined {
  const verdict = judge(presented, key);
  if (verdict.is === 'trusted') return undefined;
  const { source, login } = presented;
  return new SourceError(source, 'refused', explain(presented, verdict, key), {
    code: 'SSH_HOST_KEY',
    hostKey: { host: login.name ?? login.host, is: verdict.is, fingerprint: keyFingerprint(key) },
  });
}

/** The types of the trusted keys of a machine. */
export function trustedKeyTypes(
  login: SshLogin,
  { knownHosts }: Pick<LoginFiles, 'knownHosts'>,
): readonly string[] {
  return [...new Set([...knownKeyTypes(knownHosts, login), ...configuredTypes(login)])];
}

function judge({ login, files }: Presented, key: Buffer): Verdict {
  const { hostKeys = [] } = login;
  const known = judgeHostKey(files.knownHosts, login, key);
  // A revoked key is rejected, whatever else trusts it.
  if (known.is === 'trusted' || known.is === 'revoked' || hostKeys.length === 0) return known;
  if (hostKeys.some((text) => isKey(text, key))) return { is: 'trusted' };
  if (known.is === 'changed') return known;
  const types = configuredTypes(login);
  const isOtherType = types.length === hostKeys.length && !types.includes(keyType(key));
  return isOtherType
    ? { is: 'other type', types: [...new Set(types)], isConfigured: true }
    : { is: 'changed', line: 0, isConfigured: true };
}

function isKey(text: string, key: Buffer): boolean {
  if (text.startsWith('SHA256:')) return text.replace(/=+$/, '') === keyFingerprint(key);
  const [type, encoded = ''] = text.split(/\s+/);
  return type === keyType(key) && Buffer.from(encoded, 'base64').equals(key);
}

/** Of a fingerprint, the type is unknown. */
function configuredTypes({ hostKeys = [] }: SshLogin): readonly string[] {
  return hostKeys.flatMap((text) => (text.startsWith('SHA256:') ? [] : (text.split(/\s+/)[0] ?? [])));
}

function explain(
  { login, files: { knownHostsPath }, through }: Presented,
  verdict: Exclude<Verdict, { is: 'trusted' }>,
  key: Buffer,
): string {
  const { host, port } = login;
  const name = login.name ?? host;
  const shown = `${keyFingerprint(key)} (${printable(keyType(key))})`;
  const keyscan = `ssh-keyscan${port === 22 ? '' : ` -p ${port}`} ${withoutBrackets(host)}`;
  const scan =
    through === undefined
      ? `\`${keyscan} >> ${knownHostsPath}\``
      : `the output of \`${keyscan}\` on ${through}`;
  const place = verdict.isConfigured ? '`hostKeys` in the configuration' : knownHostsPath;
  switch (verdict.is) {
    case 'revoked':
      return `${name} presents the host key ${shown}, which ${knownHostsPath} marks as revoked (line ${verdict.line})`;
    case 'changed':
      return verdict.isConfigured
        ? `the host key of ${name} has changed: it is now ${shown}, and ${place} has a different one. ` +
            'The connection may be intercepted. If the host was reinstalled, verify the new key on the host and replace the old one'
        : `the host key of ${name} has changed: it is now ${shown}, and ${place} has a different one (line ${verdict.line}). ` +
            `The connection may be intercepted. If the host was reinstalled, remove the old key with \`ssh-keygen -f ${knownHostsPath} -R '${knownName(login)}'\`, ` +
            `then add the new one with ${scan} and verify it`;
    case 'other type':
      return (
        `${name} presents the host key ${shown}, and ${place} has only keys of other types for it (${verdict.types.join(', ')}). ` +
        (verdict.isConfigured ? 'Add it and verify it' : `Add it with ${scan} and verify it`)
      );
    case 'unknown':
      return `the host key of ${name} is not in ${knownHostsPath}: verify on the host that its fingerprint is ${shown}, then add it with ${scan}`;
  }
}
