import type { ProcessWriter } from '../../ports/processes.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import { readDeployedCertificates, readDirectorCertificates } from './certificates.ts';
import { openHttpOnDemand } from '../../wire/http-on-demand.ts';
import type { BoshConfig } from './config.ts';
import { readDeployments } from './deployments.ts';
import { readDirectorTasks } from './director-tasks.ts';
import { readInfo } from './info.ts';
import { checkBoshHealth } from './health-check.ts';
import { restartInstance } from './restart.ts';
import { openDirectorSession } from './session.ts';

/**
 * A BOSH director. Opening it sends no requests. It can restart only with `allow.restart`, and uses that credential for nothing else; the
 * credential for reading never changes anything.
 */
export function openBosh(config: BoshConfig, recorder?: SourceRecorder): Source {
  const connector = openHttpOnDemand({ source: config.name, ca: config.ca, recorder });
  const reading = openDirectorSession(config, config.auth, connector);
  const { restart } = config.allow;
  const acting = restart && openDirectorSession(config, restart.auth, connector);

  const directorVersion = async (signal: AbortSignal): Promise<string> =>
    (await readInfo(config, await connector.http(), { signal })).version;

  const writer: ProcessWriter | undefined = acting && {
    restart: (target, applyContext) =>
      restartInstance({ config, session: acting, directorVersion }, target, applyContext),
  };

  return {
    name: config.name,
    kind: 'bosh',
    reads: {
      processes: {
        name: config.name,
        supervisor: 'director',
        deployments: async (options) =>
          readDeployments({
            config,
            session: reading,
            directorVersion: await directorVersion(options.signal),
            ...options,
          }),
        deployedCertificates: (options) => readDeployedCertificates({ config, session: reading, ...options }),
        directorCertificates: (options) => readDirectorCertificates({ config, session: reading, ...options }),
        tasks: (options) => readDirectorTasks({ config, session: reading, ...options }),
      },
    },
    ...(writer && { writes: { processes: writer } }),
    healthCheck: (signal) =>
      checkBoshHealth({ config, connector, reading, ...(acting && { acting }), signal }),
    close: connector.close,
  };
}
