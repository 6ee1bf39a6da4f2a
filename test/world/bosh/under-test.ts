import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Source } from '../../../src/ports/source.ts';
import { type BoshConfig, boshConfig } from '../../../src/sources/bosh/config.ts';
import { openBosh } from '../../../src/sources/bosh/open.ts';
import { type Director, type DirectorOptions, startDirector } from '../bosh-director.ts';
import { type MemoryVms, makeMemoryVms, makeVm } from './vms.ts';

export interface BoshUnderTest {
  readonly director: Director;
  /** The machines of the deployment `cf`. */
  readonly vms: MemoryVms;
  /**
   * Opens a source that reads with one client and restarts `doppler*` with the other; `more` overrides its
   * configuration.
   */
  readonly open: (more?: object) => Source;
  /** The configuration of such a source. */
  readonly configure: (more?: object) => BoshConfig;
  readonly close: () => Promise<void>;
}

/** A director with one deployment, three machines (one of them a doppler), and sources for it. */
export async function startBosh(options: Partial<DirectorOptions> = {}): Promise<BoshUnderTest> {
  const vms = makeMemoryVms([makeVm('cell_z1', 0), makeVm('doppler_z2', 0), makeVm('router_z1', 0)]);
  const director = await startDirector({ deployments: { cf: vms }, lockWaitMs: 100, ...options });
  const folder = await mkdtemp(join(tmpdir(), 'wrench-bosh-'));
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, director.ca);
  const { reader, admin } = director;
  const sources: Source[] = [];
  const configure = (more = {}) =>
    boshConfig.parse({
      kind: 'bosh',
      url: director.url,
      ca,
      auth: { client: { id: reader.id, secret: reader.secret } },
      allow: {
        restart: { auth: { client: { id: admin.id, secret: admin.secret } }, groups: ['doppler*'] },
      },
      ...more,
    });
  return {
    director,
    vms,
    configure,
    open: (more = {}) => {
      const source = openBosh(configure(more));
      sources.push(source);
      return source;
    },
    close: async () => {
      for (const source of sources) await source.close();
      await director.close();
      await rm(folder, { recursive: true });
    },
  };
}
