import type { z } from 'zod';
import { boshConfig, oldAct } from './bosh/config.ts';
import { buildsConfig } from './builds/config.ts';
import { checkoutConfig } from './checkout/config.ts';
import { credhubConfig } from './credhub/config.ts';
import { dockerConfig } from './docker/config.ts';
import { etcdConfig, oldMaintain } from './etcd/config.ts';
import { filesConfig } from './files/config.ts';
import { githubConfig } from './github/config.ts';
import { gitlabConfig } from './gitlab/config.ts';
import { kubernetesConfig } from './kubernetes/config.ts';
import { monitConfig, oldRestart } from './monit/config.ts';
import { mysqlConfig } from './mysql/config.ts';
import { openStackConfig } from './openstack/config.ts';
import { opsmanConfig } from './opsman/config.ts';
import { rabbitmqConfig } from './rabbitmq/config.ts';
import { sshConfig } from './ssh/config.ts';
import { syslogConfig } from './syslog/config.ts';
import { tlsConfig } from './tls/config.ts';
import { oldRenew, vaultConfig } from './vault/config.ts';

/** The configuration of each kind of source, one line per vendor. Loads no client, because the bot reads it too; `open.ts` does. */
export const sourceSchemas = [
  tlsConfig,
  filesConfig,
  vaultConfig,
  credhubConfig,
  etcdConfig,
  boshConfig,
  monitConfig,
  kubernetesConfig,
  dockerConfig,
  sshConfig,
  syslogConfig,
  openStackConfig,
  mysqlConfig,
  opsmanConfig,
  rabbitmqConfig,
  buildsConfig,
  checkoutConfig,
  githubConfig,
  gitlabConfig,
] as const;

/** One configured source, with all defaults filled in. `kind` says which vendor it is. */
export type SourceConfig = z.output<(typeof sourceSchemas)[number]>;

interface DeprecatedKey {
  readonly key: string;
  /** What replaces the old value under `allow`, whether its variables are replaced or not; undefined if it allowed nothing. */
  readonly toAllow: (value: never) => object | undefined;
}

/** The deprecated key of each kind of source that has one. */
export const oldKeys: Readonly<Partial<Record<SourceConfig['kind'], DeprecatedKey>>> = {
  vault: oldRenew,
  etcd: oldMaintain,
  bosh: oldAct,
  monit: oldRestart,
};
