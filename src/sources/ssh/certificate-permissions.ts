import type { Host } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { SourcePermission } from '../../ports/source.ts';
import { list } from '../../text/wording.ts';
import type { RunOnHost } from '../../wire/ssh-hosts.ts';
import { type CertificateKind, readCertificateFiles } from './read-certificate-files.ts';
import type { RootQuestion } from './root-questions.ts';

/** Whether all files with certificates can be read. Hosts that don't respond, or have no such files, are left out. */
export async function readCertificatePermissions(
  hosts: readonly Host[],
  run: RunOnHost,
  options: {
    readonly name: string;
    readonly kinds: readonly CertificateKind[];
    readonly sudo: readonly RootQuestion[];
  },
  signal: AbortSignal,
): Promise<readonly SourcePermission[]> {
  const asked = await Promise.all(
    hosts.map(async ({ name: host }) => {
      try {
        const { files, errors } = await readCertificateFiles(run, options, { host, signal }, options.kinds);
        const refused = [
          ...files.flatMap(({ path, problems }) =>
            problems.flatMap(({ kind, because }) => (kind === 'refused' ? [`${path}: ${because}`] : [])),
          ),
          ...errors.flatMap(({ path, error }) =>
            error.kind === 'refused' ? [`${path}: ${error.message}`] : [],
          ),
        ];
        return files.length + refused.length > 0 ? [{ host, refusal: refused[0] }] : [];
      } catch (error) {
        if (error instanceof SourceError || signal.aborted) return [];
        throw error;
      }
    }),
  );
  const groups = Map.groupBy(asked.flat(), ({ refusal }) => refusal);
  return [...groups].map(([refusal, group]) => ({
    method: 'scan',
    permission: `read certificates on ${list(group.map(({ host }) => host))}`,
    allowed: refusal === undefined,
    ...(refusal !== undefined && { hint: `${refusal}. deploy/hosts/sudoers has the lines for the hosts` }),
  }));
}
