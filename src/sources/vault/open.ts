import type { CertificateStore, CertificateWriter } from '../../ports/certificates.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import type { HttpClient } from '../../wire/http.ts';
import { openHttpOnDemand } from '../../wire/http-on-demand.ts';
import type { VaultConfig } from './config.ts';
import { checkVaultHealth } from './health-check.ts';
import { checkPkiHealth } from './health-check-pki.ts';
import { checkWritingHealth } from './health-check-writing.ts';
import { readHistory } from './history.ts';
import { renewByIssuing } from './issue.ts';
import { issuedBy, prepareIssue } from './issue-plan.ts';
import { findIssued, pkiIssuers } from './pki.ts';
import { prepareRenewal } from './renew-plan.ts';
import { renewCertificate } from './renew.ts';
import { scanSecrets } from './scan.ts';
import { withoutSecrets } from './without-secrets.ts';
import { inBackground, openVaultSession, type Schedule, type VaultSession } from './session.ts';

/** A Vault or OpenBao. Opening it sends no requests: the first scan logs in. */
export function openVault(
  config: VaultConfig,
  options: { readonly schedule?: Schedule; readonly recorder?: SourceRecorder | undefined } = {},
): Source {
  const connection = openHttpOnDemand({
    source: config.name,
    ca: config.ca,
    clientCertificate: config.clientCertificate,
    recorder: options.recorder && withoutSecrets(options.recorder, config.pki),
  });
  const http: HttpClient = {
    requestJson: async (request) => (await connection.http()).requestJson(request),
    close: connection.close,
  };
  const schedule = options.schedule ?? inBackground;
  const session = openVaultSession(config, http, schedule);
  const writer = openWriter(config, http, session, schedule);
  return {
    name: config.name,
    kind: 'vault',
    reads: {
      certificates: {
        name: config.name,
        role: 'stored',
        storedIn: 'secrets',
        scan: (options) => scanSecrets({ config, http, session, ...options }),
        history: (place, { most, signal }) => readHistory({ config, session, signal }, place, most),
        ...(config.pki && {
          issuers: ({ signal }) => pkiIssuers({ config, session, signal }),
          findIssued: (certificate, { signal }) => findIssued({ config, session, signal }, certificate),
        }),
        ...(writer && { planRenewal: writer.plan }),
      },
    },
    ...(writer && { writes: { certificates: { renew: writer.renew } } }),
    healthCheck: async (signal) => {
      const reached = await checkVaultHealth({ config, http, session, signal });
      if (!reached.ok) return reached;
      const read = await checkPkiHealth({ config, session, signal }, reached);
      return writer && read.ok ? checkWritingHealth({ config, session: writer.session, signal }, read) : read;
    },
    close: async () => {
      session.close();
      writer?.session.close();
      await http.close();
    },
  };
}

interface Writer {
  readonly session: VaultSession;
  readonly plan: NonNullable<CertificateStore['planRenewal']>;
  readonly renew: CertificateWriter['renew'];
}

/** Plans and renews with the credential for writing, which may differ from the one for reading. */
function openWriter(
  config: VaultConfig,
  http: HttpClient,
  reading: VaultSession,
  schedule: Schedule,
): Writer | undefined {
  const { renew } = config.allow;
  if (!renew) return undefined;
  const { auth } = renew;
  const session = auth ? openVaultSession({ ...config, auth }, http, schedule) : reading;
  return {
    session,
    plan: async (place, { signal }) => {
      const writing = { config, session, signal };
      const issued = issuedBy(writing, place);
      const prepared = issued
        ? await prepareIssue(writing, place, issued)
        : await prepareRenewal(writing, place);
      return prepared.renewal;
    },
    renew: async (renewal, { signal }) => {
      const writing = { config, session, signal };
      if (renewal.method === 'sign') return renewCertificate(writing, renewal);
      if (renewal.method === 'issue') return renewByIssuing(writing, renewal);
      throw new TypeError(`a Vault doesn't ${renewal.method}`);
    },
  };
}
