import { SourceError } from '../../ports/source-error.ts';
import type { SourceHealth, SourcePermission } from '../../ports/source.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { listManaged } from './managed.ts';
import type { OpsmanSession } from './session.ts';

/** Scopes of roles that change something: https://techdocs.broadcom.com/us/en/vmware-tanzu/platform/tanzu-operations-manager/3-0/tanzu-ops-manager/opsguide-config-rbac.html */
const CHANGES = /^opsman\.(admin|full_control|restricted_control)$/;
/** The role Full View also reads credentials. */
const READS_CREDENTIALS = /^opsman\.(admin|full_control|full_view)$/;
const READS = /^opsman\.(admin|full_control|restricted_control|full_view|restricted_view)$/;

/** Throws only on a bug in Wrench. */
export async function checkOpsmanHealth(
  source: string,
  session: OpsmanSession,
  signal: AbortSignal,
): Promise<SourceHealth> {
  try {
    await session.logIn(signal);
    const info = asObject(asObject(await session.getInfo(signal))['info']);
    const version = printable(textIn(info, 'version') ?? 'of an unknown version');
    let count = 0;
    for await (const _ of listManaged({ source, session, signal })) count += 1;
    return {
      ok: true,
      summary: `Ops Manager ${version}, ${count === 1 ? '1 certificate' : `${count} certificates`} of deployments`,
    };
  } catch (error) {
    if (signal.aborted) return { ok: false, summary: 'timed out', hint: hintFor(session) };
    if (!(error instanceof SourceError)) throw error;
    return { ok: false, summary: error.message, hint: hintFor(session, error) };
  }
}

function hintFor({ host }: OpsmanSession, error?: SourceError): string {
  const said = error?.message ?? '';
  if (error?.kind === 'missing' && said.includes('file')) return 'Correct the file name or its permissions';
  if (said.includes('not trusted')) return 'Set `ca` to a PEM file with that CA';
  if (error?.kind === 'refused')
    return 'Correct `auth`, and give it the scope `opsman.restricted_view`: docs/sources.md#ops-manager';
  if (said.includes('passphrase')) return `Enter the decryption passphrase at https://${host}`;
  return `Check that https://${host} is correct and reachable from here`;
}

/**
 * What the scopes of the login allow.
 * @throws {SourceError} if the login is rejected.
 */
export async function readOpsmanPermissions(
  session: OpsmanSession,
  signal: AbortSignal,
): Promise<readonly SourcePermission[]> {
  const { scopes } = await session.logIn(signal);
  if (!scopes) return [];
  const tooMuch = scopes.some((scope) => CHANGES.test(scope))
    ? 'change everything in Ops Manager'
    : scopes.some((scope) => READS_CREDENTIALS.test(scope))
      ? 'read all credentials, with their private keys'
      : undefined;
  const hint = 'Give the login the role Restricted View: docs/sources.md#ops-manager';
  return [
    {
      method: 'managed',
      permission: 'list the certificates of deployments',
      allowed: scopes.some((scope) => READS.test(scope)),
      ...(tooMuch !== undefined && { alsoAllows: tooMuch }),
      ...((tooMuch !== undefined || !scopes.some((scope) => READS.test(scope))) && { hint }),
    },
  ];
}
