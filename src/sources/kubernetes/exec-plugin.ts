import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { ExecPlugin } from './kubeconfig.ts';
import { pluginEnvironment } from './process-environment.ts';

/** The credential that a plugin printed. */
export interface ExecCredential {
  readonly token?: string;
  /** PEM. */
  readonly cert?: string;
  readonly key?: string;
  readonly expiresAt?: Date;
}

const credentialSchema = z.object({
  kind: z.literal('ExecCredential'),
  status: z
    .object({
      token: z.string().min(1).nullish(),
      clientCertificateData: z.string().min(1).nullish(),
      clientKeyData: z.string().min(1).nullish(),
      expirationTimestamp: z.string().nullish(),
    })
    .refine((status) => status.token || (status.clientCertificateData && status.clientKeyData)),
});

const MAX_OUTPUT_BYTES = 1_000_000;
/** How long to wait for output after a plugin has exited: processes that it leaves running may keep stdout open. */
const DRAIN_MS = 1_000;

/**
 * Runs an exec plugin in its own process group, which is killed at the timeout. Its stderr is discarded.
 * @throws {SourceError} that names the plugin and quotes none of its output.
 */
export async function runExecPlugin(
  source: string,
  plugin: ExecPlugin,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<ExecCredential> {
  const name = basename(plugin.command);
  const output = await run(source, name, plugin, timeoutMs, signal);
  const parsed = credentialSchema.safeParse(parseJson(output));
  if (!parsed.success)
    throw new SourceError(source, 'malformed', `the exec plugin ${name} printed no credential`);
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = parsed.data.status;
  const expiresAt = new Date(expirationTimestamp ?? Number.NaN);
  return {
    ...(token && { token }),
    ...(clientCertificateData && clientKeyData && { cert: clientCertificateData, key: clientKeyData }),
    ...(!Number.isNaN(expiresAt.getTime()) && { expiresAt }),
  };
}

function run(
  source: string,
  name: string,
  { command, args, env, apiVersion, cluster }: ExecPlugin,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  const info = {
    apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(cluster && { cluster }) },
  };
  return new Promise((resolve, reject) => {
    const cannotRun = (error: unknown): SourceError => {
      const { code } = error as NodeJS.ErrnoException;
      const because =
        code === 'ENOENT'
          ? 'was not found: install it where the worker runs'
          : `cannot be run (${code ?? 'unknown failure'})`;
      return new SourceError(source, 'missing', `the exec plugin ${name} ${because}`);
    };
    let child: ChildProcessByStdio<null, Readable, null>;
    try {
      child = spawn(command, args, {
        env: { ...pluginEnvironment(), ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
        stdio: ['ignore', 'pipe', 'ignore'],
        detached: true,
      });
    } catch (error) {
      // Thrown if the arguments are invalid. Its message quotes them.
      return reject(cannotRun(error));
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    const fail = (error: SourceError): void => {
      killGroup(child.pid);
      child.stdout.destroy();
      reject(error);
    };
    const timer = setTimeout(() => {
      const message = `the exec plugin ${name} did not finish within ${timeoutMs / 1000} s`;
      fail(new SourceError(source, 'unreachable', message, { code: 'TIMEOUT' }));
    }, timeoutMs);
    const onAbort = (): void =>
      fail(new SourceError(source, 'unreachable', `the exec plugin ${name} was canceled`));
    let draining: NodeJS.Timeout | undefined;
    const settled = (): void => {
      clearTimeout(timer);
      clearTimeout(draining);
      signal.removeEventListener('abort', onAbort);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });

    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT_BYTES)
        fail(new SourceError(source, 'malformed', `the exec plugin ${name} printed more than 1 MB`));
      else chunks.push(chunk);
    });
    child.once('error', (error) => {
      settled();
      reject(cannotRun(error));
    });
    child.once('exit', () => {
      draining = setTimeout(() => child.stdout.destroy(), DRAIN_MS);
    });
    child.once('close', (code, killedBy) => {
      settled();
      if (code === 0) return resolve(Buffer.concat(chunks).toString('utf8'));
      const how = code === null ? `was killed by ${killedBy}` : `exited with code ${code}`;
      reject(new SourceError(source, 'refused', `the exec plugin ${name} ${how}: run it by hand to see why`));
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
