import { createHash, createHmac } from 'node:crypto';

/**
 * Host keys in the format of OpenSSH's `known_hosts`: https://man.openbsd.org/sshd.8#SSH_KNOWN_HOSTS_FILE_FORMAT
 *
 * Plain, hashed and wildcard names, `[host]:port`, negation and `@revoked` are supported. `@cert-authority` is ignored, because host certificates are
 * not supported: such a host is unknown. A line that can't be parsed is ignored, as in OpenSSH.
 */
export type KnownHosts = readonly KnownHost[];

interface KnownHost {
  /** The line in the file, counted from 1. */
  readonly line: number;
  readonly isRevoked: boolean;
  readonly matches: (name: string) => boolean;
  /** `ssh-ed25519`. */
  readonly type: string;
  readonly key: Buffer;
}

export interface HostAddress {
  /** A name or an address. An IPv6 address may be in brackets, as in a URL. */
  readonly host: string;
  readonly port: number;
}

/** The verdict on the key that a host presents. Wrench connects only if it is `trusted`. */
export type HostKeyVerdict =
  | { readonly is: 'trusted' }
  /** Marked `@revoked`. */
  | { readonly is: 'revoked'; readonly line: number }
  /** Another key of the same type is known. */
  | { readonly is: 'changed'; readonly line: number }
  /** Only keys of other types are known. */
  | { readonly is: 'other type'; readonly types: readonly string[] }
  | { readonly is: 'unknown' };

const DEFAULT_PORT = 22;

export function parseKnownHosts(text: string): KnownHosts {
  return text.split('\n').flatMap((line, index) => parseLine(line, index + 1) ?? []);
}

function parseLine(text: string, line: number): KnownHost | undefined {
  const words = text.trim().split(/\s+/);
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  const [names, type, encoded] = words;
  if (!names || names.startsWith('#') || !type || !encoded) return undefined;
  if (marker !== undefined && marker !== '@revoked') return undefined;
  const key = Buffer.from(encoded, 'base64');
  if (keyType(key) !== type) return undefined;
  return { line, isRevoked: marker !== undefined, matches: matcherOf(names), type, key };
}

function matcherOf(names: string): (name: string) => boolean {
  const hashed = /^\|1\|([^|]+)\|([^|]+)$/.exec(names);
  if (hashed) {
    const salt = Buffer.from(hashed[1]!, 'base64');
    const hash = Buffer.from(hashed[2]!, 'base64');
    return (name) => createHmac('sha1', salt).update(name).digest().equals(hash);
  }
  const patterns = names.split(',').map((pattern) => ({
    negates: pattern.startsWith('!'),
    expression: globOf(pattern.replace(/^!/, '')),
  }));
  return (name) => {
    const matching = patterns.filter(({ expression }) => expression.test(name));
    return matching.length > 0 && !matching.some(({ negates }) => negates);
  };
}

function globOf(pattern: string): RegExp {
  const source = pattern
    .toLowerCase()
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`);
}

/** An IPv6 address without brackets, as OpenSSH writes it and as it is connected to. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/** The name in `known_hosts`: `node-b`, `[node-b]:2222`. */
export function knownName({ host, port }: HostAddress): string {
  const name = withoutBrackets(host).toLowerCase();
  return port === DEFAULT_PORT ? name : `[${name}]:${port}`;
}

export function judgeHostKey(known: KnownHosts, address: HostAddress, key: Buffer): HostKeyVerdict {
  const name = knownName(address);
  // A key that was revoked for any matching name is rejected, whatever else is known.
  const ofHost = known.filter(({ matches }) => matches(name));
  const revoked = ofHost.find((one) => one.isRevoked && one.key.equals(key));
  if (revoked) return { is: 'revoked', line: revoked.line };
  const valid = ofHost.filter(({ isRevoked }) => !isRevoked);
  if (valid.some((one) => one.key.equals(key))) return { is: 'trusted' };
  const sameType = valid.find(({ type }) => type === keyType(key));
  if (sameType) return { is: 'changed', line: sameType.line };
  if (valid.length > 0) return { is: 'other type', types: [...new Set(valid.map(({ type }) => type))] };
  return { is: 'unknown' };
}

/** The types of the known keys of a host. */
export function knownKeyTypes(known: KnownHosts, address: HostAddress): readonly string[] {
  const name = knownName(address);
  const valid = known.filter(({ isRevoked, matches }) => !isRevoked && matches(name));
  return [...new Set(valid.map(({ type }) => type))];
}

/** The type at the beginning of a key in wire format (RFC 4253 section 6.6); empty if it is not a key. */
export function keyType(key: Buffer): string {
  if (key.length < 4) return '';
  const length = key.readUInt32BE(0);
  return length > 64 || key.length < 4 + length ? '' : key.toString('latin1', 4, 4 + length);
}

/** In the format of OpenSSH: `SHA256:` and base64 without padding. */
export function keyFingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
