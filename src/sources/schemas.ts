import type { z } from 'zod';
import { boshConfig } from './bosh/config.ts';
import { etcdConfig } from './etcd/config.ts';
import { filesConfig } from './files/config.ts';
import { monitConfig } from './monit/config.ts';
import { tlsConfig } from './tls/config.ts';
import { vaultConfig } from './vault/config.ts';

/** What each kind of source may be configured with, one line per vendor. Loads no client: the bot reads it too. `open.ts` opens them. */
export const sourceSchemas = [
  tlsConfig,
  filesConfig,
  vaultConfig,
  etcdConfig,
  boshConfig,
  monitConfig,
] as const;

/** One configured source, with all defaults filled in. `kind` says which vendor it is. */
export type SourceConfig = z.output<(typeof sourceSchemas)[number]>;
