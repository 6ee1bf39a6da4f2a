import type { CertificateStore, CertificateWriter } from '../../ports/certificates.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import type { CredhubConfig } from './config.ts';
import { checkCredhubHealth } from './health-check.ts';
import { listCredhubCertificates } from './list-certificates.ts';
import { readCredhubPermissions } from './permissions.ts';
import { readVersionContents } from './read-contents.ts';
import { withoutCredhubKeys } from './recordable.ts';
import { regenerateCertificate } from './regenerate.ts';
import { credhubNameOf, prepareRegeneration } from './plan-regeneration.ts';
import { openCredhubSession } from './session.ts';

/**
 * A CredHub. Opening it reads no files and sends no requests. It renews only with `allow.renew`. A scan yields nothing, because it would read the private
 * keys of all certificates: `managed` lists them without, and `contents` reads those that matter.
 */
export function openCredhub(config: CredhubConfig, recorder?: SourceRecorder): Source {
  const { renew } = config.allow;
  const safe = recorder && withoutCredhubKeys(recorder);
  const reading = openCredhubSession(config, config.auth, safe);
  const renewing = renew?.auth && openCredhubSession(config, renew.auth, safe);
  const access = { config, session: renewing ?? reading };
  const sessions = { reading, ...(renewing && { renewing }) };

  const store: CertificateStore = {
    name: config.name,
    role: 'stored',
    storedIn: 'secrets',
    scan: () => nothing(),
    managed: (options) => listCredhubCertificates({ config, session: reading }, options),
    contents: (place, { versions, signal }) =>
      readVersionContents({ config, session: reading, name: credhubNameOf(config, place), versions, signal }),
    ...(renew && {
      planRenewal: async (place, options) => (await prepareRegeneration(access, place, options)).renewal,
    }),
  };
  const writer: CertificateWriter = {
    renew: (renewal, applyContext) => {
      if (renewal.method !== 'regenerate') throw new TypeError(`CredHub doesn't ${renewal.method}`);
      return regenerateCertificate(access, renewal, applyContext);
    },
  };
  return {
    name: config.name,
    kind: 'credhub',
    reads: { certificates: store },
    ...(renew && { writes: { certificates: writer } }),
    healthCheck: (signal) => checkCredhubHealth({ config, ...sessions, signal }),
    permissions: (signal) => readCredhubPermissions({ config, ...sessions, signal }),
    close: async () => {
      await Promise.all([reading.close(), renewing?.close()]);
    },
  };
}

async function* nothing(): AsyncGenerator<never, void> {}
