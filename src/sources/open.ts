import type { Source } from '../ports/source.ts';
import type { SourceConfig } from './schemas.ts';

type Open<Kind extends SourceConfig['kind']> = (
  config: Extract<SourceConfig, { kind: Kind }>,
) => Promise<Source>;

/** How each kind of source is opened, one line per vendor. A vendor's code is loaded when the first source of its kind is opened. */
const OPEN: { readonly [Kind in SourceConfig['kind']]: Open<Kind> } = {
  tls: async (config) => (await import('./tls/open.ts')).openTls(config),
  files: async (config) => (await import('./files/open.ts')).openFiles(config),
  vault: async (config) => (await import('./vault/open.ts')).openVault(config),
  etcd: async (config) => (await import('./etcd/open.ts')).openEtcd(config),
  bosh: async (config) => (await import('./bosh/open.ts')).openBosh(config),
  monit: async (config) => (await import('./monit/open.ts')).openMonit(config),
};

/** Opens a configured source; no request is sent yet. */
export function openSource(config: SourceConfig): Promise<Source> {
  return (OPEN[config.kind] as (config: SourceConfig) => Promise<Source>)(config);
}
