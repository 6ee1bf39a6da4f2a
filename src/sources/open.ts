import type { SourceRecorder } from '../ports/recorder.ts';
import type { Source } from '../ports/source.ts';
import type { SourceConfig } from './schemas.ts';

type Open<Kind extends SourceConfig['kind']> = (
  config: Extract<SourceConfig, { kind: Kind }>,
  recorder: SourceRecorder | undefined,
) => Promise<Source>;

/** How each kind of source is opened, one line per vendor. A vendor's code is loaded when the first source of its kind is opened. */
const OPEN: { readonly [Kind in SourceConfig['kind']]: Open<Kind> } = {
  tls: async (config) => (await import('./tls/open.ts')).openTls(config),
  files: async (config) => (await import('./files/open.ts')).openFiles(config),
  vault: async (config, recorder) => (await import('./vault/open.ts')).openVault(config, { recorder }),
  credhub: async (config, recorder) => (await import('./credhub/open.ts')).openCredhub(config, recorder),
  etcd: async (config, recorder) => (await import('./etcd/open.ts')).openEtcd(config, recorder),
  bosh: async (config, recorder) => (await import('./bosh/open.ts')).openBosh(config, recorder),
  monit: async (config, recorder) => (await import('./monit/open.ts')).openMonit(config, recorder),
  kubernetes: async (config, recorder) =>
    (await import('./kubernetes/open.ts')).openKubernetes(config, recorder),
  docker: async (config, recorder) => (await import('./docker/open.ts')).openDocker(config, recorder),
  ssh: async (config) => (await import('./ssh/open.ts')).openHosts(config),
  syslog: async (config) => (await import('./syslog/open.ts')).openSyslog(config),
  mysql: async (config) => (await import('./mysql/open.ts')).openMySql(config),
  openstack: async (config, recorder) =>
    (await import('./openstack/open.ts')).openOpenStack(config, recorder),
  opsman: async (config, recorder) => (await import('./opsman/open.ts')).openOpsman(config, recorder),
  builds: async (config) => (await import('./builds/open.ts')).openBuilds(config),
  rabbitmq: async (config, recorder) => (await import('./rabbitmq/open.ts')).openRabbitmq(config, recorder),
  checkout: async (config) => (await import('./checkout/open.ts')).openCheckout(config),
  github: async (config) => (await import('./github/open.ts')).openGithub(config),
  gitlab: async (config) => (await import('./gitlab/open.ts')).openGitlab(config),
};

/** Opens a configured source; no request is sent yet. */
export function openSource(config: SourceConfig, recorder?: SourceRecorder): Promise<Source> {
  return (OPEN[config.kind] as Open<SourceConfig['kind']>)(config, recorder);
}
