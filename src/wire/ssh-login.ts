import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SourceError } from '../ports/source-error.ts';
import { type HostAddress, type KnownHosts, parseKnownHosts } from './known-hosts.ts';

/** How one machine is logged in to. */
export interface SshLogin extends HostAddress {
  /** As reports name it. Default: `host`. */
  readonly name?: string;
  readonly user: string;
  /** The path of a private key in PEM or OpenSSH format, without a passphrase. */
  readonly key?: string | undefined;
  /** The path of the socket of an agent, instead of `key`. */
  readonly agent?: string | undefined;
  /** The path of a file in the format of OpenSSH's `known_hosts`. Default: `~/.ssh/known_hosts`. */
  readonly knownHosts?: string | undefined;
  /** Host keys that are trusted for this machine besides those in `knownHosts`: `ssh-ed25519 AAAA…` or `SHA256:…`. */
  readonly hostKeys?: readonly string[] | undefined;
}

/** A machine, and the machines that it is reached through, in order. */
export interface SshRoute extends SshLogin {
  readonly jump?: readonly SshLogin[] | undefined;
}

/** What the files of a login contain. */
export interface LoginFiles {
  /** Absent with an agent. It has been parsed once. */
  readonly privateKey?: string;
  readonly knownHosts: KnownHosts;
  /** For messages. */
  readonly knownHostsPath: string;
}

/** @throws {SourceError} if a file can't be read, or is no private key. */
export type ReadLogin = (login: SshLogin) => Promise<LoginFiles>;

interface Cached<T> {
  readonly version: string;
  readonly content: Promise<T>;
}

/** Reads the files of logins. A file is only read again when it has changed, so that a key that was added is known to the next connection. */
export function openLoginFiles(source: string): ReadLogin {
  const keys = new Map<string, Cached<string>>();
  const hosts = new Map<string, Cached<KnownHosts>>();
  return async ({ key, agent, knownHosts }) => {
    const knownHostsPath = knownHosts ?? join(homedir(), '.ssh', 'known_hosts');
    return {
      ...(agent === undefined && {
        privateKey: await cached(keys, key ?? '', () => readPrivateKey(source, key ?? '')),
      }),
      knownHosts: await cached(hosts, knownHostsPath, () => readKnownHosts(source, knownHostsPath)),
      knownHostsPath,
    };
  };
}

async function cached<T>(files: Map<string, Cached<T>>, path: string, read: () => Promise<T>): Promise<T> {
  const version = await stat(path).then(
    ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
    () => undefined,
  );
  // The error says why the file can't be read.
  if (version === undefined) return read();
  const known = files.get(path);
  if (known?.version === version) return known.content;
  const content = read();
  files.set(path, { version, content });
  content.catch(() => files.delete(path));
  return content;
}

async function readPrivateKey(source: string, path: string): Promise<string> {
  const { utils } = (await import('ssh2')).default;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(source, `the private key ${path}`, error, 'SSH_KEY');
  });
  const parsed = utils.parseKey(text);
  if (!(parsed instanceof Error) && parsed.isPrivateKey()) return text;
  throw new SourceError(
    source,
    'malformed',
    parsed instanceof Error && /encrypted/i.test(parsed.message)
      ? `the private key ${path} has a passphrase: use a key without one that only Wrench can read`
      : `${path} isn't a private key in PEM or OpenSSH format`,
    { code: 'SSH_KEY' },
  );
}

/** Without the file, no host is known; the error of the connection says how to fix that. */
async function readKnownHosts(source: string, path: string): Promise<KnownHosts> {
  try {
    return parseKnownHosts(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(source, `the host keys in ${path}`, error, 'SSH_KNOWN_HOSTS');
  }
}

function unreadable(source: string, what: string, error: unknown, code: string): SourceError {
  const message = `couldn't read ${what} (${(error as NodeJS.ErrnoException).code})`;
  return new SourceError(source, 'missing', message, { code });
}
